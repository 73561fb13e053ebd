"""What a page showed when its form was made, and what of it stands no longer: nobody overrides what nobody saw.

A value, a target, a plan and its control count; a new value of a measure that the form says nothing of does not, and
no more does a Goal whose target is as it was: its achievement moves by itself. Not here: what a page says of it
(`careplan.views.control_stale`), and forms that were kept and not sent (`kept_form`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from careplan.domain.measure import Reading
from careplan.fhir.goal import AGREED, find_deviation, find_target, is_active
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.mark import identifier_of
from careplan.interactions.overview import Line
from careplan.interactions.precondition import PreconditionFailed

PANEL = "bp"
"""What the mark of a form calls the one Observation of both numbers of a blood pressure."""


class Overtaken(PreconditionFailed):
    """Somebody else has stored what a form touches, and who sends the form has not seen that."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form was filled in on.

    rests   what an approval rests on, as `review.reviewed_from` tells it; None where the form does not say
    goals   `Goal/17@3` by measure, empty where there was none
    newest  as `newest_mark` tells it, by measure, of those that the form brings a value of
    mark    of the form: what it has stored itself does not overtake it
    """

    rests: frozenset[str] | None = None
    goals: Mapping[str, str] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Newer:
    """What stands now and was not shown: goals as they were shown (None: there was none), and values, by measure."""

    plans: bool = False
    goals: Mapping[str, Json | None] = field(default_factory=dict)
    values: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.plans or bool(self.goals) or bool(self.values)


def newest_mark(reading: Reading | None) -> str:
    """What a value is known by: another, or the same put right, has another mark."""
    return "" if reading is None else f"{reading.reference}@{reading.at.isoformat()}={reading.value}"


def goal_mark(goal: Json | None) -> str:
    return "" if goal is None else f"Goal/{goal['id']}@{goal['meta']['versionId']}"


async def find_newer(
    context: Context, lines: Iterable[Line], rests: frozenset[str], observations: Iterable[Json], shown: Shown
) -> Newer:
    """What of this stands now and was not shown. rests: as `review.reviewed_from` tells it now."""
    stands = {line.measure.id: line for line in lines}
    own = made_by(observations, shown.mark, shown.newest)
    values = tuple(name for name, mark in shown.newest.items() if _is_newer(stands.get(name), mark, own))
    goals: dict[str, Json | None] = {}
    for name, mark in shown.goals.items():
        now = stands[name].goal if name in stands else None
        if mark != goal_mark(now):
            before = await _as_shown(context, mark, now)
            if before is None or now is None or _agreed(before) != _agreed(now):
                goals[name] = before
    return Newer(shown.rests is not None and shown.rests != rests, goals, values)


def made_by(observations: Iterable[Json], mark: str, measures: Iterable[str]) -> frozenset[str]:
    """References of what a form with this mark has stored of these measures."""
    own = {identifier_of(mark, part)["value"] for part in (PANEL, *measures)} if mark else set()
    return frozenset(
        f"Observation/{one['id']}"
        for one in observations
        if any(identifier.get("value") in own for identifier in one.get("identifier", ()))
    )


def _is_newer(line: Line | None, mark: str, own: frozenset[str]) -> bool:
    newest = None if line is None else line.newest
    return newest_mark(newest) != mark and (newest is None or newest.reference not in own)


async def _as_shown(context: Context, mark: str, now: Json | None) -> Json | None:
    """The version that was shown of the Goal that stands; None of any other, or of none."""
    reference, _, number = mark.partition("@")
    if now is None or reference != f"Goal/{now['id']}" or not (number.isascii() and number.isdigit()):
        return None
    version = await context.store.vread("Goal", now["id"], int(number[:9]))
    return None if version is None or version.body is None else parse(version.body)


def _agreed(goal: Json) -> tuple[object, ...]:
    return is_active(goal), find_target(goal, AGREED), find_deviation(goal)
