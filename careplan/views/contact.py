"""People and organisations as pages name them: a person's name, title, place of work and phone.

Names come from the overview's directory; what is not on record is left empty, never made up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import years_between
from careplan.fhir.coordinator import find_coordinator
from careplan.fhir.instant import find_whole_date
from careplan.fhir.person_number import shown
from careplan.fhir.text import Json
from careplan.views.catalogue import Catalogue

HIDDEN = "••••"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to turn to.

    organization  empty where the contact is an organisation itself
    open          (days of the week as FHIR codes them, from, to) of each span of opening hours
    """

    name: str = ""
    title: str = ""
    organization: str = ""
    phone: str = ""
    open: tuple[tuple[tuple[str, ...], str, str], ...] = ()

    def hours(self, t: Catalogue) -> str:
        """«man, tir 08.00–16.00»; empty where nothing is on record."""
        spans = ((", ".join(_weekday(day, t) for day in days), start, end) for days, start, end in self.open)
        return "; ".join(f"{days} {start}–{end}".strip() for days, start, end in spans)

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
        return Contact(name=resource.get("name", ""), phone=phone_of(resource), open=_open(resource))
    if resource["resourceType"] == "Practitioner":
        return Contact(name=person_name(resource), phone=phone_of(resource))
    practitioner = directory.get(resource.get("practitioner", {}).get("reference", ""), {})
    organization = contact_of(directory, resource.get("organization", {}).get("reference"))
    return Contact(
        name=person_name(practitioner) if practitioner else "",
        title=next((code["text"] for code in resource.get("code", ()) if "text" in code), ""),
        organization=organization.name,
        phone=phone_of(resource) or organization.phone,
        open=_open(resource) or organization.open,
    )


def coordinator(care_teams: Iterable[Json], patient: Json) -> str | None:
    """Reference of the tovholder, else of the practice the patient is listed with."""
    listed = (one.get("reference") for one in patient.get("generalPractitioner", ()))
    return find_coordinator(care_teams) or next((str(one) for one in listed if one), None)


def clinic_of(directory: Mapping[str, Json], patient: Json) -> Contact:
    """The practice the patient is listed with."""
    listed = [str(one.get("reference", "")) for one in patient.get("generalPractitioner", ())]
    return contact_of(directory, next((one for one in listed if "Organization/" in one), None))


def age(patient: Json, on: date) -> int | None:
    """Completed years."""
    born = find_whole_date(patient.get("birthDate"))
    return None if born is None or born > on else int(years_between(born, on))


def hidden_cpr(patient: Json) -> str:
    """«010203-••••»; empty where the person has no such number."""
    number = shown(patient)
    return f"{number.partition('-')[0]}-{HIDDEN}" if number else ""


def phone_of(resource: Json) -> str:
    """The first phone number; empty without one."""
    return next((str(one.get("value", "")) for one in resource.get("telecom", ()) if one.get("system") == "phone"), "")


def _weekday(code: str, t: Catalogue) -> str:
    key = f"weekday.{code}"
    return t(key) if t.has(key) else code


def _open(resource: Json) -> tuple[tuple[tuple[str, ...], str, str], ...]:
    """From availableTime of a role; empty when it says nothing."""
    spans = [
        (tuple(one.get("daysOfWeek", ())), _clock(one.get("availableStartTime")), _clock(one.get("availableEndTime")))
        for one in resource.get("availableTime", ())
    ]
    return tuple(span for span in spans if span[1] and span[2])


def _clock(time: str | None) -> str:
    return (time or "")[:5].replace(":", ".")
