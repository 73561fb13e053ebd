"""The closed vocabulary of rules: what may be asked of a fact, and the three answers.

A rule never holds an expression, only these words. Truth is three-valued (Kleene): True, False, or None where a
missing fact leaves it open, so that "a missing fact never blocks and never defaults silently".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeGuard

FactValue = bool | Decimal | str
Word = Callable[[FactValue, FactValue], bool]


def _number(limit: FactValue) -> Decimal:
    return limit if isinstance(limit, Decimal) else Decimal(str(limit))


def _is_number(value: FactValue) -> TypeGuard[Decimal]:
    """Whether a fact has a number; of yes, no and words no comparison holds."""
    return not isinstance(value, bool | str)


def _above(value: FactValue, limit: FactValue) -> bool:
    return _is_number(value) and value > _number(limit)


def _at_least(value: FactValue, limit: FactValue) -> bool:
    return _is_number(value) and value >= _number(limit)


def _below(value: FactValue, limit: FactValue) -> bool:
    return _is_number(value) and value < _number(limit)


def _at_most(value: FactValue, limit: FactValue) -> bool:
    return _is_number(value) and value <= _number(limit)


def _is(value: FactValue, limit: FactValue) -> bool:
    return value == limit


def _is_not(value: FactValue, limit: FactValue) -> bool:
    return value != limit


WORDS: Mapping[str, Word] = {
    "is": _is,
    "is-not": _is_not,
    "above": _above,
    "at-least": _at_least,
    "below": _below,
    "at-most": _at_most,
}
NUMBER_WORDS = frozenset({"above", "at-least", "below", "at-most"})
_AT_BOUND: Mapping[str, frozenset[str]] = {
    "<": frozenset({"below", "at-most", "is-not"}),
    ">": frozenset({"above", "at-least", "is-not"}),
}
"""What holds of a value known only as a bound, asked of that very number: `<30` is below 30, and not at least 30."""

_DANISH = {"is": "=", "is-not": "≠", "above": ">", "at-least": "≥", "below": "<", "at-most": "≤"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One question to one fact: `egfr below 60`. `or_unknown`: a missing fact counts as yes."""

    fact: str
    word: str = "is"
    limit: FactValue = True
    or_unknown: bool = False

    def holds(self, value: FactValue, comparator: str | None = None) -> bool:
        """Whether it holds of a value; of a bound (`<30`) as of the bound itself, but that it lies beyond it."""
        if comparator is not None and comparator in _AT_BOUND and value == self.limit:
            return self.word in _AT_BOUND[comparator]
        return value == self.limit if self.word == "is" else WORDS[self.word](value, self.limit)

    def says(self) -> str:
        """The question as a clinician reads it: `egfr < 60`, `frail`."""
        if self.word == "is" and self.limit is True:
            text = self.fact
        elif self.word == "is" and self.limit is False:
            text = f"ikke {self.fact}"
        else:
            text = f"{self.fact} {_DANISH[self.word]} {self.limit}"
        return f"{text} eller ukendt" if self.or_unknown else text


@dataclass(frozen=True, slots=True)
class Group:
    """Several questions: all of them, or any of them."""

    needs: str  # "all" or "any"
    terms: tuple["Condition | Group", ...]

    def says(self) -> str:
        joined = (" og " if self.needs == "all" else " eller ").join(term.says() for term in self.terms)
        return f"({joined})"


Term = Condition | Group
