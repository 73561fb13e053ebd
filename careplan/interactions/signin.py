"""Signing in at an issuer, as the pages ask for it: out to the issuer, back with an answer, and out for good.

Not here: how it is done (`careplan.identity`), and what keeps somebody signed in (`careplan.views`). These are the
words both share. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from careplan.domain.errors import CareplanError
from careplan.interactions.caller import Caller


class SignInRefused(CareplanError):
    """The issuer's answer does not count; the message says why, and nothing of what stands in it."""

    code = "sign-in-refused"


class SignInDenied(CareplanError):
    """The issuer says no, or the person broke it off."""

    code = "sign-in-denied"


class SignInNeeded(CareplanError):
    """The issuer does not know the person now, and was told to ask nothing."""

    code = "sign-in-needed"


class SignInExpired(CareplanError):
    """An answer to no sign-in that this browser has begun, or to one begun too long ago."""

    code = "sign-in-expired"


class SignInUnfit(CareplanError):
    """The issuer knows the person, but does not say in which role, for whom, or as surely as is asked here."""

    code = "sign-in-unfit"


@dataclass(frozen=True, slots=True)
class Begun:
    """On the way to the issuer.

    address  where the browser goes
    kept     what the browser brings back in a cookie; sealed, so that nobody reads or changes it
    """

    address: str
    kept: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Back from the issuer: who it is, and the path they wanted to."""

    caller: Caller
    back: str


class SignIn(Protocol):
    """One issuer."""

    async def begin(self, answer_to: str, back: str) -> Begun:
        """On the way, to come back to `answer_to` and then go to `back`. Raises IssuerUnavailable."""
        ...

    async def complete(self, answer: Sequence[tuple[str, str]], kept: str) -> SignedIn:
        """Who an answer speaks of; `answer` is the query that the browser came back with.

        Raises SignInExpired, SignInDenied, SignInNeeded, SignInRefused, SignInUnfit, IssuerUnavailable
        """
        ...

    async def leaving(self, back_to: str) -> str | None:
        """Where the browser goes to sign out at the issuer too; None where it has no such address, or is down."""
        ...
