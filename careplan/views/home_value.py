"""B4, «Skriv en hjemmemåling»: what somebody measured at home, one question a page, looked at before it is kept.

What can be measured at home stands in the measures' files (`home`), the limits of belief too; how a number is read
and written is `measured`'s. What was answered travels in the form, so that nothing is kept half done, and every
answer is read anew at each step. Not here: the receipt
(`home_receipt`), mending and deleting what was written (`home_entry`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.responses import Response

from careplan.domain.calendar import add_months
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Measure
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.reading import readings_from_observation
from careplan.fhir.text import Json, parse
from careplan.interactions.access import may_add
from careplan.interactions.context import Context
from careplan.interactions.guest import speaker_of
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.representation import OnlyReads
from careplan.store.protocol import NotFound, Version
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.form import Form, find_clock, find_day
from careplan.views.goalrow import PAIR
from careplan.views.measured import FIELD, MARK, SURE, Occasion, Typed, example, observations, read_values, write_values
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient

WHEN, CHECK, KEEP = "tid", "se", "gem"
"""The steps after the values, and the answer that ends them."""
AT, TO, DAY, CLOCK = "trin", "til", "dag", "klokken"
_SAID = ("effectiveDateTime", "valueQuantity", "valueInteger", "component")
"""What of an Observation somebody types here."""

LONGEST = 12
"""Months that a home value may be old: a year mistyped is found out, and older values say little of today."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is measured in one go: a measure, or a blood pressure with its two numbers. `id`: of the first measure."""

    id: str
    name: str
    device: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody measured, as they typed it. `at`: None where something is wrong; `errors` by field."""

    day: str
    clock: str
    at: datetime | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


def kinds_of(overview: Overview, knowledge: Knowledge, t: Catalogue) -> tuple[Kind, ...]:
    """What of this plan people measure themselves, in the plan's order; nothing without an active plan."""
    followed = [line.measure for line in overview.lines if line.measure.home] if overview.plans else []
    names = dict.fromkeys(home_place(one) for one in followed)
    return tuple(kind_of(knowledge, name, t) for name in names)


def home_place(measure: Measure) -> str:
    """The last part of the address where a measure is written; empty for what is not measured at home."""
    if not measure.home:
        return ""
    return PAIR[0] if measure.id in PAIR else measure.id


def kind_of(knowledge: Knowledge, name: str, t: Catalogue) -> Kind:
    """The kind that a measure belongs to. Raises NotFound for what is not measured at home."""
    measure = knowledge.measures.get(name)
    if measure is None or not measure.home:
        raise NotFound("this is not measured at home")
    if name in PAIR:
        both = tuple(knowledge.measures[one] for one in PAIR)
        return Kind(PAIR[0], t("home.pressure"), measure.home, both)
    return Kind(name, wording.measure_name(measure, t), measure.home, (measure,))


async def step(opened: Opened) -> Response:
    """One question of a kind: asked by a GET or the step before; the last answer writes. Raises NotFound, OnlyReads."""
    kind = await _kind(opened)
    if not opened.posted:
        return _asked(opened, kind, kind.measures[0].id, {}, moment_of(opened.context.now))
    form, steps = opened.form, _steps(kind)
    reached = steps.index(form.text(AT)) if form.text(AT) in steps else 0
    values, moment = _read(opened, kind, reached)
    if form.text(TO) in steps:
        return _asked(opened, kind, form.text(TO), values, moment)
    wrong = next((one for one in steps[: reached + 1] if _errors(one, values, moment, opened.t)), None)
    if wrong is not None:
        return _asked(opened, kind, wrong, values, moment, _errors(wrong, values, moment, opened.t))
    if steps[reached] != CHECK or form.text(TO) != KEEP:
        return _asked(opened, kind, steps[min(reached + 1, len(steps) - 1)], values, moment)
    return await _keep(opened, kind, values, moment)


async def _kind(opened: Opened) -> Kind:
    """The kind that the address names, of the plan of whom the page is about, who may be written for."""
    context = opened.context
    patient = await own_patient(context)
    if not await may_add(context, patient):
        raise OnlyReads("this power of attorney lets read, not write")
    asked = kind_of(context.knowledge, opened.path("measure"), opened.t)
    overview = await read_overview(context, patient, "patient")
    if asked.id not in {one.id for one in kinds_of(overview, context.knowledge, opened.t)}:
        raise NotFound("the plan does not follow this measure")
    return asked


def _steps(kind: Kind) -> tuple[str, ...]:
    return (*(one.id for one in kind.measures), WHEN, CHECK)


def moment_of(at: datetime) -> Moment:
    """A moment as a form shows it."""
    here = at.astimezone(COPENHAGEN)
    return Moment(wording.danish_date(here.date()), f"{here:%H.%M}", here)


def _read(opened: Opened, kind: Kind, reached: int) -> tuple[dict[str, Typed], Moment]:
    """What the form says so far. A second number is held against the first only once it has been asked for."""
    form, asked = opened.form, len(kind.measures)
    known = [one for at, one in enumerate(kind.measures) if at <= reached or form.has(FIELD + one.id)]
    timed = reached >= asked or form.has(DAY)
    moment = read_moment(form, opened.context, opened.t) if timed else moment_of(opened.context.now)
    return read_values(form, known, opened.t), moment


