"""A JSON object that the issuer answers with: no redirects, no endless bodies, no long waiting.

Not here: whether an address may be asked (`interactions.address`), and what the object says.
"""

from collections.abc import Mapping
from typing import Any

import httpx

SECONDS = 5.0
LARGEST = 256 * 1024
"""Bytes of what an issuer publishes."""

JSON: Mapping[str, str] = {"accept": "application/json", "accept-encoding": "identity"}
"""Nothing compressed: a few bytes would become more than we read."""


async def read_answer(
    client: httpx.AsyncClient, method: str, uri: str, headers: Mapping[str, str] = JSON, content: str | None = None
) -> tuple[int, Mapping[str, Any]]:
    """Status and object. Raises httpx.HTTPError, ValueError for what is no object or too large."""
    async with client.stream(method, uri, headers=dict(headers), content=content, timeout=SECONDS) as answer:
        if answer.status_code >= 500 or answer.is_redirect:
            answer.raise_for_status()
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise ValueError("the issuer answers compressed, though it was asked not to")
        body = bytearray()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > LARGEST:
                raise ValueError("the issuer answers with more than we read")
    found = httpx.Response(200, content=bytes(body)).json()
    if not isinstance(found, dict):
        raise ValueError("the issuer answers with no object")
    return answer.status_code, found
