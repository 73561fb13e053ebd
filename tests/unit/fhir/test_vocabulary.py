"""The foreign codes the knowledge follows, and what it calls them."""

from careplan.fhir import systems
from careplan.fhir.vocabulary import Known, known_codes
from careplan.knowledge.load import load_knowledge

KNOWN = known_codes(load_knowledge())


def test_every_code_of_a_measure_has_a_name_and_its_measure():
    knowledge = load_knowledge()
    for measure in knowledge.measures.values():
        for code in (*measure.codes, *measure.panel):
            known = KNOWN[systems.normal_code(code.system, code.code)]
            assert known.display and known.name
    assert KNOWN[systems.NPU, "NPU27300"] == Known("NPU", "Hæmoglobin A1c (IFCC);Hb(B)", "hba1c", "mmol/mol")


def test_targets_and_answers_are_known():
    assert KNOWN[systems.MCS, "MCS88026"].display == "LDL-kolesterol, aftalt mål"
    assert KNOWN[systems.SNOMED, "77176002"].measure == "smoking"


def test_every_name_of_a_system_is_known():
    assert systems.names_of_system("urn:oid:1.2.208.176.9.1") == (
        *(systems.NPU, "urn:oid:1.2.208.176.9.1", "urn:oid:1.2.208.176.2.1"),
    )
    assert systems.names_of_system("http://else") == ("http://else",)
