"""Numbers with what belongs to them, kept from left to right in a language that runs the other way.

«58 mmol/mol», «1-1-2» and a phone number would else be shown with their parts in the wrong order. Not here: which way a
page runs (`catalogue`). Isolates: Unicode's bidirectional algorithm, https://www.unicode.org/reports/tr9/.
"""

import re

_LEFT_TO_RIGHT, _END = "\u2066", "\u2069"
_ISOLATES = re.compile(f"[{_LEFT_TO_RIGHT}{_END}]")
_LATIN = re.compile(r"[<>≤≥]?\d[A-Za-z0-9µ²³%/.,:\u00a0\u2009 -]*[A-Za-z0-9²³%]|[<>≤≥]\d")
"""A value with its unit, a date, a phone number."""


def in_order(text: str) -> str:
    """A text that runs from right to left, each number in it set apart; done twice it is the same."""
    return _LATIN.sub(lambda found: f"{_LEFT_TO_RIGHT}{found[0]}{_END}", _ISOLATES.sub("", text))
