"""The command line: what each command prints, writes and exits with."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplan.cli import run
from careplan.demo import prepare_demo
from careplan.knowledge.load import KNOWLEDGE
from careplan.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
VECTORS = SHARED / "reference" / "targets-examples.yaml"
WRITER = SHARED / "tools" / "vector_to_bundle.py"
NPU, ICPC, UCUM = "http://npu-terminology.org", "urn:oid:1.2.208.176.2.31", "http://unitsofmeasure.org"
Json = dict[str, Any]
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Run a command in a folder of its own: exit code, what it printed, what it told."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CAREPLAN_")]:
        monkeypatch.delenv(name)

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def objects(printed: str) -> list[Json]:
    return [json.loads(line) for line in printed.splitlines()]


def person(
    id: str, birth: str, *codes: tuple[str, str], practice: str = "clinic-own", values: tuple[Json, ...] = ()
) -> Json:
    """A Bundle with one person: diagnoses as (ICPC-2, onset), and values."""
    subject = {"reference": f"Patient/{id}"}
    entries: list[Json] = [
        {
            "resourceType": "Patient",
            "id": id,
            "gender": "male",
            "birthDate": birth,
            "generalPractitioner": [{"reference": f"Organization/{practice}"}],
        }
    ]
    for code, onset in codes:
        coded = {"coding": [{"system": ICPC, "code": code}]}
        entries.append(
            {
                "resourceType": "Condition",
                "id": f"{id}-{code}",
                "code": coded,
                "subject": subject,
                "onsetDateTime": onset,
            }
        )
    entries += [{**one, "id": f"{id}-{n}", "subject": subject} for n, one in enumerate(values)]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in entries]}


def value(code: str, number: float, unit: str) -> Json:
    quantity = {"value": number, "unit": unit, "system": UCUM, "code": unit}
    coding = {"coding": [{"system": NPU, "code": code}]}
    base = {"resourceType": "Observation", "status": "final", "code": coding}
    return base | {"effectiveDateTime": "2026-11-15", "valueQuantity": quantity}


def write(name: str, content: Json) -> Path:
    path = Path(name)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


# ── targets ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not VECTORS.exists(), reason="the example vectors are not beside this repository")
def test_the_examples_come_out_exactly_as_written(say: Said, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    subprocess.run([sys.executable, WRITER, VECTORS, folder], check=True, capture_output=True)
    vectors = {one["id"]: one for one in yaml.safe_load(VECTORS.read_text(encoding="utf-8"))["vectors"]}
    files = sorted(folder.glob("*.json"))
    code, printed, _ = say("targets", *files, "--on", "2026-11-22", "--json")
    answers = {answer["bundle"].removesuffix(".json"): answer for answer in objects(printed)}
    assert (code, set(answers)) == (0, set(vectors))
    assert len(vectors) == 25
    for id, vector in vectors.items():
        answer, expected = answers[id], vector["expected"]
        assert answer["plans"] == expected["plans"], id
        assert set(answer["targets"]) == set(expected["targets"]), id
        for measure, wanted in expected["targets"].items():
            got = answer["targets"][measure]
            assert {name: got.get(name) for name in wanted} == wanted, (id, measure)
            assert ("value" in got) == ("value" in wanted)
            assert got["provisional"] == bool(got["missing"])


GOLDEN: list[tuple[str, Json, dict[str, Any], dict[str, str]]] = [
    (
        "diabetes of five years to the day",
        person("a", "1966-11-22", ("T90", "2021-11-22"), values=(value("NPU27300", 51, "mmol/mol"),)),
        {"diabetes": {"row": "ELIG-D", "state": "new", "must_offer": False}},
        {"hba1c": "HBA1C-09", "ldl": "LDL-08", "sbp": "SBP-07", "review_interval": "INT-03"},
    ),
    (
        "diabetes of a day less",
        person("b", "1966-11-22", ("T90", "2021-11-23")),
        {"diabetes": {"row": "ELIG-D", "state": "new", "must_offer": False}},
        {"hba1c": "HBA1C-11"},
    ),
    (
        "the last day of the duty to offer",
        person("c", "1966-11-22", ("T90", "2022-11-22")),
        {"diabetes": {"row": "ELIG-D", "state": "new", "must_offer": True}},
        {"hba1c": "HBA1C-11"},
    ),
    (
        "heart disease goes before diabetes for LDL",
        person("d", "1966-11-22", ("T90", "2010-01-01"), ("K75", "2025-01-01")),
        {
            "diabetes": {"row": "ELIG-D", "state": "new", "must_offer": False},
            "heart": {"row": "ELIG-H1", "state": "new", "must_offer": "allowed"},
        },
        {"hba1c": "HBA1C-04", "ldl": "LDL-04"},
    ),
    (
        "eighty years to the day",
        person("e", "1946-11-22", ("K86", "2010-01-01")),
        {"heart": {"row": "ELIG-H2", "state": "new", "must_offer": "allowed"}},
        {"sbp": "SBP-04", "dbp": "DBP-04", "ldl": "LDL-13"},
    ),
    (
        "eighteen tomorrow",
        person("f", "2008-11-23", ("T90", "2020-01-01")),
        {},
        {},
    ),
    (
        "newly diagnosed KOL",
        person("g", "1966-11-22", ("R95", "2025-11-23")),
        {"kol": {"row": "ELIG-K", "state": "new", "must_offer": True}},
        {"review_interval": "INT-01", "bmi": "BMI-01", "rehab_referral": "REHAB-02", "kol_group": "KOLGRP-05"},
    ),
]


@pytest.mark.parametrize(("bundle", "plans", "rows"), [one[1:] for one in GOLDEN], ids=[one[0] for one in GOLDEN])
def test_targets_of_a_person(say: Said, bundle: Json, plans: Json, rows: dict[str, str]) -> None:
    code, printed, _ = say("targets", write("one.json", bundle), "--on", "2026-11-22", "--json")
    (answer,) = objects(printed)
    assert (code, answer["bundle"], answer["plans"]) == (0, "one.json", plans)
    assert rows == {measure: answer["targets"][measure]["row"] for measure in rows}
    assert bool(answer["targets"]) == bool(plans)


def test_targets_say_because_of_what_and_what_is_missing(say: Said) -> None:
    bundle = person("a", "1966-11-22", ("T90", "2021-11-22"), values=(value("DNK35302", 29, "mL/min/{1.73_m2}"),))
    _, printed, _ = say("targets", write("one.json", bundle), "--on", "2026-11-22", "--json")
    ldl = objects(printed)[0]["targets"]["ldl"]
    assert (ldl["row"], ldl["strict"], ldl["high"], ldl["low"], ldl["unit"]) == ("LDL-05", True, 1.8, None, "mmol/L")
    (egfr,) = (one for one in ldl["because"] if one["fact"] == "egfr")
    assert (egfr["value"], egfr["date"], egfr["reference"]) == (29, "2026-11-15", "Observation/a-0")
    assert (ldl["provisional"], ldl["missing"]) == (True, ["cfs", "uacr_mg_g"])


def test_targets_of_two_patients_in_one_bundle_are_refused(say: Said) -> None:
    both = person("a", "1966-11-22", ("T90", "2021-11-22"))
    both["entry"] += person("b", "1990-01-01")["entry"]
    code, printed, told = say("targets", write("two.json", both), "--on", "2026-11-22", "--json")
    assert (code, printed) == (1, "")
    assert "two.json: the Bundle holds 2 patients; give one a file" in told


def test_targets_leave_out_what_is_about_another_patient_and_say_so(say: Said) -> None:
    bundle = person("a", "1966-11-22", ("T90", "2021-11-22"))
    other = person("b", "1990-01-01", ("K74", "2020-01-01"))["entry"][1]
    other["resource"]["id"] = "strange"
    bundle["entry"].append(other)
    _, printed, told = say("targets", write("one.json", bundle), "--on", "2026-11-22", "--json")
    assert set(objects(printed)[0]["plans"]) == {"diabetes"}
    assert "left out, of another patient: Condition/strange" in told


def test_targets_know_the_patient_by_the_address_of_its_entry(say: Said) -> None:
    bundle = person("a", "1966-11-22", ("T90", "2021-11-22"))
    name = "urn:uuid:7f1d2c3a-0b1e-4c5d-8e9f-000000000001"
    bundle["entry"][0]["fullUrl"] = name
    bundle["entry"][1]["resource"]["subject"]["reference"] = name
    _, printed, told = say("targets", write("one.json", bundle), "--on", "2026-11-22", "--json")
    assert set(objects(printed)[0]["plans"]) == {"diabetes"} and "left out" not in told


def test_targets_for_people_read_as_a_table(say: Said) -> None:
    code, printed, _ = say("targets", write("one.json", GOLDEN[0][1]), "--on", "2026-11-22")
    assert code == 0
    assert "one.json  (22.11.2026)" in printed
    assert "plan diabetes: ELIG-D, new" in printed
    assert "HBA1C-09" in printed and "højst 53" in printed
    assert "foreløbigt\n" in printed and " er ikke kendt. " in printed
    _, everything, _ = say("targets", write("one.json", GOLDEN[0][1]), "--on", "2026-11-22", "--why")
    assert "Regler, der kom før:" in everything and "Passer ikke: " in everything and "Kilde: " in everything
    assert "Regler, der kom før:" not in printed


def test_people_of_another_practice_are_pointed_out(say: Said) -> None:
    bundle = write("one.json", person("a", "1966-11-22", ("T90", "2021-11-22"), practice="clinic-other"))
    code, printed, told = say("targets", bundle, "--on", "2026-11-22", "--json")
    assert (code, objects(printed)[0]["plans"]) == (0, {})
    assert "listed with Organization/clinic-other" in told and "--clinic" in told
    _, printed, told = say("targets", bundle, "--on", "2026-11-22", "--json", "--clinic", "Organization/clinic-other")
    assert ("diabetes" in objects(printed)[0]["plans"], told) == (True, "")


def test_a_bundle_that_cannot_be_read_stops_no_other(say: Said) -> None:
    Path("bad.json").write_text("{")
    code, printed, told = say("targets", "bad.json", write("one.json", GOLDEN[0][1]), "--on", "2026-11-22", "--json")
    assert code == 1
    assert "bad.json" in told and "line 1" in told
    assert [one["bundle"] for one in objects(printed)] == ["one.json"]


@pytest.mark.parametrize(
    "content", ['{"resourceType":"Bundle","entry":[1]}', '{"resourceType":"Bundle","entry":7}', "{}"]
)
def test_what_holds_no_resources_is_named_and_stops_no_other(say: Said, content: str) -> None:
    Path("odd.json").write_text(content)
    code, printed, told = say("targets", "odd.json", write("one.json", GOLDEN[0][1]), "--json")
    assert (code, "odd.json" in told) == (1, True)
    assert [one["bundle"] for one in objects(printed)] == ["one.json"]


def test_a_file_that_is_not_there_is_named_and_stops_no_other(say: Said) -> None:
    code, printed, told = say("targets", "none.json", write("one.json", GOLDEN[0][1]), "--json")
    assert (code, "none.json" in told) == (1, True)
    assert [one["bundle"] for one in objects(printed)] == ["one.json"]


def test_a_day_that_is_none_is_wrong_use(say: Said, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(["targets", "x.json", "--on", "i går"])
    assert stopped.value.code == 2
    assert "a date like 2026-11-22" in capsys.readouterr().err


# ── load and eligible ────────────────────────────────────────────────────────────────────────────


def test_load_keeps_the_good_lists_the_bad_and_may_be_run_again(say: Said, tmp_path: Path) -> None:
    write("good.json", GOLDEN[0][1])
    write("bad.json", {"resourceType": "Observation", "id": "o", "status": "nope", "code": {"text": "x"}})
    code, printed, told = say("load", "good.json", "bad.json", "--store", "x.db", "--report", "refused.txt")
    assert (code, printed) == (1, "3 resources loaded, 0 unchanged, 1 items refused\n")
    assert "refused.txt" in told
    (line,) = (tmp_path / "refused.txt").read_text(encoding="utf-8").splitlines()
    assert line.startswith("bad.json:1: Observation.status: ")
    assert say("load", "good.json", "--store", "x.db")[:2] == (0, "0 resources loaded, 3 unchanged, 0 items refused\n")


def test_eligible_lists_who_should_have_a_plan(say: Said) -> None:
    write("a.json", GOLDEN[0][1])
    write("d.json", person("dd", "1966-11-22", ("T90", "2010-01-01"), ("K75", "2025-01-01"), practice="clinic-other"))
    say("load", "a.json", "d.json", "--store", "x.db")
    code, printed, told = say("eligible", "--store", "x.db", "--on", "2026-11-22", "--json")
    assert code == 0
    assert {(one["patient"], one["plan"]) for one in objects(printed)} == {
        ("Patient/a", "diabetes"),
        ("Patient/dd", "diabetes"),
        ("Patient/dd", "heart"),
    }
    assert "2 patients, 3 plans; turned down: 0 plans" in told
    assert all(one["says"] for one in objects(printed))
    _, printed, _ = say("eligible", "--store", "x.db", "--clinic", "Organization/clinic-own", "--on", "2026-11-22")
    assert printed.splitlines()[0].startswith("Patient/a ")
    assert "Type 2-diabetes (T90)" in printed
    assert len(printed.splitlines()) == 1


# ── generate ─────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(say: Said, tmp_path: Path) -> None:
    for out, seed in (("one", 7), ("two", 7), ("three", 8)):
        assert say("generate", "--patients", 10, "--seed", seed, "--out", out)[:2] == (0, f"11 bundles in {out}\n")
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()} == files
    assert {path.name: path.read_bytes() for path in (tmp_path / "three").iterdir()} != files


# ── check and serve ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Path, str]:
    """A knowledge folder with an unknown word, and the place where it stands."""
    folder = tmp_path / "knowledge"
    for name in ("measures", "facts", "targets", "plans", "questionnaires"):
        shutil.copytree(KNOWLEDGE / name, folder / name)
    path = folder / "targets" / "ldl.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if "at-least = 30" in line)
    lines[at] = lines[at].replace("at-least", "mindst")
    path.write_text("\n".join(lines), encoding="utf-8")
    return folder, f"targets/ldl.toml:{at + 1}"


def test_check_of_sound_knowledge_counts_it(say: Said) -> None:
    code, printed, _ = say("check")
    assert code == 0
    assert "66 rows" in printed and printed.endswith("3 plan types: no faults\n")


def test_check_names_file_and_line_of_a_fault(say: Said, broken: tuple[Path, str]) -> None:
    folder, place = broken
    code, printed, told = say("check", folder)
    assert (code, printed) == (1, "")
    assert place in told and "mindst" in told


def test_check_says_whose_the_faults_are_when_the_older_folder_has_them(say: Said, broken: tuple[Path, str]) -> None:
    folder, place = broken
    code, _, told = say("check", "--against", folder)
    assert code == 1 and told.startswith(f"careplan: {folder}, which --against names, has faults itself:\n{place}")


def test_serve_does_not_start_on_broken_knowledge_and_says_which_line(broken: tuple[Path, str], tmp_path: Path) -> None:
    folder, place = broken
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "CAREPLAN_KNOWLEDGE": str(folder), "CAREPLAN_STORE": str(tmp_path / "x.db")}
    command = [sys.executable, "-m", "careplan", "serve", "--port", str(port)]
    served = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert served.returncode != 0
    assert place in served.stderr
    assert not (tmp_path / "x.db").exists()


def test_serve_without_sign_in_listens_on_this_machine_only(say: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uvicorn.run", lambda *asked, **given: pytest.fail("it would have listened"))
    code, _, told = say("serve", "--host", "0.0.0.0", "--auth", "none")
    assert (code, "127.0.0.1 only, not on 0.0.0.0" in told) == (2, True)


def test_a_setting_that_cannot_be_is_named(say: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREPLAN_PAGE", "mange")
    code, _, told = say("check")
    assert (code, "setting CAREPLAN_PAGE" in told) == (2, True)


def test_a_store_that_cannot_be_opened_is_no_trace(say: Said, tmp_path: Path) -> None:
    code, _, told = say("eligible", "--store", tmp_path / "no" / "such" / "folder.db")
    assert (code, told.startswith("careplan: ")) == (1, True)
    (tmp_path / "odd.db").write_bytes(b"this is no database" * 100)
    code, _, told = say("eligible", "--store", tmp_path / "odd.db")
    assert (code, "Traceback" in told) == (1, False)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "odd.db").execute("SELECT * FROM version")


# ── demo ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_demo_s_clinic_is_made_anew_each_time(say: Said, tmp_path: Path) -> None:
    told: list[str] = []

    def tell(text: str, end: str = "\n") -> None:
        told.append(text)

    for _ in range(2):
        settings = prepare_demo(Settings(), None, 8, 1, date(2026, 11, 22), tell)
    assert settings.store == str(Path("demo") / "careplan-demo.db")
    assert re.search(r" ([0-9]+) of \1$", told[-1])
    code, printed, _ = say("eligible", "--store", tmp_path / settings.store, "--json", "--on", "2026-11-22")
    assert code == 0
    assert {one["state"] for one in objects(printed)} >= {"new"}
    with closing(sqlite3.connect(tmp_path / settings.store)) as file:
        newest = file.execute("SELECT max(number) FROM version WHERE type = 'Patient'").fetchone()
    assert newest == (1,)


# ── export ───────────────────────────────────────────────────────────────────────────────────────


def exported(folder: Path) -> list[str]:
    """References of what the manifest lists, in order; every file holds what is said of it."""
    found = []
    for output in json.loads((folder / "manifest.json").read_text())["output"]:
        lines = [json.loads(line) for line in (folder / output["url"]).read_text(encoding="utf-8").splitlines()]
        assert len(lines) == output["count"]
        found += [f"{one['resourceType']}/{one['id']}" for one in lines]
    return found


def test_export_writes_what_load_read(say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4-115, R4-116: by type, since an instant, and for a group; again in the same folder changes nothing."""
    monkeypatch.setenv("CAREPLAN_EXPORT_SETTLE", "0")
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
    group |= {"member": [{"entity": {"reference": "Patient/p2"}}]}
    files = [write(f"{id}.json", person(id, "1950-01-01", ("T90", "2020-01-01"))) for id in ("p1", "p2")]
    say("load", *files, write("g.json", group), "--store", "x.db")

    code, printed, told = say("export", "--store", "x.db", "--out", "some", "--type", "Condition", "--type", "Patient")
    assert (code, exported(tmp_path / "some")) == (
        0,
        ["Patient/p1", "Patient/p2", "Condition/p1-T90", "Condition/p2-T90"],
    )
    as_of = json.loads((tmp_path / "some" / "manifest.json").read_text())["transactionTime"]
    assert printed == f"4 resources in 2 files in some, as of {as_of}\n"
    assert f"--since {as_of}" in told
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "some").iterdir()} == {0o600}

    before = {one.name: one.read_bytes() for one in (tmp_path / "some").iterdir()}
    code, again, _ = say("export", "--store", "x.db", "--out", "some", "--type", "Condition", "--type", "Patient")
    assert (code, again) == (0, printed)
    assert {one.name: one.read_bytes() for one in (tmp_path / "some").iterdir()} == before

    assert say("export", "--store", "x.db", "--out", "later", "--since", as_of)[0] == 0
    assert exported(tmp_path / "later") == []
    assert say("export", "--store", "x.db", "--out", "group", "--group", "Group/g", "--type", "Patient")[0] == 0
    assert exported(tmp_path / "group") == ["Patient/p2"]


