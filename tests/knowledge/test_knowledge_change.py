"""docs/change-a-rule.md held to its word: each mistake it lists is tried, and its steps are followed as they stand."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from careplan.cli import parser, run
from careplan.domain.target import Target
from careplan.knowledge.load import KNOWLEDGE, load_knowledge

PAGE = Path(__file__).resolve().parents[2] / "docs" / "change-a-rule.md"
HEAD = "| Mistake | File | Instead of | Typed | `careplan check` says |"
AGAINST, NOTES = "With `--against`", "Notes"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row of a table of the page; `says` are the parts that the report must hold, in this order."""

    section: str
    name: str
    file: str
    good: str
    typed: str
    place: str
    says: tuple[str, ...]


def code(cell: str) -> str:
    """The text of a cell that is code, new lines put back."""
    assert cell.startswith("`") and cell.endswith("`"), cell
    return cell[1:-1].replace("⏎", "\n")


def mistakes_in(text: str) -> list[Mistake]:
    found, section, within = [], "", False
    for line in text.splitlines():
        section = line.removeprefix("### ") if line.startswith("### ") else section
        within = line == HEAD or (within and line.startswith("|"))
        if within and line != HEAD and not line.startswith("|---"):
            name, file, good, typed, says = (cell.strip(" ") for cell in line.strip("|").split("|"))
            place = re.match(r"`([\w/.]+)`: ", says)
            parts = tuple(says[place.end() if place else 0 :].split(" … "))
            good = "" if good == "the name" else code(good)
            found.append(Mistake(section, name, code(file), good, code(typed), place[1] if place else "", parts))
    return found


TEXT = PAGE.read_text(encoding="utf-8")
MISTAKES = mistakes_in(TEXT)


def spoil(folder: Path, one: Mistake) -> tuple[int, int]:
    """Make the mistake; the lines between which it may be reported: from the header above it to what was typed."""
    path = folder / one.file
    if not one.good:
        (folder / one.typed).parent.mkdir(exist_ok=True)
        path.rename(folder / one.typed)
        return 1, 1
    text = path.read_text(encoding="utf-8")
    assert one.good in text, f"{one.good!r} is not in {one.file}: the page needs another text to spoil"
    at = text.index(one.good)
    path.write_text(text[:at] + one.typed + text[at + len(one.good) :], encoding="utf-8")
    header = max((found.start() for found in re.finditer(r"^\[", text[: at + 1], re.M)), default=0)
    last = text[:at].count("\n") + one.typed.count("\n") + 1
    return text[:header].count("\n") + 1, last


def reported(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str]]:
    """The exit code of `careplan check`, and its lines."""
    code = run(["check", *(str(one) for one in arguments)])
    return code, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("one", MISTAKES, ids=lambda one: one.name)
def test_mistake_of_the_page_is_caught_at_its_place(
    folder: Path, one: Mistake, capsys: pytest.CaptureFixture[str]
) -> None:
    first, last = spoil(folder, one)
    against = ["--against", KNOWLEDGE] if one.section.startswith(AGAINST) else []
    code, lines = reported(capsys, folder, *against)
    noted = one.section.startswith(NOTES)
    assert code == (0 if noted else 1)
    pattern = f"{'note: ' if noted else ''}{re.escape(one.place or one.file)}:(\\d+): .*?"
    pattern += ".*?".join(re.escape(part) for part in one.says)
    found = [match for line in lines if (match := re.match(pattern, line))]
    assert found, "\n".join(lines)
    if not one.place and not against:
        assert first <= int(found[0][1]) <= last + 1, found[0][0]


def test_page_lists_many_mistakes_each_once() -> None:
    names = [one.name for one in MISTAKES]
    assert len(names) == len(set(names)) >= 60
    assert len(MISTAKES) == sum(line.startswith("| ") for line in TEXT[TEXT.index("### Words") :].splitlines()) - 6


