"""A printed plan that was handed over, as a Communication: when, by whom, which edition, in which language.

It says that the plan reached the person on paper; the sheet itself is not kept, since it can be printed again from
the record as it stood. https://hl7.org/fhir/R4/communication.html
"""

from dataclasses import dataclass
from datetime import datetime

from careplan.fhir import systems
from careplan.fhir.instant import find_instant, instant_text
from careplan.fhir.text import Json

PRINT = "udskrift"
WRITTEN = ("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "WRITTEN")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One sheet handed over.

    by     reference of who printed it
    plans  references of the CarePlans it is of
    """

    patient: str
    edition: str
    language: str
    at: datetime
    by: str
    plans: tuple[str, ...] = ()


def communication_from_delivery(delivery: Delivery) -> Json:
    """The record of it; what it says is only which sheet."""
    patient = {"reference": f"Patient/{delivery.patient}"}
    return {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"coding": [{"system": systems.ACTIVITY, "code": PRINT}], "text": "Udskrift af forløbsplanen"}],
        "medium": [{"coding": [{"system": WRITTEN[0], "code": WRITTEN[1]}]}],
        "subject": patient,
        "about": [{"reference": one} for one in delivery.plans],
        "sent": instant_text(delivery.at),
        "recipient": [patient],
        **({"sender": {"reference": delivery.by}} if delivery.by else {}),
        "payload": [{"contentString": f"edition={delivery.edition}; lang={delivery.language}"}],
    }


def is_delivery(communication: Json) -> bool:
    """Whether a Communication tells of a print."""
    codings = (one for category in communication.get("category", ()) for one in category.get("coding", ()))
    return any(one.get("system") == systems.ACTIVITY and one.get("code") == PRINT for one in codings)


def find_delivery_of(communication: Json) -> Delivery | None:
    """The delivery that a Communication records; None where it records none, or was entered in error."""
    at = find_instant(str(communication.get("sent", "")))
    if at is None or not is_delivery(communication) or communication.get("status") != "completed":
        return None
    said = next((str(one.get("contentString", "")) for one in communication.get("payload", ())), "")
    parts = dict(part.split("=", 1) for part in said.split("; ") if "=" in part)
    return Delivery(
        patient=str(communication.get("subject", {}).get("reference", "")).removeprefix("Patient/"),
        edition=parts.get("edition", ""),
        language=parts.get("lang", ""),
        at=at,
        by=str(communication.get("sender", {}).get("reference", "")),
        plans=tuple(str(one.get("reference", "")) for one in communication.get("about", ())),
    )