def test_export_refuses_a_folder_of_something_else_and_what_it_does_not_know(say: Said, tmp_path: Path) -> None:
    """R4-116: nothing of somebody else's is written over."""
    Path("own").mkdir()
    write("own/Patient-1.ndjson", {"mine": True})
    for asked, says in {
        ("--out", "own"): "own holds something else than an export",
        ("--out", "new", "--type", "Foo"): "Foo is not a type here",
        ("--out", "new", "--since", "yesterday"): "_since is an instant",
        ("--out", "new", "--group", "none"): "Group/none does not exist",
    }.items():
        code, _, told = say("export", "--store", "x.db", *asked)
        assert (code, says in told) == (1, True), told
    assert [one.name for one in (tmp_path / "own").iterdir()] == ["Patient-1.ndjson"]
    assert not (tmp_path / "new").exists()


def test_an_export_of_something_else_is_not_gone_on_with(say: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4-116"""
    monkeypatch.setenv("CAREPLAN_EXPORT_SETTLE", "0")
    assert say("export", "--store", "x.db", "--out", "one", "--type", "Patient")[0] == 0
    code, _, told = say("export", "--store", "x.db", "--out", "one", "--type", "Goal")
    assert (code, "asked for differently" in told) == (1, True)


def test_a_killed_export_goes_on_where_it_stopped(say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4-115: `kill -9` in the middle, the same command again: complete, and nothing twice."""
    monkeypatch.setenv("CAREPLAN_EXPORT_SETTLE", "0")
    monkeypatch.setenv("CAREPLAN_PAGE_MAXIMUM", "5")
    entries = [{"resource": {"resourceType": "Organization", "id": f"o{n:04}", "name": "x"}} for n in range(2000)]
    say(
        "load", write("all.json", {"resourceType": "Bundle", "type": "collection", "entry": entries}), "--store", "x.db"
    )
    asked = ["export", "--store", "x.db", "--out", "killed", "--type", "Organization"]
    progress = tmp_path / "killed" / "progress.json"
    with subprocess.Popen([sys.executable, "-m", "careplan", *asked], cwd=tmp_path, stderr=subprocess.DEVNULL) as going:
        while going.poll() is None and (not progress.exists() or '"count":' not in progress.read_text()):
            time.sleep(0.001)
        going.kill()
    assert going.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "manifest.json").exists()
    stopped = json.loads(progress.read_text())["parts"][0]["count"]
    assert 0 < stopped < 2000
    code, printed, _ = say(*asked)
    assert (code, printed.startswith("2000 resources in 1 files")) == (0, True)
    assert exported(tmp_path / "killed") == [f"Organization/o{n:04}" for n in range(2000)]


def test_export_help_teaches(say: Said, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        say("export", "--help")
    printed = capsys.readouterr().out
    for word in ("--since 2026-11-22T09:00:00.000Z", "manifest.json", "give the same command again", "personal data"):
        assert word in printed
