"""The search for person numbers finds them wherever the service may not emit them, and fails the run."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from emitted import Emitted

TESTS = Path(__file__).resolve().parent
CPR = "1203589990"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": f"no {CPR} here"}]}

LEAKS = {
    "header": httpx.Response(200, headers={"location": f"/fhir/Patient/{CPR}"}),
    "refusal": httpx.Response(404, text=f"there is no {CPR}"),
    "outcome among matches": httpx.Response(200, json={"entry": [{"resource": OUTCOME}]}),
    "link": httpx.Response(200, json={"link": [{"url": f"http://x/fhir/Patient?identifier=120358-{CPR[6:]}"}]}),
    "full address": httpx.Response(200, json={"entry": [{"fullUrl": f"http://x/fhir/Patient/{CPR}"}]}),
    "form of a page": httpx.Response(200, text=f'<form action="/patient/{CPR}">'),
    "title of a page": httpx.Response(200, text=f"<title>{CPR} · Forløbsplan</title>"),
}
HARMLESS = {
    "the record itself": httpx.Response(200, json={"resourceType": "Patient", "identifier": [{"value": CPR}]}),
    "the text of a page": httpx.Response(200, text=f"<title>Anna</title><p>{CPR}</p>"),
    "an instant": httpx.Response(200, headers={"x-at": "1732266000", "date": "Sun, 22 Nov 2026 09:00:00 GMT"}),
    "an id of ours": httpx.Response(200, headers={"location": "/fhir/Goal/0190163d-8694-739b-aea5-966c26f8ad91"}),
}


@pytest.mark.parametrize("answer", LEAKS.values(), ids=LEAKS)
def test_a_person_number_that_an_answer_may_not_hold_is_found(answer: httpx.Response) -> None:
    emitted = Emitted()
    emitted.look_at_answer(answer)
    (number,) = emitted.found.values()
    assert number == "12…90"


@pytest.mark.parametrize("answer", HARMLESS.values(), ids=HARMLESS)
def test_what_an_answer_may_hold_is_not_held_against_it(answer: httpx.Response) -> None:
    emitted = Emitted()
    emitted.look_at_answer(answer)
    assert emitted.found == {} and emitted.looked > 0


RUNS = {
    "nothing": ("pass", 0),
    "a log": ("import logging; logging.getLogger('careplan.api').warning('%s asked', '{cpr}')", 1),
    "a log of the server": ("import logging; logging.getLogger('uvicorn.error').error('GET /{cpr}')", 1),
    "what was raised": (
        "import logging\n    try:\n        raise ValueError('{cpr}')\n"
        "    except ValueError:\n        logging.getLogger('careplan').exception('it ended')",
        1,
    ),
    "a process": (
        "import subprocess, sys\n    with open('served.log', 'wb') as output:\n"
        "        subprocess.run([sys.executable, '-c', 'print(\"{cpr}\")', 'careplan'], stdout=output)",
        1,
    ),
    "a process read by a pipe": (
        "import subprocess, sys\n"
        "    subprocess.run([sys.executable, '-c', 'print(\"{cpr}\")', 'careplan'], capture_output=True)",
        1,
    ),
    "a command in this process": ("from careplan import cli; cli._say('{cpr}')", 1),
    "what a command tells beside it": ("from careplan import auditing; auditing._say('{cpr}')", 1),
    "a log that stays with its server": (
        "import logging; log = logging.getLogger('uvicorn.access'); log.propagate = False\n"
        "    log.addHandler(logging.NullHandler()); log.warning('GET /{cpr}')",
        1,
    ),
    "an answer": (
        "import httpx\n    to = httpx.MockTransport(lambda asked: httpx.Response(200, headers={{'etag': '{cpr}'}}))\n"
        "    httpx.Client(transport=to).get('http://x/')",
        1,
    ),
}


@pytest.mark.parametrize(("does", "exit_code"), RUNS.values(), ids=RUNS)
def test_a_run_whose_tests_all_pass_fails_for_it(tmp_path: Path, does: str, exit_code: int) -> None:
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(TESTS)!r})\nfrom emitted import Watch\n"
        "def pytest_configure(config):\n    config.pluginmanager.register(Watch())\n"
    )
    (tmp_path / "test_x.py").write_text(f"def test_x():\n    {does.format(cpr=CPR)}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    run = subprocess.run([*command, "test_x.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == exit_code, run.stdout + run.stderr
    assert "1 passed" in run.stdout and ("person numbers" in run.stdout) == bool(exit_code)
    assert CPR not in run.stdout.rpartition("person numbers")[2]
