"""Somebody at the pages of a running service, over HTTP: what a journey is walked with."""

import re
from typing import Any

import httpx


class Browser:
    """A person at the pages: keeps the cookie, fills in forms with their token."""

    def __init__(self, address: str, persona: str) -> None:
        self.client = httpx.Client(base_url=address, follow_redirects=True, headers={"origin": address})
        self.page = self.client.get("/").text
        self.send("/log-ind", person=persona)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def open(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        self.page = answer.text
        return self.page

    def send(self, path: str, **fields: Any) -> str:
        """Post the form of the page that is open, with its hidden fields."""
        hidden: dict[str, list[str]] = {}
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.page):
            hidden.setdefault(name, []).append(value)
        answer = self.client.post(path, data={**hidden, **fields})
        assert answer.status_code == 200, answer.text
        self.page = answer.text
        return self.page

    def resource(self, path: str) -> Any:
        answer = self.client.get(f"/fhir/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()
