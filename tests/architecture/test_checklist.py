"""Every line of the FHIR REST checklist that the façade answers has a test that names it."""

from checklist import naming_tests


def test_every_line_of_the_checklist_has_a_test_that_names_it() -> None:
    without = [line for line, tests in naming_tests().items() if not tests]
    assert without == []
