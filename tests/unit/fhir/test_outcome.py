"""Every refusal has its status and its issue code, and none says more than it should."""

import ast
from pathlib import Path

import pytest

from careplan.domain.errors import CareplanError, Fault, UnitMismatch
from careplan.fhir import bindings, models
from careplan.fhir.outcome import ANSWERS, ResourceInvalid, outcome, outcome_from_error
from careplan.fhir.text import TextUnparsable

PACKAGE = Path(__file__).resolve().parents[3] / "careplan"

ISSUE_TYPES = {
    *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired"),
    *("forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found"),
    *("deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient"),
    *("lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
}


class Unlisted(CareplanError):
    code = "nobody-knows-this"


def codes_in_source() -> set[str]:
    """Every `code = "…"` of a class in the package."""
    return {
        str(statement.value.value)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and [target.id for target in statement.targets if isinstance(target, ast.Name)] == ["code"]
        and isinstance(statement.value, ast.Constant)
    }


def test_every_error_code_has_its_answer() -> None:
    assert codes_in_source() - ANSWERS.keys() == set()


@pytest.mark.parametrize("code", ANSWERS)
def test_an_answer_is_a_client_or_server_error_with_an_issue_code_of_r4(code: str) -> None:
    answer = ANSWERS[code]
    assert 400 <= answer.status < 600
    assert answer.issue in ISSUE_TYPES


@pytest.mark.parametrize(
    ("error", "status", "issue"),
    [
        (TextUnparsable("line 1, column 2: x"), 400, "structure"),
        (ResourceInvalid("Goal/1"), 422, "invalid"),
        (UnitMismatch("mg against mmol"), 422, "value"),
    ],
)
def test_an_error_becomes_its_status_and_its_own_words(error: CareplanError, status: int, issue: str) -> None:
    given, body = outcome_from_error(error)
    assert given == status
    assert body["issue"] == [
        {"severity": "error", "code": issue, "details": {"text": error.code}, "diagnostics": error.message}
    ]


def test_every_fault_is_an_issue_with_its_place_and_errors_come_first() -> None:
    faults = (
        Fault("Goal.meta.profile", "profile-unknown", "not known here", "warning"),
        Fault("Goal.lifecycleStatus", "code-invalid", "not a code of the set"),
    )
    status, body = outcome_from_error(ResourceInvalid("Goal/1 has 1 fault", faults))
    assert status == 422
    assert [(i["severity"], i["code"], i["expression"]) for i in body["issue"]] == [
        ("error", "code-invalid", ["Goal.lifecycleStatus"]),
        ("warning", "not-found", ["Goal.meta.profile"]),
    ]


@pytest.mark.parametrize("error", [KeyError("0102030405"), Unlisted("x"), CareplanError("0102030405")])
def test_what_was_not_foreseen_is_500_and_says_nothing_of_itself(error: Exception) -> None:
    status, body = outcome_from_error(error)
    assert status == 500
    assert "0102030405" not in str(body)
    assert body["issue"][0]["code"] == "exception"


def test_an_outcome_without_issues_says_that_all_is_well() -> None:
    body = outcome([])
    assert [issue["severity"] for issue in body["issue"]] == ["information"]


def test_an_outcome_is_itself_a_valid_resource() -> None:
    for body in (outcome([]), outcome([Fault("Goal", code, "x") for code in ANSWERS])):
        assert models.faults(body) == []
        assert bindings.faults(body) == []
