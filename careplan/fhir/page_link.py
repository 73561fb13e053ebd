"""Links of a searchset: the search as a URL, and signed tokens for its pages.

A token holds the store's position and a keyed hash over it and the search it belongs to, so that nobody can make one
up or carry it to another search. It does not expire: a position stays meaningful while others write.
https://hl7.org/fhir/R4/http.html#paging · checklist R4-72, R4-75, R4-76
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote, urlencode

from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.query import Query

PAGE = "_page"
"""Name of the parameter that holds a page token."""

_SIGNATURE = 18


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
    """A store's position as a page token, URL-safe."""
    raw = cursor.encode()
    return urlsafe_b64encode(_signature(raw, binding, secret) + raw).decode().rstrip("=")


def unsign(token: str, binding: str, secret: bytes) -> str:
    """The position again. Raises ParameterInvalid when the token is not ours or belongs to another search."""
    try:
        whole = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        signature, raw = whole[:_SIGNATURE], whole[_SIGNATURE:]
        ours = hmac.compare_digest(signature, _signature(raw, binding, secret))
        if ours and hmac.compare_digest(token.encode("ascii"), sign(raw.decode(), binding, secret).encode()):
            return raw.decode()
    except (ValueError, binascii.Error):
        pass
    raise ParameterInvalid(f"{PAGE} is not a page of this search; start again without it")


def _signature(raw: bytes, binding: str, secret: bytes) -> bytes:
    return hmac.digest(secret, binding.encode() + b"\0" + raw, hashlib.sha256)[:_SIGNATURE]
