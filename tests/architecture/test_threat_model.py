"""Each claim of docs/threat-model.md names a test, and that test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
CLAIMS = PAGE.partition("## Claims")[2].partition("## Not defended")[0]


def named_tests() -> list[tuple[str, str]]:
    """(file, test) as the page names them."""
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", CLAIMS)


def test_every_claim_names_a_test() -> None:
    rows = [
        line for line in CLAIMS.splitlines() if line.startswith("|") and not line.startswith(("|---", "| threat |"))
    ]
    assert len(rows) > 30
    assert [row for row in rows if "::test_" not in row.rpartition("|")[0].rpartition("|")[2]] == []


def test_every_test_that_is_named_is_there() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in named_tests()
        if not re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []
