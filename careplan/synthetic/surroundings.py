"""What stands around the invented people: two clinics, a municipality, a laboratory, and those who work there.

None exists. Identifiers keep the rules of dk-core: each organisation has a SOR or FK-ORG number, practices
a ydernummer too; two SOR numbers are MedCom's test ones. Phone numbers begin with 00, which nobody has.
Specification: https://hl7.dk/fhir/core/StructureDefinition-dk-core-organization.html.
"""

from collections.abc import Iterator

from careplan.fhir import systems
from careplan.synthetic.observation import Resource, concept

_CORE = "http://hl7.dk/fhir/core/StructureDefinition"
_PRACTICE = concept((systems.SNOMED, "394761003"))
DOCTOR, NURSE = "7170", "5166"

# id, name, identifiers, phone, type
ORGANIZATIONS: tuple[tuple[str, str, tuple[tuple[str, str], ...], str, Resource | None], ...] = (
    (
        "clinic-own",
        "Lægehuset Nord",
        ((systems.SOR, "325381000016008"), (systems.YDERNUMMER, "099901")),
        "00 10 20 30",
        _PRACTICE,
    ),
    (
        "clinic-other",
        "Lægerne Sydhavn",
        ((systems.SOR, "633271000016006"), (systems.YDERNUMMER, "099902")),
        "00 10 20 40",
        _PRACTICE,
    ),
    (
        "kommune-nord",
        "Nordby Kommune, Forebyggelsescenter",
        ((systems.FK_ORG, "urn:uuid:5d0f0f5e-2c1b-4f0e-9a3d-7b1c20e9a001"),),
        "00 10 20 50",
        None,
    ),
    (
        "laboratorium-nord",
        "Nordby Sygehus, Klinisk Biokemi",
        ((systems.SOR, "999999991000016005"),),
        "00 10 20 60",
        None,
    ),
)
# role id, practitioner id, given, family, sex, organisation, profession, title
STAFF: tuple[tuple[str, str, str, str, str, str, str, str], ...] = (
    ("laege-own", "mette-holm", "Mette", "Holm", "female", "clinic-own", DOCTOR, "Praktiserende læge"),
    ("sygeplejerske-own", "lars-krogh", "Lars", "Krogh", "male", "clinic-own", NURSE, "Praksissygeplejerske"),
    ("laege-other", "jens-toft", "Jens", "Toft", "male", "clinic-other", DOCTOR, "Praktiserende læge"),
    ("sygeplejerske-other", "rikke-dahl", "Rikke", "Dahl", "female", "clinic-other", NURSE, "Praksissygeplejerske"),
    ("visitator-nord", "sanne-bach", "Sanne", "Bach", "female", "kommune-nord", NURSE, "Visitator"),
)


def surroundings() -> list[Resource]:
    """All organisations, practitioners and their roles; each refers only to those before it."""
    return [*_organizations(), *_staff()]


def _organizations() -> Iterator[Resource]:
    for id, name, identifiers, phone, kind in ORGANIZATIONS:
        numbers = [_identifier(system, value) for system, value in identifiers]
        yield {
            "resourceType": "Organization",
            "id": id,
            "meta": {"profile": [f"{_CORE}/dk-core-organization"]},
            "identifier": numbers,
            "active": True,
            **({"type": [kind]} if kind else {}),
            "name": name,
            "telecom": [
                {"system": "phone", "value": phone},
                {"system": "email", "value": f"{id}@example.invalid"},
            ],
        }


def _identifier(system: str, value: str) -> Resource:
    return {**({"use": "official"} if system == systems.SOR else {}), "system": system, "value": value}


def _staff() -> Iterator[Resource]:
    for role, id, given, family, sex, organization, profession, title in STAFF:
        yield {
            "resourceType": "Practitioner",
            "id": id,
            "meta": {"profile": [f"{_CORE}/dk-core-practitioner"]},
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given, "Test"]}],
            "gender": sex,
            "qualification": [{"code": concept((systems.PROFESSION, profession))}],
        }
        yield {
            "resourceType": "PractitionerRole",
            "id": role,
            "meta": {"profile": [f"{_CORE}/dk-core-practitioner-role"]},
            "active": True,
            "practitioner": {"reference": f"Practitioner/{id}"},
            "organization": {"reference": f"Organization/{organization}"},
            "code": [concept((systems.PROFESSION, profession), text=title)],
            "telecom": [{"system": "phone", "value": _phone(organization)}],
        }


def _phone(organization: str) -> str:
    return next(phone for id, _, _, phone, _ in ORGANIZATIONS if id == organization)
