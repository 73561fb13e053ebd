"""Values typed at the årskontrol: read, doubted where they are unlikely, and written once as Observations.

Limits of belief come from the measures' files. A value is new and dated now; older ones come from the laboratory or
the GP system and are never retyped. Each form carries a mark of its own, so that sending it twice writes nothing twice.
https://hl7.org/fhir/R4/observation.html
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from careplan.domain.measure import Measure, danish_number
from careplan.fhir import systems
from careplan.fhir.goal import quantity
from careplan.fhir.instant import instant_text
from careplan.fhir.text import dump, read_text
from careplan.interactions.context import Context
from careplan.interactions.transaction import perform
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.form import Form, find_number
from careplan.views.goalrow import PAIR

FIELD, SURE = "vaerdi-", "sikker-"
MARK = "mark"

VITAL = frozenset({"weight", "height", "bmi", "pulse", "spo2", "waist", "respiration_rate"})
PANEL = (systems.LOINC, "85354-9")


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
        return Typed(measure, text, error=t("value.no-number", example=_example(measure)))
    if not measure.possible.holds(value) or (measure.kind == "score" and value % 1):
        return Typed(measure, text, error=t("value.impossible", range=_range(measure)))
    if not measure.plausible.holds(value) and sure != text:
        asked = t("value.sure", value=danish_number(value), unit=wording.unit_text(measure)).replace(" ?", "?")
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


def _example(measure: Measure) -> str:
    low, high = measure.chart.low or Decimal(0), measure.chart.high or Decimal(10)
    return danish_number(((low + high) / 2).quantize(Decimal(1).scaleb(-measure.decimals)), measure.decimals)


def _range(measure: Measure) -> str:
    low, high = measure.possible.low, measure.possible.high
    ends = [None if one is None else danish_number(one) for one in (low, high)]
    return f"{ends[0] or '0'}–{ends[1]}" if ends[1] else f"≥ {ends[0] or '0'}"


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


async def save_values(context: Context, patient: str, mark: str, values: Mapping[str, Typed]) -> int:
    """Write every value or none; how many Observations are new. Raises ResourceInvalid, Forbidden."""
    entries = [_entry(mark, patient, name, one) for name, one in observations(context, patient, values)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return sum(one.changed for one in (await perform(context, read_text(dump(bundle)))).results) if entries else 0


def _entry(mark: str, patient: str, name: str, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """A new Observation, unless this form has made it already."""
    key = f"urn:uuid:{uuid.uuid5(_namespace(mark), name)}"
    once = f"identifier={systems.URI}|{key}&subject=Patient/{patient}"
    identified = {**resource, "identifier": [{"system": systems.URI, "value": key}]}
    return {"resource": identified, "request": {"method": "POST", "url": "Observation", "ifNoneExist": once}}


def _namespace(mark: str) -> uuid.UUID:
    """The form's mark as a name space; one of another shape is still one mark."""
    try:
        return uuid.UUID(mark)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, mark)


def observations(context: Context, patient: str, values: Mapping[str, Typed]) -> list[tuple[str, dict[str, Any]]]:
    """(measure, Observation) of every value; the two of a blood pressure are one panel."""
    given = {name: one for name, one in values.items() if one.value is not None}
    frame = {
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": instant_text(context.now),
        "performer": [{"reference": context.caller.reference}],
    }
    made: list[tuple[str, dict[str, Any]]] = []
    if all(name in given for name in PAIR):
        made.append(("bp", _panel([given.pop(name) for name in PAIR], frame)))
    return made + [(name, _observation(one, frame)) for name, one in given.items()]


def _observation(one: Typed, frame: Mapping[str, Any]) -> dict[str, Any]:
    head = {"resourceType": "Observation", "status": "final", "category": [_category(one.measure)]}
    return {**head, **_confirmed([one]), "code": _code(one.measure), **frame, **_value(one)}


def _panel(both: Sequence[Typed], frame: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{"code": _code(one.measure), **_value(one)} for one in both]
    code = {"coding": [{"system": PANEL[0], "code": PANEL[1]}], "text": "Blodtryk"}
    head = {"resourceType": "Observation", "status": "final", "category": [_concept("vital-signs")]}
    return {**head, **_confirmed(both), "code": code, **frame, "component": parts}


def _confirmed(typed: Iterable[Typed]) -> dict[str, Any]:
    """That an unlikely value is right, where the clinician ticked so."""
    mark = {"url": systems.EXT_VALUE_CONFIRMED, "valueBoolean": True}
    return {"extension": [mark]} if any(one.sure for one in typed) else {}


def _value(one: Typed) -> dict[str, Any]:
    assert one.value is not None
    if one.measure.kind == "score":
        return {"valueInteger": int(one.value)}
    return {"valueQuantity": quantity(one.value, one.measure)}


def _code(measure: Measure) -> dict[str, Any]:
    """The measure's main code, and LOINC beside it where there is one, as the vital signs profiles ask."""
    own = [code for code in measure.codes if code.setting == "clinic"]
    chosen = [*own[:1], *(code for code in own[1:] if code.system == systems.LOINC)][:2]
    return {"coding": [{"system": code.system, "code": code.code} for code in chosen], "text": measure.name}


def _category(measure: Measure) -> dict[str, Any]:
    if measure.id in VITAL or measure.id in PAIR:
        return _concept("vital-signs")
    main = measure.codes[0].system
    return _concept("laboratory" if main == systems.NPU else "survey" if measure.kind == "score" else "exam")


def _concept(category: str) -> dict[str, Any]:
    return {"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": category}]}
