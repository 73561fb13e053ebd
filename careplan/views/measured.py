"""Values typed at the årskontrol: read, doubted where they are unlikely, and written once as Observations.

Limits of belief come from the measures' files. A value is new and dated now; older ones come from the laboratory or
the GP system and are never retyped. Each form carries a mark of its own, so that sending it twice writes nothing twice.
https://hl7.org/fhir/R4/observation.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from careplan.domain.measure import Measure
from careplan.fhir import systems
from careplan.fhir.goal import quantity
from careplan.fhir.instant import instant_text
from careplan.fhir.text import dump, read_text
from careplan.interactions.context import Context
from careplan.interactions.kept_form import Writes, put
from careplan.interactions.mark import identifier_of
from careplan.interactions.performed import Result
from careplan.interactions.review import guards_of_shown
from careplan.interactions.shown import PANEL as BOTH
from careplan.interactions.shown import Shown
from careplan.interactions.transaction import perform
from careplan.store.protocol import Guard
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.form import Form, find_number
from careplan.views.goalrow import PAIR

FIELD, SURE = "vaerdi-", "sikker-"
MARK = "mark"

VITAL = frozenset({"weight", "height", "bmi", "pulse", "spo2", "waist", "respiration_rate"})
USUAL = {"weight": Decimal("82.5")}
"""What people type, where the middle of the chart is not near it."""

PANEL = {"clinic": ((systems.LOINC, "85354-9"),), "home": ((systems.MCS, "MCS88206"), (systems.LOINC, "85354-9"))}
"""The codes of a blood pressure, by where it is taken."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """When values were taken, and by whom (a reference). `setting`: `clinic` or `home`."""

    at: datetime
    by: str
    setting: str = "clinic"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed for one measure.

    value    as it would be written; None where the field is empty or wrong
    error    what is wrong, in Danish; empty when nothing is
    doubted  whether a tick that it is right lets it pass
    """

    measure: Measure
    text: str
    value: Decimal | None = None
    error: str = ""
    doubted: bool = False
    sure: bool = False


def is_typed(measure: Measure) -> bool:
    """Whether a measure has a field to type in."""
    return measure.kind in ("quantity", "score") and bool(measure.codes)


def read_values(form: Form, measures: Iterable[Measure], t: Catalogue) -> dict[str, Typed]:
    """What the form says of each measure, with what is wrong about it."""
    found = {m.id: _typed(m, form.text(FIELD + m.id), form.text(SURE + m.id), t) for m in measures if is_typed(m)}
    return _paired(found, t)


def _typed(measure: Measure, text: str, sure: str, t: Catalogue) -> Typed:
    if not text:
        return Typed(measure, "")
    value = find_number(text)
    if value is None:
        return Typed(measure, text, error=t("value.no-number", example=example(measure, t)))
    if not measure.possible.holds(value) or (measure.kind == "score" and value % 1):
        return Typed(measure, text, error=t("value.impossible", range=_range(measure, t)))
    if not measure.plausible.holds(value) and sure != text:
        said, unit = wording.number_text(value, t), wording.unit_text(measure, t)
        asked = t("value.sure", value=said, unit=unit).replace(" ?", "?")
        return Typed(measure, text, value, asked, doubted=True)
    return Typed(measure, text, value, sure=sure == text)


def _paired(found: dict[str, Typed], t: Catalogue) -> dict[str, Typed]:
    """A blood pressure has two numbers, the high one above the low one."""
    high, low = (found.get(name) for name in PAIR)
    if high is None or low is None:
        return found
    for one, other in ((high, low), (low, high)):
        if other.text and not one.text:
            found[one.measure.id] = Typed(one.measure, "", error=t("value.pair"))
    if high.value is not None and low.value is not None and not (high.error or low.error) and high.value <= low.value:
        found[low.measure.id] = Typed(low.measure, low.text, error=t("value.pair-order"))
    return found


def example(measure: Measure, t: Catalogue) -> str:
    """A value as somebody would type it: a usual one, else the middle of the measure's chart."""
    if measure.id in USUAL:
        return wording.number_text(USUAL[measure.id], t, measure.decimals)
    low, high = measure.chart.low or Decimal(0), measure.chart.high or Decimal(10)
    middle = ((low + high) / 2).quantize(Decimal(1).scaleb(-measure.decimals))
    return wording.number_text(middle, t, measure.decimals)


def _range(measure: Measure, t: Catalogue) -> str:
    low, high = measure.possible.low, measure.possible.high
    ends = [None if one is None else wording.number_text(one, t) for one in (low, high)]
    return f"{ends[0] or '0'}–{ends[1]}" if ends[1] else f"≥ {ends[0] or '0'}"


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


