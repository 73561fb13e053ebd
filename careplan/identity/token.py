"""An access token → what its issuer says of the caller, or why it does not count (design §7).

A token counts when an issuer we trust signed it with RS256 or ES256 by a key it publishes now, for us, and for this
moment; `joserfc` does the cryptography. Not here: where the keys come from (`key`), and what a caller may do.
https://www.rfc-editor.org/rfc/rfc9068 · https://www.rfc-editor.org/rfc/rfc8725 · R4-119
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from careplan.interactions.caller import TokenRefused

ALGORITHMS = ("RS256", "ES256")
_KINDS = {"RS256": "RSA", "ES256": "EC"}
LONGEST = 8192
"""Characters of a token; longer ones are not looked at."""
_LATEST = 2**53
"""Seconds since 1970: a time that JSON can tell apart from the next one."""
_TYPES = frozenset({None, "jwt", "at+jwt", "application/at+jwt"})

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose tokens count, and for whom they must be meant.

    leeway  seconds that the issuer's clock and ours may differ
    """

    issuer: str
    audience: str
    leeway: int = 60


def key_id(token: str) -> str | None:
    """The key a token names; None where it names none. Raises TokenRefused for what is no signed token of ours."""
    header = read_header(token)
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("the token is signed with none of RS256 and ES256")
    if "crit" in header:
        raise TokenRefused("the token asks for extensions that are not known here")
    if str(header["typ"]).lower() not in _TYPES if header.get("typ") is not None else False:
        raise TokenRefused("the token is of another kind than an access token")
    named = header.get("kid")
    if named is not None and not isinstance(named, str):
        raise TokenRefused("the token names its key by something that is no text")
    return named


def read_header(token: str) -> Claims:
    """What a signed token says of itself, before anything of it is known to be true. Raises TokenRefused."""
    first, _, rest = token.partition(".")
    if len(token) > LONGEST or rest.count(".") != 1:
        raise TokenRefused("the token is not a signed JWT")
    try:
        header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        raise TokenRefused("the token is not a signed JWT") from None
    if not isinstance(header, dict):
        raise TokenRefused("the token is not a signed JWT")
    return header


def read_claims(token: str, keys: KeySet, trust: Trust, now: int) -> Claims:
    """The claims of a token that counts at `now` (seconds since 1970). Raises TokenRefused saying why not."""
    named, alg = key_id(token), read_header(token)["alg"]
    keys = KeySet([key for key in keys if key.kid == named or (named is None and key.key_type == _KINDS[alg])])
    try:
        claims = _decoded(token, keys)
        _registry(trust, now).validate(dict(claims))
        if not claims["exp"] < _LATEST:
            raise ValueError("the end of time")
    except ExpiredTokenError:
        raise TokenRefused("the token has expired") from None
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise TokenRefused(_REASONS.get(getattr(error, "claim", ""), "the token's signature does not hold")) from None
    return claims


def _decoded(token: str, keys: KeySet) -> Claims:
    """What a token says, signed by one of these keys: several only where it names none. Raises JoseError."""
    last: JoseError = InvalidKeyIdError("no key of the issuer fits")
    for key in keys:
        try:
            return jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        except JoseError as error:
            last = error
    raise last


_REASONS = {
    "aud": "the token is meant for another service",
    "iss": "the token is of another issuer",
    "exp": "the token does not say until when it counts",
    "nbf": "the token does not count yet",
    "iat": "the token says that it is from the future",
    "sub": "the token does not say whom it is about",
}


def _registry(trust: Trust, now: int) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=now,
        leeway=trust.leeway,
        iss={"essential": True, "value": trust.issuer},
        aud={"essential": True, "value": trust.audience},
        exp={"essential": True},
        sub={"essential": True},
    )
