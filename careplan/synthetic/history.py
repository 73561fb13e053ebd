"""The part of an invented person's record that is not measured: the person, diagnoses, medicine, last årskontrol."""

from datetime import date, datetime, timedelta

from careplan.fhir import systems
from careplan.fhir.consent import EMERGENCY, PRIVACY, emergency_provision
from careplan.fhir.instant import COPENHAGEN, instant_text
from careplan.fhir.trust import power_of_attorney
from careplan.synthetic.cpr import Number
from careplan.synthetic.medicine import DRUGS, Drug
from careplan.synthetic.observation import Record, Resource, concept
from careplan.synthetic.person import Diagnosis, Person
from careplan.synthetic.visit import Visit

DIAGNOSES = {
    "T90": ("DE119", "Type 2-diabetes"),
    "R95": ("DJ449", "KOL"),
    "K74": ("DI209", "Iskæmisk hjertesygdom med angina"),
    "K75": ("DI219", "Akut myokardieinfarkt"),
    "K76": ("DI259", "Iskæmisk hjertesygdom uden angina"),
    "K77": ("DI509", "Hjertesvigt"),
    "K78": ("DI489", "Atrieflimren"),
    "K86": ("DI109", "Forhøjet blodtryk"),
    "K87": ("DI119", "Forhøjet blodtryk med organskade"),
    "K90": ("DI639", "Apopleksi"),
    "K92": ("DI739", "Perifer karsygdom"),
    "P70": ("DF039", "Demens"),
    "T93": ("DE785", "Forhøjet kolesterol"),
    "DZ955": ("DZ955", "Tilstand efter ballonudvidelse i hjertet"),
}
"""By our name of a diagnosis: the SKS code beside it and the words on the problem list."""

_PATIENT = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-patient"
_ACTIVE = concept((systems.CONDITION_CLINICAL, "active"))
_CONFIRMED = concept((systems.CONDITION_VERIFICATION, "confirmed"))
_PROBLEM = [concept((systems.CONDITION_CATEGORY, "problem-list-item"))]
_AMBULATORY = {"system": systems.ACT_CODE, "code": "AMB"}
_STREETS = ("Kirkevej", "Skovvej", "Nørregade", "Møllevej", "Strandvejen", "Engvej", "Bakkevej", "Søndergade")


def write_patient(record: Record, person: Person, house: int) -> None:
    """Write the person: identifier, name with `Test`, an address in a town that does not exist, own clinic."""
    record.resources.append(
        {
            "resourceType": "Patient",
            "id": person.id,
            "meta": {"profile": [_PATIENT]},
            "identifier": [identifier(person.number)],
            "active": True,
            "name": [{"use": "official", "family": person.family, "given": [person.given, "Test"]}],
            **({"telecom": [{"system": "phone", "value": person.phone}]} if person.phone else {}),
            "gender": person.sex,
            "birthDate": person.born.isoformat(),
            "address": [{"line": [f"{_STREETS[house % len(_STREETS)]} {house}"], "city": "Nordby"}],
            "generalPractitioner": [record.organization],
        }
    )


def identifier(number: Number) -> Resource:
    """A personal number as a FHIR Identifier."""
    return {"use": number.use, "system": number.system, "value": number.value}


def write_diagnoses(record: Record, person: Person) -> dict[str, Resource]:
    """Write the problem list; returns the references by our names of the diagnoses."""
    return {one.icpc: _write_diagnosis(record, n, one) for n, one in enumerate(person.diagnoses, 1)}


def _write_diagnosis(record: Record, nth: int, diagnosis: Diagnosis) -> Resource:
    sks, words = DIAGNOSES[diagnosis.icpc]
    codings = [(systems.ICPC2, diagnosis.icpc)] if diagnosis.coded != "sks" else []
    codings += [(systems.SKS_D, sks)] if diagnosis.coded != "icpc" else []
    dates: Resource = {}
    if diagnosis.since is not None:
        since = diagnosis.since.isoformat()
        dates = {"recordedDate": since} if diagnosis.recorded_only else {"onsetDateTime": since, "recordedDate": since}
    content: Resource = {"clinicalStatus": _ACTIVE, "verificationStatus": _CONFIRMED, "category": _PROBLEM}
    content |= {"code": concept(*codings, text=words), "subject": record.subject, **dates}
    return record.add("Condition", f"c{nth}", content)


