"""`make audit` passes nothing that was not checked."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("audit_dependencies.py")

SAID = {
    "nothing known": ("sys.exit(0)", 0, ""),
    "a fault": ("print('x 1.0 CVE-1'); sys.stderr.write('Found 1 known vulnerability\\n'); sys.exit(1)", 1, "Found 1"),
    "out of reach": ("sys.stderr.write('ConnectionError: no\\n'); sys.exit(1)", 2, "NOTHING was checked"),
    "a mirror that knows nothing": (
        "sys.stderr.write('not found and could not be audited\\n'); sys.exit(1)",
        2,
        "NOTHING",
    ),
    "the first out of reach": ("sys.exit(0 if 'pypi' in sys.argv else 1)", 0, "osv could not be asked"),
}


@pytest.mark.parametrize(("does", "exit_code", "says"), SAID.values(), ids=SAID)
def test_its_exit_code_says_whether_anything_was_checked(tmp_path: Path, does: str, exit_code: int, says: str) -> None:
    (tmp_path / "pip_audit.py").write_text(f"import sys\n{does}\n")
    command = [sys.executable, str(SCRIPT), "constraints.txt"]
    run = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert run.returncode == exit_code and says in run.stderr
