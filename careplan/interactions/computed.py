"""The newest computed value of a measure as a write will leave it: a new weight moves the BMI's Goal as well.

Computed from what is stored and what is being written together. Not here: the rule for inputs
(`careplan.domain.derivation`), and what the status of a Goal is then (`consequence`).
"""

from collections.abc import Mapping

from careplan.domain.measure import Measure, Reading, newest
from careplan.fhir.mapping import record_from_resources
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.systems import normal_system
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import Guard, guard_of


async def newest_computed(
    context: Context, patient: str, measure: Measure, pending: Mapping[str, Json | None]
) -> tuple[Reading | None, tuple[Guard, ...]]:
    """The newest computed reading up to today, with guards against Observations that were not seen.

    pending  Observations as they are to be, by id; None: no longer this patient's
    """
    if measure.derived is None:
        return None, ()
    inputs = [context.knowledge.measures[name] for name in measure.derived.inputs]
    query = _about(patient, *inputs)
    stored = await every(context, query)
    guard = guard_of(f"Patient/{patient}/{measure.id}/computed", query, stored)
    coming = [{**value, "id": id} for id, value in pending.items() if value is not None]
    standing = [parse(version.body or b"") for version in stored if version.id not in pending]
    person = await context.store.read("Patient", patient)
    if person is None or person.body is None or not (standing or coming):
        return None, (guard,)
    reported = await every(context, _about(patient, measure))
    standing += [parse(version.body or b"") for version in reported if version.id not in pending]
    record = record_from_resources([parse(person.body), *standing, *coming], context.house.reader.codes, context.on)
    return newest(one for one in record.readings.get(measure.id, ()) if one.derived_from), (guard,)


def _about(patient: str, *measures: Measure) -> Query:
    """Every Observation of some measures."""
    codes = dict.fromkeys((normal_system(code.system), code.code) for one in measures for code in one.codes)
    return Query(
        "Observation", (Criterion("combo-code", "token", tuple(TokenIs(*key) for key in codes)),), patient=patient
    )