def write_medicine(record: Record, drugs: tuple[Drug, ...]) -> None:
    """Write the medicine list."""
    for nth, drug in enumerate(drugs, 1):
        content: Resource = {
            "status": "active",
            "medicationCodeableConcept": concept((systems.ATC, DRUGS[drug.name]), text=drug.name.capitalize()),
            "subject": record.subject,
            "effectivePeriod": {"start": drug.start.isoformat()},
        }
        record.add("MedicationStatement", f"m{nth}", content)


def write_control(record: Record, visit: Visit, reasons: list[Resource]) -> Resource:
    """Write the newest årskontrol, held by the nurse with the doctor."""
    end = f"{visit.at[:11]}{int(visit.at[11:13]) + 1:02}{visit.at[13:]}"
    content: Resource = {
        "status": "finished",
        "class": _AMBULATORY,
        "type": [concept(text="Årskontrol")],
        "subject": record.subject,
        "participant": [{"individual": record.nurse}, {"individual": record.doctor}],
        "period": {"start": visit.at, "end": end},
        "serviceProvider": record.organization,
    }
    return record.add("Encounter", "e1", content | ({"reasonReference": reasons} if reasons else {}))


def write_bars(record: Record, person: Person, on: date) -> None:
    """Write that the person lets some organisations see nothing: a Consent each, a month old."""
    for nth, organization in enumerate(person.bars, 1):
        actor = {
            "role": concept((systems.PARTICIPATION_TYPE, "IRCP")),
            "reference": {"reference": f"Organization/{organization}"},
        }
        content: Resource = {
            "status": "active",
            "scope": concept((systems.CONSENT_SCOPE, "patient-privacy")),
            "category": [concept((systems.LOINC, "59284-0"))],
            "patient": record.subject,
            "dateTime": days_after(on, -30),
            "policyRule": concept((systems.ACT_CODE, "OPTOUT")),
            "provision": {"type": "deny", "actor": [actor]},
        }
        record.add("Consent", f"k{nth}", content)


def write_help(record: Record, person: Person, on: date) -> None:
    """Write whom the person helps: in that record the person as a relative, and a power of attorney."""
    for patient, what, writes in person.helps:
        relative = f"{patient}-{person.id}"
        record.resources.append(
            {
                "resourceType": "RelatedPerson",
                "id": relative,
                "identifier": [identifier(person.number)],
                "active": True,
                "patient": {"reference": f"Patient/{patient}"},
                "relationship": [concept(text=what)],
                "name": [{"use": "official", "family": person.family, "given": [person.given, "Test"]}],
            }
        )
        start, at = on - timedelta(days=20), datetime(on.year, on.month, on.day, 9, tzinfo=COPENHAGEN)
        until = on + timedelta(days=345)
        consent = power_of_attorney(patient, relative, start, until, at - timedelta(days=20), writes=writes)
        record.resources.append({"id": f"{relative}-fuldmagt", **consent})


def write_emergency(record: Record, person: Person, on: date) -> None:
    """Write that the clinic's nurse opened the record in an emergency, for four hours before eight this morning."""
    if not person.opened:
        return
    end = datetime(on.year, on.month, on.day, 8, tzinfo=COPENHAGEN)
    start = instant_text(end - timedelta(hours=4))
    btg = concept((systems.ACT_REASON, EMERGENCY), text="Værdispring")
    content: Resource = {
        "extension": [{"url": systems.EXT_EMERGENCY_REASON, "valueString": person.opened}],
        "status": "active",
        "scope": concept((systems.CONSENT_SCOPE, PRIVACY)),
        "category": [btg],
        "patient": record.subject,
        "dateTime": start,
        "performer": [{**record.nurse, "display": "Lars Test Krogh"}],
        "organization": [record.organization],
        "policyRule": {"text": "Sundhedsloven § 42 a"},
        "provision": emergency_provision(record.nurse["reference"], start, instant_text(end)),
    }
    record.add("Consent", "k9", content)


def days_after(day: date, days: int) -> str:
    """A date so many days later, as FHIR writes it."""
    return (day + timedelta(days=days)).isoformat()
