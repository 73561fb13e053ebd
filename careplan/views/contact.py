"""People and organisations as pages name them: a person's name, title, place of work and phone.

Names come from the overview's directory; what is not on record is left empty, never made up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import years_between
from careplan.fhir import systems
from careplan.fhir.instant import find_whole_date
from careplan.fhir.text import Json

HIDDEN = "••••"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to turn to. `organization` is empty where the contact is an organisation itself."""

    name: str = ""
    title: str = ""
    organization: str = ""
    phone: str = ""
    hours: str = ""

    @property
    def dial(self) -> str:
        """The phone number as a link dials it."""
        return "".join(sign for sign in self.phone if sign.isdigit() or sign == "+")


def person_name(resource: Json) -> str:
    """The official name, given names first; empty without one."""
    names = resource.get("name") or [{}]
    official = next((one for one in names if one.get("use") == "official"), names[0])
    parts = [*official.get("given", ()), official.get("family", "")]
    return " ".join(part for part in parts if part) or official.get("text", "")


def contact_of(directory: Mapping[str, Json], reference: str | None) -> Contact:
    """The contact behind a reference to a role, a practitioner or an organisation."""
    resource = directory.get(reference or "")
    if resource is None:
        return Contact()
    if resource["resourceType"] == "Organization":
        return Contact(name=resource.get("name", ""), phone=_phone(resource), hours=_hours(resource))
    if resource["resourceType"] == "Practitioner":
        return Contact(name=person_name(resource), phone=_phone(resource))
    practitioner = directory.get(resource.get("practitioner", {}).get("reference", ""), {})
    organization = contact_of(directory, resource.get("organization", {}).get("reference"))
    return Contact(
        name=person_name(practitioner) if practitioner else "",
        title=next((code["text"] for code in resource.get("code", ()) if "text" in code), ""),
        organization=organization.name,
        phone=_phone(resource) or organization.phone,
        hours=_hours(resource) or organization.hours,
    )


def coordinator(care_teams: Iterable[Json], patient: Json) -> str | None:
    """Reference of the tovholder, else of the practice the patient is listed with."""
    members = [member for team in care_teams for member in team.get("participant", ())]
    named = [m for m in members if any(role.get("text") == "Tovholder" for role in m.get("role", ()))]
    found = [m.get("member", {}).get("reference") for m in named]
    listed = [one.get("reference") for one in patient.get("generalPractitioner", ())]
    return next((reference for reference in (*found, *listed) if reference), None)


def age(patient: Json, on: date) -> int | None:
    """Completed years."""
    born = find_whole_date(patient.get("birthDate"))
    return None if born is None or born > on else int(years_between(born, on))


def hidden_cpr(patient: Json) -> str:
    """«010203-••••»; empty where the person has no such number."""
    numbers = [
        str(one.get("value", ""))
        for one in patient.get("identifier", ())
        if systems.normal_system(one.get("system", "")) in (systems.CPR, systems.X_ECPR, systems.D_ECPR)
    ]
    return f"{numbers[0].replace('-', '')[:6]}-{HIDDEN}" if numbers else ""


def _phone(resource: Json) -> str:
    return next((str(one.get("value", "")) for one in resource.get("telecom", ()) if one.get("system") == "phone"), "")


_DAYS = {"mon": "man", "tue": "tir", "wed": "ons", "thu": "tor", "fri": "fre", "sat": "lør", "sun": "søn"}


def _hours(resource: Json) -> str:
    """«man, tir 08.00-16.00», from availableTime of a role; empty when it says nothing."""
    said = []
    for one in resource.get("availableTime", ()):
        days = ", ".join(_DAYS.get(day, day) for day in one.get("daysOfWeek", ()))
        start, end = (
            str(one.get(name, ""))[:5].replace(":", ".") for name in ("availableStartTime", "availableEndTime")
        )
        if start and end:
            said.append(f"{days} {start}–{end}".strip())
    return "; ".join(said)
