"""C5: what happened in a person's plan, told from the versions of the record: targets, values, plans, referrals.

A target's steps are those of its målbånd. Who did it is Provenance, written in the same commit. An individual target
whose day has passed is told on that day, though nobody wrote anything then. Not here: words (a page's business).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Target
from careplan.fhir import systems
from careplan.fhir.agreed import is_order
from careplan.fhir.band import agreed_since
from careplan.fhir.delivery import find_delivery_of
from careplan.fhir.exclusion import find_exclusion
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    find_deviation,
    find_entry,
    find_target,
    is_active,
    is_expired,
    is_personal,
    measure_of_goal,
)
from careplan.fhir.instant import day_of, find_date
from careplan.fhir.instruction import instruction_text
from careplan.fhir.mapping import last_reviewed, plan_type_of
from careplan.fhir.reading import readings_from_observation
from careplan.fhir.text import Json, parse
from careplan.interactions.chronicle import Chronicle
from careplan.interactions.context import Context
from careplan.store.protocol import Version

KINDS = ("goal", "individual", "recommendation", "value", "plan", "referral", "wish", "print")


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a version: a reference where there is one, and the name written down with it."""

    reference: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    on      the day it is told under: what is said of it, else the day it was written down
    at      when it was written down
    kind    one of KINDS; `what` tells more closely, `agreed`, `individual-ended`, …
    before, after  targets; of a value the readings
    row     of a recommendation, the row and the table's version, `LDL-04`, `ldl|2026.1`
    text    the words of a wish; what is referred for; why a plan was declined, beside `reason`
    about   plan types; whom somebody is referred to
    sheet   of a print, its edition and language
    """

    on: date
    at: datetime
    kind: str
    what: str
    reference: str
    author: Author = Author()
    measure: Measure | None = None
    before: Target | None = None
    after: Target | None = None
    deviation: Deviation | None = None
    row: str = ""
    knowledge: str = ""
    was: Reading | None = None
    reading: Reading | None = None
    text: str = ""
    reason: str = ""
    about: tuple[str, ...] = ()
    sheet: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class _Step:
    """One version of a resource and the one before it; `value` None: deleted."""

    version: Version
    before: Json | None
    value: Json | None
    author: Author
    last: bool
    until: date

    @property
    def written(self) -> date:
        return day_of(self.version.at)

    def event(self, kind: str, what: str, on: date | None = None, **more: Any) -> Event:
        day = min(on or self.written, self.written) if self.before is None else self.written
        made = Event(day, self.version.at, kind, what, self.version.reference, self.author)
        return replace(made, **more)


def events(context: Context, chronicle: Chronicle) -> tuple[Event, ...]:
    """Everything that happened until now, newest first."""
    authors = _authors(chronicle)
    found: list[Event] = []
    for versions in chronicle.by_resource().values():
        tell = _TELLERS.get(versions[0].type)
        if tell is not None:
            for step in _steps(versions, authors, context.on):
                found += tell(context, step)
    joined = _joined(found)
    return tuple(sorted(joined, key=lambda one: (one.on, one.at, _rank(one), one.reference), reverse=True))


def _rank(event: Event) -> tuple[int, int]:
    priority = event.measure.priority if event.measure else 0
    return -KINDS.index(event.kind), -priority


def _joined(found: Sequence[Event]) -> Iterator[Event]:
    """Plans made, reviewed or closed by one commit are one event that names them all."""
    together: dict[tuple[datetime, str, str], Event] = {}
    for event in found:
        if event.kind != "plan":
            yield event
            continue
        key = (event.at, event.what, event.reason)
        first = together.get(key)
        together[key] = event if first is None else replace(first, about=(*first.about, *event.about))
    yield from together.values()


def _steps(versions: Sequence[Version], authors: Mapping[str, Author], today: date) -> Iterator[_Step]:
    before: Json | None = None
    for number, version in enumerate(versions):
        value = None if version.body is None else parse(version.body)
        following = versions[number + 1] if number + 1 < len(versions) else None
        until = today if following is None else day_of(following.at)
        who = authors.get(f"{version.reference}/_history/{version.number}", Author())
        yield _Step(version, before, value, who, following is None, until)
        before = value


def _authors(chronicle: Chronicle) -> dict[str, Author]:
    """Who made each version, by `Goal/17/_history/2`: as the Provenance of the same commit says, which is the first."""
    found: dict[str, Author] = {}
    for version in chronicle.versions:
        if version.type == "Provenance" and version.body is not None:
            value = parse(version.body)
            who: Json = next((agent.get("who", {}) for agent in value.get("agent", ())), {})
            author = Author(str(who.get("reference", "")), str(who.get("display", "")))
            for one in value.get("target", ()):
                found.setdefault(str(one.get("reference", "")), author)
    return found


# ── goals ────────────────────────────────────────────────────────────────────────────────────────


def _goal(context: Context, step: _Step) -> Iterator[Event]:
    known = step.value or step.before or {}
    if is_personal(known):
        yield from _wish(step)
        return
    measure = measure_of_goal(known, context.house.reader.codes, context.knowledge.measures)
    if measure is not None:
        for event in (*_agreed(step), *_recommended(step), *_expired(step, context.on), *_instructed(step)):
            yield replace(event, measure=measure)


def _agreed(step: _Step) -> Iterator[Event]:
    before = _target_of(step.before, AGREED)
    after = _target_of(step.value, AGREED)
    if after is None and before is not None:
        yield step.event("goal", "goal-closed", before=before)
    if after is None or step.value is None:
        return
    was = None if step.before is None else find_deviation(step.before)
    now = find_deviation(step.value)
    on = agreed_since(step.value, first=step.before is None)
    targets: dict[str, Any] = {"before": before, "after": after}
    if now is not None and (now != was or before != after):
        what = "individual-prolonged" if was is not None and before == after else "individual-set"
        author = Author(now.author) if now.author else step.author
        yield step.event("individual", what, on, deviation=now, author=author, **targets)
    elif now is None and was is not None:
        yield step.event("individual", "individual-ended", deviation=was, **targets)
    elif before != after:
        yield step.event("goal", "agreed", on, **targets, **_rule(step.value))


def _recommended(step: _Step) -> Iterator[Event]:
    """What the rules say now and said otherwise before; the first recommendation is told with what was agreed."""
    before, after = _target_of(step.before, RECOMMENDED), _target_of(step.value, RECOMMENDED)
    if step.before is None or step.value is None or after is None:
        return
    rule = _rule(step.value)
    if before != after or rule["row"] != _rule(step.before)["row"]:
        yield step.event("recommendation", "recommended", before=before, after=after, **rule)


def _expired(step: _Step, today: date) -> Iterator[Event]:
    """The day after an individual target's last, where it stood unchanged then."""
    deviation = None if step.value is None or not is_active(step.value) else find_deviation(step.value)
    if deviation is None or deviation.valid_until is None or not is_expired(deviation, today):
        return
    on = deviation.valid_until + timedelta(days=1)
    stood = step.last or on < step.until
    if stood and on >= step.written:
        event = step.event("individual", "individual-expired", deviation=deviation)
        yield replace(event, on=on, after=_target_of(step.value, AGREED), author=Author())