def test_mistakes_in_several_files_are_reported_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = (
        "A fact is misspelt",
        "A unit that is not the measure's",
        "HbA1c typed in per cent",
        "A fact defined twice",
    )
    for one in MISTAKES:
        if one.name in wanted:
            spoil(folder, one)
    _, lines = reported(capsys, folder)
    for one in MISTAKES:
        if one.name in wanted:
            assert any(line.startswith(f"{one.file}:") and one.says[0] in line for line in lines), one.name


COMMANDS = [line for line in TEXT.splitlines() if line.startswith("careplan ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_are_commands_of_the_service(command: str) -> None:
    assert parser().parse_args(command.split()[1:]).command


def test_page_shows_the_three_commands() -> None:
    assert [" ".join(one.split()[1:3]) for one in COMMANDS] == [
        "check my-rules",
        "knowledge diff",
        "targets somebody.json",
    ]


# ── the steps ────────────────────────────────────────────────────────────────────────────────────


def steps_in(text: str) -> list[tuple[str, str, str]]:
    """(file, lines before, lines after) of each box with − and +."""
    found = []
    for box in re.findall(r"```diff\n# (\S+)\n(.*?)```", text, re.S):
        file, body = box
        before = "".join(f"{line[1:]}\n" for line in body.splitlines() if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in body.splitlines() if not line.startswith("-"))
        found.append((file, before, after))
    return found


def followed(folder: Path) -> None:
    """The page's steps, as they stand."""
    for file, before, after in steps_in(TEXT):
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        path.write_text(text.replace(before, after), encoding="utf-8")


def test_the_steps_of_the_page_pass_its_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {file for file, _, _ in steps_in(TEXT)} == {"targets/ldl.toml", "facts/derived.toml"}
    followed(folder)
    code, lines = reported(capsys, folder, "--against", KNOWLEDGE)
    assert (code, [line for line in lines if "targets/ldl.toml" in line]) == (0, [])
    knowledge = load_knowledge(folder)
    row, added = knowledge.row("LDL-04"), knowledge.row("LDL-14")
    assert row is not None and added is not None
    assert row.target == Target(high=row.target.high, unit="mmol/L", strict=True) and str(row.target.high) == "1.2"
    assert knowledge.guidelines["ldl"].review.signed


def test_the_new_rule_gives_the_new_target_and_nobody_else_another(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "somebody.json"
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": heart_patient()}))
    before = targets(bundle, capsys)
    followed(folder)
    monkeypatch.setenv("CAREPLAN_KNOWLEDGE", str(folder))
    after = targets(bundle, capsys)
    assert (before.pop("ldl")["high"], after["ldl"]["high"], after.pop("ldl")["row"]) == (1.4, 1.2, "LDL-04")
    assert before == after


def targets(bundle: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert run(["targets", str(bundle), "--on", "2026-12-01", "--json"]) == 0
    found: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)["targets"]
    return found


def heart_patient() -> list[dict[str, object]]:
    person = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-02-03"}
    listed = {"generalPractitioner": [{"reference": "Organization/clinic-own"}]}
    disease = {"coding": [{"system": "urn:oid:1.2.208.176.2.31", "code": "K74"}]}
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    condition = {"resourceType": "Condition", "id": "c", "code": disease, "clinicalStatus": active}
    subject = {"subject": {"reference": "Patient/p"}, "onsetDateTime": "2020-01-01"}
    return [{"resource": person | listed}, {"resource": condition | subject}]


def test_shipped_examples_reach_every_row() -> None:
    for guideline in load_knowledge().guidelines.values():
        assert {row.id for row in guideline.rows} == {one.expects for one in guideline.examples}, guideline.measure


def test_a_copy_in_another_folder_is_the_same_knowledge(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "targets", tmp_path / "again" / "targets")
    for name in ("measures", "facts", "plans", "questionnaires"):
        shutil.copytree(folder / name, tmp_path / "again" / name)
    assert load_knowledge(tmp_path / "again").guidelines == load_knowledge().guidelines