def read_moment(form: Form, context: Context, t: Catalogue) -> Moment:
    """When somebody measured: a day and a time of day in Copenhagen, not to come and not long past."""
    text, clock_text = form.text(DAY), form.text(CLOCK)
    day, clock, errors = find_day(text), find_clock(clock_text), {}
    now = moment_of(context.now)
    if day is None:
        errors[DAY] = t("home.day-error", day=now.day)
    elif day < add_months(context.on, -LONGEST):
        errors[DAY] = t("home.day-old")
    if clock is None:
        errors[CLOCK] = t("home.clock-error", time=now.clock)
    if day is None or clock is None or errors:
        return Moment(text, clock_text, None, errors)
    at = datetime.combine(day, clock, COPENHAGEN)
    if at > context.now:
        return Moment(text, clock_text, None, {DAY: t("home.future")})
    return Moment(text, clock_text, at)


def _errors(asked: str, values: Mapping[str, Typed], moment: Moment, t: Catalogue) -> dict[str, str]:
    """What is wrong with the answer to one step, by field; nothing is wrong with looking."""
    if asked == WHEN:
        return dict(moment.errors)
    return {} if asked == CHECK else value_errors([values[asked]], t)


def value_errors(values: Sequence[Typed], t: Catalogue) -> dict[str, str]:
    """What is wrong with numbers that must be there, by field."""
    said = {FIELD + one.measure.id: _fault(one, t) for one in values}
    return {name: says for name, says in said.items() if says}


def _fault(one: Typed, t: Catalogue) -> str:
    if one.doubted:
        return t("home.doubt", value=f"{one.text} {wording.unit_text(one.measure, t)}".strip())
    return one.error or ("" if one.text else t("home.empty"))


def _asked(
    opened: Opened,
    kind: Kind,
    asked: str,
    values: Mapping[str, Typed],
    moment: Moment,
    errors: Mapping[str, str] | None = None,
    other: Json | None = None,
) -> Response:
    """The page of one step, with what the other steps were answered. `other`: what this form has written before."""
    t, steps = opened.t, _steps(kind)
    shown = [(id, wording.measure_name(one.measure, t), typed_text(one, t)) for id, one in values.items()]
    measured = wording.time_text(moment.at, t) if moment.at else f"{moment.day} {moment.clock}"
    measure = next((one for one in kind.measures if one.id == asked), None)
    return opened.page(
        "home_step.html",
        t(f"home.{'when' if asked == WHEN else 'check'}") if measure is None else kind.name,
        422 if errors else 409 if other else 200,
        theirs=_told(opened.context, other, t) if other else [],
        mine=[*(f"{name}: {value}" for _, name, value in shown), measured],
        kind=kind,
        asked=asked,
        number=steps.index(asked) + 1,
        count=len(steps),
        measure=measure,
        field=field_of(measure, values.get(asked), t) if measure else None,
        moment=moment,
        measured=measured,
        shown=shown,
        errors=errors or {},
        carried=_carried(opened, values, moment, asked, opened.view.new_id() if other else opened.form.text(MARK)),
        now=moment_of(opened.context.now),
    )


@dataclass(frozen=True, slots=True)
class Field:
    """One number to type: its label with unit, a hint, what was typed, and whether it must be said to be right."""

    name: str
    label: str
    hint: str
    text: str = ""
    doubted: bool = False


def field_of(measure: Measure, typed: Typed | None, t: Catalogue) -> Field:
    unit, name = wording.unit_text(measure, t), wording.measure_name(measure, t)
    label = t("home.label", name=name, unit=unit) if unit else name
    hint = t("home.hint", example=example(measure, t))
    return Field(measure.id, label, hint, typed.text if typed else "", typed is not None and typed.doubted)


def typed_text(one: Typed, t: Catalogue) -> str:
    """«82,5 kg», as the person typed it."""
    if one.value is None:
        return one.text
    unit = wording.unit_text(one.measure, t)
    said = wording.number_text(one.value, t)
    return f"{said}{wording.THIN_SPACE}{unit}" if unit else said


def _carried(
    opened: Opened, values: Mapping[str, Typed], moment: Moment, asked: str, mark: str
) -> list[tuple[str, str]]:
    """The fields of the other steps, hidden in the form; of a number also that it was said to be right."""
    found = [(MARK, mark or opened.view.new_id())]
    for id, one in values.items():
        if id != asked:
            found += [(FIELD + id, one.text), *([(SURE + id, one.text)] if one.sure else [])]
    if opened.form.has(DAY) and asked != WHEN:
        found += [(DAY, moment.day), (CLOCK, moment.clock)]
    return found


def _other(version: Version, patient: str, values: Mapping[str, Typed], occasion: Occasion) -> Json | None:
    """What this form has written already, where that is something else; None where it is the same."""
    stands = parse(version.body or b"")
    ((_, made),) = observations(patient, values, occasion)
    return None if all(stands.get(name) == made.get(name) for name in _SAID) else stands


def _told(context: Context, observation: Json, t: Catalogue) -> list[str]:
    """«Vægt: 82,5 kg», and when."""
    found = readings_from_observation(observation, context.house.reader.codes)
    named = [(context.knowledge.measures[one.measure], one) for one in found]
    said = [f"{wording.measure_name(measure, t)}: {wording.value_with_unit(measure, one, t)}" for measure, one in named]
    return [*said, *(wording.time_text(one.at, t) for one in found[:1])]


async def _keep(opened: Opened, kind: Kind, values: Mapping[str, Typed], moment: Moment) -> Response:
    context = opened.context
    patient = await own_patient(context)
    assert moment.at is not None
    occasion = Occasion(moment.at, speaker_of(context), "home")
    (made,) = await write_values(context, patient, opened.form.text(MARK), values, occasion)
    if made.version is None:
        raise NotFound("what this form wrote is gone")
    if not made.changed and (other := _other(made.version, patient, values, occasion)) is not None:
        return _asked(opened, kind, CHECK, values, moment, other=other)
    return go(f"/plan/hjemmemaaling/{kind.id}/gemt", id=made.version.id)
