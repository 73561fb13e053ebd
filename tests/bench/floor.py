"""The floor: a bare ASGI application that gives the same bytes back, under the same server settings.

A request gets the file of the folder BENCH_FLOOR that the last step of its path names. What a POST brings is taken in.
Nothing is looked at, nothing is stored.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["BENCH_FLOOR"])
_TYPE = (b"content-type", b"application/fhir+json; charset=utf-8")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One request."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = _body(scope["path"].rpartition("/")[2])
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [_TYPE, length]})
    await send({"type": "http.response.body", "body": body})


@cache
def _body(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