async def save_values(
    context: Context, patient: str, mark: str, values: Mapping[str, Typed], shown: Shown, beside: Writes = ()
) -> int:
    """Write every value or none, as taken now; how many Observations are new.

    shown   what the form was filled in on
    beside  what is stored with them, or by itself where there are none (`kept_form`)
    Raises  Overtaken, ResourceInvalid, Forbidden; VersionConflict and GuardFailed: to be tried again
    """
    occasion = Occasion(context.now, str(context.caller.reference))
    guards = await guards_of_shown(context, patient, shown)
    results = await write_values(context, patient, mark, values, occasion, beside, guards)
    if not results:
        await put(context, patient, beside)
    return sum(one.changed for one in results)


async def write_values(
    context: Context,
    patient: str,
    mark: str,
    values: Mapping[str, Typed],
    occasion: Occasion,
    beside: Writes = (),
    guards: Sequence[Guard] = (),
) -> tuple[Result, ...]:
    """Write every value or none; what this form has written before is found again.

    beside  what is stored with them, where there are any; guards: what must hold then
    Raises ResourceInvalid, Forbidden; with guards also VersionConflict and GuardFailed
    """
    entries = [_entry(mark, patient, name, one) for name, one in observations(patient, values, occasion)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return (await perform(context, read_text(dump(bundle)), beside, guards)).results if entries else ()


def _entry(mark: str, patient: str, name: str, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """A new Observation, unless this form has made it already."""
    identifier = identifier_of(mark, name)
    once = f"identifier={identifier['system']}|{identifier['value']}&subject=Patient/{patient}"
    identified = {**resource, "identifier": [identifier]}
    return {"resource": identified, "request": {"method": "POST", "url": "Observation", "ifNoneExist": once}}


def observations(patient: str, values: Mapping[str, Typed], occasion: Occasion) -> list[tuple[str, dict[str, Any]]]:
    """(measure, Observation) of every value; the two of a blood pressure are one panel."""
    given = {name: one for name, one in values.items() if one.value is not None}
    frame = {
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": instant_text(occasion.at),
        "performer": [{"reference": occasion.by}],
    }
    setting = occasion.setting
    made: list[tuple[str, dict[str, Any]]] = []
    if all(name in given for name in PAIR):
        made.append((BOTH, _panel([given.pop(name) for name in PAIR], frame, setting)))
    return made + [(name, _observation(one, frame, setting)) for name, one in given.items()]


def _observation(one: Typed, frame: Mapping[str, Any], setting: str) -> dict[str, Any]:
    head = {"resourceType": "Observation", "status": "final", "category": [_category(one.measure)]}
    return {**head, **_confirmed([one]), "code": _code(one.measure, setting), **frame, **value_of_typed(one)}


def _panel(both: Sequence[Typed], frame: Mapping[str, Any], setting: str) -> dict[str, Any]:
    parts = [{"code": _code(one.measure, setting), **value_of_typed(one)} for one in both]
    code = {"coding": [{"system": system, "code": code} for system, code in PANEL[setting]], "text": "Blodtryk"}
    head = {"resourceType": "Observation", "status": "final", "category": [_concept("vital-signs")]}
    return {**head, **_confirmed(both), "code": code, **frame, "component": parts}


def _confirmed(typed: Iterable[Typed]) -> dict[str, Any]:
    """That an unlikely value is right, where somebody ticked so."""
    mark = {"url": systems.EXT_VALUE_CONFIRMED, "valueBoolean": True}
    return {"extension": [mark]} if any(one.sure for one in typed) else {}


def value_of_typed(one: Typed) -> dict[str, Any]:
    """`valueInteger` of a score, else `valueQuantity`."""
    assert one.value is not None
    if one.measure.kind == "score":
        return {"valueInteger": int(one.value)}
    return {"valueQuantity": quantity(one.value, one.measure)}


def _code(measure: Measure, setting: str) -> dict[str, Any]:
    """The measure's main code in this setting, and LOINC beside it where there is one: the vital signs profiles ask."""
    clinic = [code for code in measure.codes if code.setting == "clinic"]
    own = [code for code in measure.codes if code.setting == setting] or clinic
    chosen = [*own[:1], *(code for code in clinic if code.system == systems.LOINC and code != own[0])][:2]
    return {"coding": [{"system": code.system, "code": code.code} for code in chosen], "text": measure.name}


def _category(measure: Measure) -> dict[str, Any]:
    if measure.id in VITAL or measure.id in PAIR:
        return _concept("vital-signs")
    main = measure.codes[0].system
    return _concept("laboratory" if main == systems.NPU else "survey" if measure.kind == "score" else "exam")


def _concept(category: str) -> dict[str, Any]:
    return {"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": category}]}
