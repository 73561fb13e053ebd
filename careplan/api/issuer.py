"""What an application asks of where people and systems sign in: the shape that `careplan.signed` declares to have.

Here, below both, since `app` loads `signed` by its name: what is not imported is compared with nothing. Not here: how
signing in is done (`careplan.identity`). https://hl7.org/fhir/smart-app-launch/STU2.2/
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from careplan.interactions.caller import Caller, TokenRefused
from careplan.interactions.signin import SignIn

Tell = Callable[[Scope, TokenRefused], None]
"""Hears of a token that does not count."""


class Issuer(Protocol):
    """Where people and systems sign in. `pages`: whether people do so on the pages."""

    pages: bool

    def routes(self, base: str) -> list[Route]:
        """Where apps read how to sign in."""
        ...

    async def addresses(self) -> Mapping[str, str]:
        """Where apps sign in, by SMART's names; none while the issuer cannot be reached."""
        ...

    def guarded(self, served: ASGIApp, below: tuple[str, ...], tell: Tell) -> ASGIApp:
        """The application, with who calls found for every request below these addresses."""
        ...

    def identify(self, request: Request) -> Caller:
        """Who calls. Raises LoginRequired, TokenRefused, IssuerUnavailable."""
        ...

    def find_client(self, scope: Scope) -> str | None:
        """The client and user of the token that a request brings."""
        ...

    def sign_in(self, secret: bytes) -> SignIn | None:
        """The pages' way in; None where they have none."""
        ...
