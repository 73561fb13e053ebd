"""Whose plans in a clinic have another recommendation than they were made with (screen C7).

Only patients with an active plan and a Goal that was recommended are read. Not here: what is done about it
(`acceptance`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from careplan.domain.evaluation import evaluate
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.text import Json
from careplan.interactions.cohort import Member, members, of_clinic
from careplan.interactions.context import Context
from careplan.interactions.reevaluation import Tell
from careplan.interactions.renewal import NOTHING, Renewal, renewals_of
from careplan.store.protocol import Version


@dataclass(frozen=True, slots=True)
class Listed:
    """A renewal, and whose."""

    patient: Json
    renewal: Renewal


@dataclass(frozen=True, slots=True)
class Group:
    """The renewals of one change: from one row of a table to another, or the same of another version.

    versions  of the table, before and now; cause: as in Renewal
    """

    measure: str
    rows: tuple[str, str]
    versions: tuple[str, str]
    cause: str
    listed: tuple[Listed, ...]

    @property
    def key(self) -> str:
        """`ldl_LDL-04_2026.1_LDL-04_2026.2`, for an address; `ldl_LDL-04_2026.1_-_withdrawn` of what is none now."""
        now = (self.rows[1], self.versions[1]) if self.rows[1] != NOTHING else (NOTHING, self.cause)
        return "_".join((self.measure, self.rows[0], self.versions[0], *now))


async def planned_patients(context: Context, clinic: str | None) -> list[Version]:
    """The patients of a clinic with an active plan, by id. Raises Forbidden."""
    active = Criterion("status", "token", (TokenIs(None, "active"),))
    plans = await of_clinic(context, Query("CarePlan", (active,)), clinic)
    ids = {plan.patient for plan in plans}
    return [one for one in await of_clinic(context, Query("Patient"), clinic) if one.id in ids]


async def list_renewals(context: Context, patients: Sequence[Version], tell: Tell | None = None) -> tuple[Listed, ...]:
    """Those of these patients, in their order."""
    found: list[Listed] = []
    done = 0
    async for member in members(context, patients, (context.knowledge,), ("Goal",)):
        found += _listed(context, member)
        done += 1
        if tell is not None:
            tell(done, len(patients))
    return tuple(found)


def _listed(context: Context, member: Member) -> Iterator[Listed]:
    reader, goals = context.house.reader, member.resources.get("Goal", ())
    if not any(goal.get("target") for goal in goals):
        return
    answer = evaluate(context.knowledge, reader.chart(member.facts, context.on))
    for one in renewals_of(goals, answer, reader.codes, context.knowledge.measures):
        yield Listed(member.patient, one)


def grouped(listed: Sequence[Listed]) -> tuple[Group, ...]:
    """By change; what a new version changes first, then the largest, then by the measure's rank."""
    groups: dict[tuple[str, str, str, str, str, str], list[Listed]] = {}
    for one in listed:
        renewal = one.renewal
        before, now = (renewal.before_row, renewal.before_version), renewal.after
        groups.setdefault((renewal.measure.id, *before, *now, renewal.cause), []).append(one)
    made = [
        Group(measure, (row, new_row), (version, new_version), cause, tuple(some))
        for (measure, row, version, new_row, new_version, cause), some in groups.items()
    ]
    return tuple(sorted(made, key=_rank))


def _rank(group: Group) -> tuple[bool, int, int, str]:
    first = group.listed[0].renewal
    return group.cause not in ("version", "withdrawn"), -len(group.listed), first.measure.priority, group.key