def _instructed(step: _Step) -> Iterator[Event]:
    """What the person does when a value is outside the target, as it was agreed; and that it is agreed no more."""
    before, after = instruction_text(step.before), instruction_text(step.value)
    if after and after != before:
        yield step.event("goal", "instruction-agreed", text=after)
    elif before and not after:
        yield step.event("goal", "instruction-gone")


def _target_of(goal: Json | None, kind: str) -> Target | None:
    """The target of a kind while the Goal is active."""
    return None if goal is None or not is_active(goal) else find_target(goal, kind)


def _rule(goal: Json) -> dict[str, Any]:
    """Row and table version behind the recommended slice."""
    entry = find_entry(goal, RECOMMENDED) or {}
    parts = [part for one in entry.get("extension", ()) if one.get("url") == systems.EXT_RECOMMENDATION
             for part in one.get("extension", ())]  # fmt: skip
    said = {str(part.get("url")): part for part in parts}
    row, knowledge = said.get("row", {}).get("valueCode", ""), said.get("knowledge", {}).get("valueString", "")
    return {"row": str(row), "knowledge": str(knowledge)}


def _wish(step: _Step) -> Iterator[Event]:
    before = step.before.get("description", {}).get("text", "") if step.before and is_active(step.before) else ""
    after = step.value.get("description", {}).get("text", "") if step.value and is_active(step.value) else ""
    if after and after != before:
        on = find_date((step.value or {}).get("startDate"))
        yield step.event("wish", "wish-changed" if before else "wish", on, text=after)
    elif before and not after:
        yield step.event("wish", "wish-gone", text=before)


