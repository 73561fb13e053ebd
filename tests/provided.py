"""A certified OpenID provider (npm oidc-provider) to sign in at, and somebody who goes through it in process."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from issuing import AUDIENCE, EC

from careplan.settings import Settings

INSTALLED = Path(sys.prefix) / "clients"
HERE = Path(__file__).resolve().parent
SECRET = "pages-secret-that-is-long-enough-for-a-test"
"""Of the client `pages`."""


@contextmanager
def provider(base: str, claims: str = "id_token") -> Iterator[str]:
    """A provider's address, for pages at `base`, until the end of the block; skips the test where there is none."""
    node = shutil.which("node")
    if node is None or not (INSTALLED / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("Node or the packages of tests/clients/package.json are not installed")
    told = json.dumps({"audience": AUDIENCE, "base": base, "claims": claims, "key": EC.as_dict(private=False)})
    command = [node, str(HERE / "provider.mjs"), told]
    environment = {**os.environ, "CLIENTS": str(INSTALLED)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as one:
        try:
            assert one.stdout is not None
            yield one.stdout.readline().strip()
        finally:
            one.terminate()


def settings_for(issuer: str, store: Path, **more: object) -> Settings:
    """A service whose pages sign in at this issuer."""
    given: dict[str, object] = {"oidc_client_id": "pages", "oidc_client_secret": SECRET} | more
    return Settings(
        store=str(store),
        auth="oidc",
        oidc_issuer=issuer,
        oidc_audience=AUDIENCE,
        secret="a secret of the tests",
        **given,  # type: ignore[arg-type]
    )


class Visitor:
    """One browser: its cookies at our service and at the provider, and redirects followed one at a time."""

    def __init__(self, app: FastAPI, base: str, issuer: str) -> None:
        transport = httpx.ASGITransport(app=app)
        self.here = httpx.AsyncClient(transport=transport, base_url=base, headers={"Sec-Fetch-Site": "same-origin"})
        self.there = httpx.AsyncClient(base_url=issuer)
        self.base = base

    async def close(self) -> None:
        await self.here.aclose()
        await self.there.aclose()

    async def get(self, address: str) -> httpx.Response:
        """One step, at whichever of the two the address is of."""
        ours = not urlsplit(address).netloc or address.startswith(f"{self.base}/")
        return await (self.here if ours else self.there).get(address)

    async def leave(self, til: str = "") -> str:
        """Begin to sign in; the address at the issuer."""
        answer = await self.here.get("/log-ind", params={"til": til} if til else None)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def answer_of(self, address: str, name: str) -> str:
        """Sign in at the provider by name; the address that it sends the browser back to."""
        answer = await self.there.get(address)
        for _ in range(6):
            if answer.status_code in (302, 303):
                to = answer.headers["location"]
                if to.startswith(f"{self.base}/"):
                    return to
                answer = await self.there.get(to)
                continue
            form = re.search(r'action="([^"]+)"', answer.text)
            assert form is not None, answer.text
            answer = await self.there.post(unescape(form[1]), data={"prompt": "login", "login": name, "password": "x"})
        raise AssertionError("the provider sends nobody back")

    async def sign_in(self, name: str, til: str = "") -> httpx.Response:
        """All the way; what our service answers to the issuer's answer."""
        return await self.here.get(await self.answer_of(await self.leave(til), name))

    async def post(self, path: str, token: str, **headers: str) -> httpx.Response:
        own = {"Origin": self.base, "Content-Type": "application/x-www-form-urlencoded"} | headers
        return await self.here.post(path, content=f"formular={token}", headers=own)


def form_token(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="formular" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]
