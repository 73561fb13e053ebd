"""Links of a searchset: the search as a URL, and signed tokens for its pages.

A token holds the store's position, sealed by AES-SIV (RFC 5297) together with the search it belongs to: nobody can make
one up, carry it to another search, or read from it what the caller may not see, such as how much others have written.
The same position gives the same token. It does not expire: a position stays meaningful while others write.
https://hl7.org/fhir/R4/http.html#paging · checklist R4-72, R4-75, R4-76
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.query import Query

PAGE = "_page"
"""Name of the parameter that holds a page token."""

_BLOCK = 32
"""A position is filled up to a multiple of so many bytes."""


def self_link(base: str, query: Query, *, page: str | None = None, path: str | None = None) -> str:
    """The absolute URL that asks exactly this.

    page  a signed token; of this page for `self`, of the following one for `next`
    path  where the search stands below the base, when that is not the type (`Patient/1/CarePlan`, `_history`);
          "" for the base itself
    """
    pairs = [*query.used, *([(PAGE, page)] if page else [])]
    asked = urlencode(pairs, quote_via=quote, safe="/:,-._~$*")
    where = query.type if path is None else path
    return (f"{base}/{where}" if where else base) + (f"?{asked}" if asked else "")


def binding_of(query: Query) -> str:
    """What a page token belongs to: the type, the compartment asked for and the parameters."""
    return urlencode([("", query.type), ("", query.patient or ""), *query.used])


def sign(cursor: str, binding: str, secret: bytes) -> str:
    """A store's position as a page token, URL-safe; its length says no more than about how long the position is."""
    raw = cursor.encode()
    padded = raw + b"\1" + b"\0" * (-(len(raw) + 1) % _BLOCK)
    sealed = _seal(secret).encrypt(padded, [_bound(binding)])
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def unsign(token: str, binding: str, secret: bytes) -> str:
    """The position again. Raises ParameterInvalid when the token is not ours or belongs to another search."""
    try:
        sealed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        if urlsafe_b64encode(sealed).decode().rstrip("=") == token:
            return _seal(secret).decrypt(sealed, [_bound(binding)]).rstrip(b"\0")[:-1].decode()
    except (ValueError, binascii.Error, InvalidTag):
        pass
    raise ParameterInvalid(f"{PAGE} is not a page of this search; start again without it")


@lru_cache(maxsize=4)
def _seal(secret: bytes) -> AESSIV:
    return AESSIV(hashlib.sha512(b"page\0" + secret).digest())


def _bound(binding: str) -> bytes:
    """What is sealed with it; never empty, as AES-SIV takes it."""
    return b"\0" + binding.encode()
