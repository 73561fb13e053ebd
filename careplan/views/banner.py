"""The staff banner: whose record is open. Name, age, the first half of the CPR number, clinic, active plans."""

from dataclasses import dataclass

from careplan.domain.guideline import Knowledge
from careplan.fhir import systems
from careplan.fhir.text import Json
from careplan.interactions.overview import Overview
from careplan.views.contact import age, contact_of, hidden_cpr, person_name


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands at the top of every page about one person, for staff. `provider`: the clinic's ydernummer."""

    id: str
    name: str
    age: int | None
    cpr: str
    clinic: str
    provider: str
    plans: tuple[str, ...]


def banner_of(overview: Overview, knowledge: Knowledge) -> Banner:
    """The banner of an overview."""
    listed = [str(one.get("reference", "")) for one in overview.patient.get("generalPractitioner", ())]
    clinic = next((one for one in listed if "Organization/" in one), None)
    return Banner(
        id=overview.patient["id"],
        name=person_name(overview.patient),
        age=age(overview.patient, overview.on),
        cpr=hidden_cpr(overview.patient),
        clinic=contact_of(overview.directory, clinic).name,
        provider=_provider(overview.directory.get(clinic or "", {})),
        plans=tuple(knowledge.plans[kind].name for kind in overview.plan_types if kind in knowledge.plans),
    )


def _provider(organization: Json) -> str:
    """The ydernummer of a practice; empty where it is not on record."""
    found = (one for one in organization.get("identifier", ()) if one.get("system") == systems.YDERNUMMER)
    return next((str(one.get("value", "")) for one in found), "")
