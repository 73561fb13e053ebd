"""Where a page ended: the sort values and id of its last match, as one opaque text.

Unsigned; the door signs what it hands out (checklist R4-76). Keyset, not a count of rows to skip, so that pages
stay right while others write (R4-75).
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from careplan.store.protocol import CursorInvalid

SortValue: TypeAlias = str | int | None
"""A sort value as both stores keep it; None where the resource has none."""


@dataclass(frozen=True, slots=True)
class Place:
    """The last match of a page: its sort values in the query's order, and its id."""

    values: tuple[SortValue, ...]
    id: str


def text_from_place(values: Sequence[SortValue], id: str) -> str:
    """The place as URL-safe text."""
    whole = json.dumps([*values, id], separators=(",", ":"), ensure_ascii=False)
    return urlsafe_b64encode(whole.encode()).decode().rstrip("=")


def place_from_text(text: str, kinds: Sequence[type]) -> Place:
    """The place again.

    kinds   what each sort value has to be, str or int
    Raises  CursorInvalid for anything `text_from_place` did not make for such a query
    """
    try:
        whole = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode())
    except (ValueError, binascii.Error, RecursionError):
        raise CursorInvalid("the page link cannot be read") from None
    if not isinstance(whole, list) or len(whole) != len(kinds) + 1 or not isinstance(whole[-1], str):
        raise CursorInvalid("the page link belongs to another search")
    values = whole[:-1]
    if not all(value is None or _fits(value, kind) for value, kind in zip(values, kinds, strict=True)):
        raise CursorInvalid("the page link belongs to another search")
    return Place(tuple(values), whole[-1])


def _fits(value: object, kind: type) -> bool:
    return type(value) is kind and (not isinstance(value, int) or abs(value) < 2**62)


def text_from_number(number: int) -> str:
    """The place in a history: the number of the last version shown."""
    return str(number)


def number_from_text(text: str) -> int:
    """The number again; raises CursorInvalid."""
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise CursorInvalid("the page link cannot be read")
    return int(text)