# ── values, plans, referrals ─────────────────────────────────────────────────────────────────────


def _value(context: Context, step: _Step) -> Iterator[Event]:
    before, after = _readings(context, step.before), _readings(context, step.value)
    for name in sorted({*before, *after}):
        measure, was, now = context.knowledge.measures[name], before.get(name), after.get(name)
        if was is None and now is not None:
            yield step.event("value", "value", now.on, measure=measure, reading=now)
        elif was is not None and now is None:
            yield step.event("value", "value-withdrawn", measure=measure, was=was)
        elif was is not None and now is not None and (was.value, was.comparator) != (now.value, now.comparator):
            yield step.event("value", "value-corrected", measure=measure, was=was, reading=now)


def _readings(context: Context, observation: Json | None) -> dict[str, Reading]:
    found = () if observation is None else readings_from_observation(observation, context.house.reader.codes)
    return {one.measure: one for one in found}


def _plan(context: Context, step: _Step) -> Iterator[Event]:
    known = step.value or step.before or {}
    kind = plan_type_of(known)
    if kind is None:
        return
    was, now = _status(step.before), _status(step.value)
    if now == "active" and was != "active":
        on = find_date(known.get("created")) or find_date(known.get("period", {}).get("start"))
        yield step.event("plan", "plan-opened" if was else "plan-made", on, about=(kind,))
    elif was == "active" and now != "active":
        yield step.event("plan", "plan-paused" if now == "on-hold" else "plan-closed", about=(kind,))
    elif step.before and step.value and last_reviewed(step.before) != last_reviewed(step.value):
        yield step.event("plan", "reviewed", about=(kind,))


def _offer(context: Context, step: _Step) -> Iterator[Event]:
    """A plan that the patient did not want, or that did not suit; and that it may be offered again."""
    was = find_exclusion(step.before) if step.before else None
    now = find_exclusion(step.value) if step.value else None
    if now is not None and (was is None or (was.reason, was.until) != (now.reason, now.until)):
        yield step.event("plan", "plan-declined", now.on, about=(now.plan,), reason=now.reason, text=now.text)
    elif was is not None and now is None:
        yield step.event("plan", "plan-open-again", about=(was.plan,))


def _referral(context: Context, step: _Step) -> Iterator[Event]:
    known = step.value or step.before or {}
    if is_order(known):
        return
    was, now = _status(step.before), _status(step.value)
    about = tuple(str(one.get("reference", "")) for one in known.get("performer", ()))
    words = str(known.get("code", {}).get("text", ""))
    if now == "active" and was != "active":
        yield step.event("referral", "referred", find_date(known.get("authoredOn")), text=words, about=about)
    elif was == "active" and now != "active":
        yield step.event("referral", "referral-ended", text=words, about=about)


def _print(context: Context, step: _Step) -> Iterator[Event]:
    """A plan handed over on paper; a record of it that was entered in error is told of no more."""
    delivery = find_delivery_of(step.value) if step.value and step.last else None
    if delivery is not None:
        yield step.event("print", "printed", day_of(delivery.at), sheet=(delivery.edition, delivery.language))


def _status(value: Json | None) -> str:
    return "" if value is None else str(value.get("status", ""))


_TELLERS: Mapping[str, Callable[[Context, _Step], Iterator[Event]]] = {
    "Goal": _goal,
    "Observation": _value,
    "CarePlan": _plan,
    "ServiceRequest": _referral,
    "Task": _offer,
    "Communication": _print,
}
