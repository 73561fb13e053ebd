"""Both versions, where somebody else stored something after a form of the årskontrol was opened.

The form carries what it was filled in on: the newest value and the Goal of each line. Not here: what counts as newer
(`careplan.interactions.shown`), and drafts (`control_kept`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from careplan.fhir.goal import AGREED, find_target
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.text import Json
from careplan.interactions.overview import Line, Overview
from careplan.interactions.review import reviewed_from
from careplan.interactions.shown import Newer, Shown, goal_mark, made_by, newest_mark
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.checklist import answer_text, checks_of, kept_text
from careplan.views.conflict import agreed_by
from careplan.views.contact import contact_of
from careplan.views.form import Form
from careplan.views.happened import author
from careplan.views.kept_form import Difference
from careplan.views.measured import MARK, Typed
from careplan.views.origin import origin
from careplan.views.page import Opened

SEEN = "set"
"""The field of what an approval rests on."""
NEWEST, GOAL = "nyeste-", "aftalt-"
"""Fields of what else the form was filled in on, by measure."""


def carried(form: Form, overview: Overview) -> dict[str, str]:
    """The fields of it: as the form says, or as the record is now where it says nothing."""
    now = {GOAL + line.measure.id: goal_mark(line.goal) for line in overview.lines}
    now |= {NEWEST + line.measure.id: newest_mark(line.newest) for line in overview.lines}
    sent = {name: form.text(name) for name in form.values if name.startswith((NEWEST, GOAL))}
    return sent or now


def shown_by(form: Form, typed: Mapping[str, Typed], *, approves: bool) -> Shown:
    """What a form says it was filled in on; one that approves says it of plans and control at any rate."""
    newest = {name: mark for name, mark in form.starting(NEWEST).items() if name in typed and typed[name].text}
    rests = frozenset(form.all(SEEN)) if approves or form.has(SEEN) else None
    return Shown(rests, form.starting(GOAL), newest, form.text(MARK))


def without_goal(shown: Shown, id: str) -> Shown:
    """What a form was filled in on, but for a Goal that it has changed itself."""
    return replace(
        shown, goals={name: mark for name, mark in shown.goals.items() if mark.partition("@")[0] != f"Goal/{id}"}
    )


def without_shown(form: Form) -> Form:
    """The form as it is filled in, to be sent on what stands now."""
    keep = {name: all for name, all in form.values.items() if name != SEEN and not name.startswith((NEWEST, GOAL))}
    return Form(keep)


def unsaved(typed: Mapping[str, Typed], overview: Overview, mark: str) -> dict[str, Typed]:
    """What is typed and not stored by this form."""
    own = made_by(overview.observations, mark, typed)
    stored = [line.measure.id for line in overview.lines if any(one.reference in own for one in line.readings)]
    return {name: one for name, one in typed.items() if name not in stored}


def differences(
    opened: Opened, overview: Overview, typed: Mapping[str, Typed], newer: Newer, seen: frozenset[str]
) -> tuple[Difference, ...]:
    """What stands now, and what was written or shown; the newest values first."""
    lines, t = {line.measure.id: line for line in overview.lines}, opened.t
    rows = [_value(lines[name], overview, typed[name], t) for name in newer.values if name in lines]
    rows += [_target(lines[name], overview, before, t) for name, before in newer.goals.items() if name in lines]
    return (*rows, *(_held(opened, overview, seen) if newer.plans else ()))


def _value(line: Line, overview: Overview, typed: Typed, t: Catalogue) -> Difference:
    own = f"{typed.text}{wording.THIN_SPACE}{wording.unit_text(line.measure, t)}".strip()
    newest = line.newest
    if newest is None:
        return Difference(line.measure.name, own, "–")
    stored: Json = next((one for one in overview.observations if f"Observation/{one['id']}" == newest.reference), {})
    by = next((one.get("reference") for one in stored.get("performer", ())), None)
    who = contact_of(overview.directory, by).name or origin(newest, t)
    at = wording.time_text(newest.at, t) if newest.timed else wording.danish_date(wording.day_of(newest))
    said = wording.value_with_unit(line.measure, newest, t)
    return Difference(line.measure.name, own, t("control.stale-value", value=said, at=at, who=who))


def _target(line: Line, overview: Overview, before: Json | None, t: Catalogue) -> Difference:
    name = t("control.stale-target", name=line.measure.name)
    shown = wording.target_with_unit(line.measure, find_target(before, AGREED), t) if before is not None else ""
    now = wording.target_with_unit(line.measure, line.agreed, t) or "–"
    who = agreed_by(line, line.goal, overview, t) if line.goal is not None else ""
    said = ", ".join(part for part in (now, who) if part)
    return Difference(name, t("control.stale-shown", target=shown or "–"), said)


def _held(opened: Opened, overview: Overview, seen: frozenset[str]) -> Iterator[Difference]:
    """The control that somebody else held, with its tjekliste; of anything else, that it is another by now."""
    t, ids = opened.t, {one.partition("@")[0] for one in seen}
    tasks = [one for one in overview.tasks if f"{one['resourceType']}/{one['id']}" in ids]
    done = next((one for one in tasks if one.get("status") == "completed"), None)
    now = reviewed_from(opened.context.knowledge, overview.plans, overview.tasks)
    if done is None:
        yield from (_changed(one, opened) for one in (*overview.plans, *tasks) if _mark(one) in now - seen)
        return
    yield Difference(t("control.title"), t("control.stale-open"), _approved(done, overview, t))
    for line in checks_of(opened.context.knowledge, overview):
        own, theirs = answer_text(opened.form, line.id, t), kept_text(done, line.id, t)
        if own != theirs:
            yield Difference(line.says, own, theirs)


def _approved(control: Json, overview: Overview, t: Catalogue) -> str:
    change = next((one for one in overview.changes if one.get("activity", {}).get("text") == "review"), None)
    who = author(overview, change, t, "staff") if change is not None else t("word.clinic")
    return t("control.stale-approved", at=_at(control, t), who=who)


def _changed(one: Json, opened: Opened) -> Difference:
    t, plans = opened.t, opened.context.knowledge.plans
    kind = plan_type_of(one) if one["resourceType"] == "CarePlan" else None
    name = plans[kind].name if kind in plans and kind is not None else t("control.title")
    return Difference(name, "–", t("control.stale-changed", at=_at(one, t)))


def _at(one: Json, t: Catalogue) -> str:
    return wording.time_text(datetime.fromisoformat(one["meta"]["lastUpdated"]), t)


def _mark(one: Json) -> str:
    return f"{one['resourceType']}/{one['id']}@{one['meta']['versionId']}"
