"""One name for each system, and one form for each code."""

import pytest

from careplan.fhir import systems
from careplan.fhir.systems import normal_code, normal_system


@pytest.mark.parametrize(
    ("alias", "normal"),
    [
        ("urn:oid:1.2.208.176.2.1", systems.NPU),
        ("urn:oid:1.2.208.184.100.8", systems.MCS),
        ("urn:oid:1.2.208.184.100.1", systems.MCS),
        ("http://hl7.org/fhir/sid/icpc-2", systems.ICPC2),
        ("https://kiap.dk/koder/icpc-2-dk", systems.ICPC2),
        ("urn:oid:1.2.208.176.2.4", systems.SKS_D),
        ("http://www.cpr.dk/cpr-systemet", systems.CPR),
        ("urn:oid.1.2.208.176.1.4", systems.YDERNUMMER),
        ("https://www.gs1.org/gln", systems.GLN),
        ("http://unknown.example", "http://unknown.example"),
        (systems.LOINC, systems.LOINC),
    ],
)
def test_aliases_have_one_normal_name(alias: str, normal: str) -> None:
    assert normal_system(alias) == normal
    assert normal_system(normal) == normal


@pytest.mark.parametrize(
    ("system", "code", "normal"),
    [
        (systems.ICD10, "e11.9", (systems.SKS_D, "DE119")),
        (systems.SKS, "dE119", (systems.SKS_D, "DE119")),
        (systems.SKS_D, "DJ44.8A", (systems.SKS_D, "DJ448A")),
        ("http://hl7.org/fhir/sid/icpc-2", "t90", (systems.ICPC2, "T90")),
        (systems.NPU, "NPU27300", (systems.NPU, "NPU27300")),
        (systems.UCUM, "mm[Hg]", (systems.UCUM, "mm[Hg]")),
    ],
)
def test_diagnoses_compare_in_capitals_without_dots(system: str, code: str, normal: tuple[str, str]) -> None:
    assert normal_code(system, code) == normal
