"""`make audit`: known faults in what we depend on, by pip-audit; says plainly when nobody could be asked.

Exit codes: 0 nothing is known against any of it, 1 something is, 2 nothing was checked. A check that did not take place
is not one that was passed, so that `make test-extended` stops there too. https://github.com/pypa/pip-audit
"""

import subprocess
import sys
from pathlib import Path

FOUND, UNCHECKED = 1, 2
SERVICES = ("osv", "pypi")
_REPORTS = "Found "


def audit(requirements: Path) -> int:
    """Ask one service after the other, until one answers."""
    for service in SERVICES:
        asked = subprocess.run(_command(requirements, service), capture_output=True, text=True)
        if asked.returncode == 0 or (asked.returncode == FOUND and _REPORTS in asked.stderr):
            sys.stdout.write(asked.stdout)
            sys.stderr.write(asked.stderr)
            return asked.returncode
        reason = asked.stderr.strip().splitlines()[-1:] or ["no answer"]
        sys.stderr.write(f"audit: the service {service} could not be asked: {reason[0][:200]}\n")
    sys.stderr.write(f"audit: no service answers from here, so NOTHING was checked of {requirements}\n")
    return UNCHECKED


def _command(requirements: Path, service: str) -> list[str]:
    """Every version is pinned in the file, so nothing is resolved or installed.

    A mirror that keeps no faults says of each package that it does not know it, which is no all-clear: `--strict`.
    """
    given = ["--requirement", str(requirements), "--no-deps", "--disable-pip", "--strict", "--progress-spinner", "off"]
    return [sys.executable, "-m", "pip_audit", *given, "--vulnerability-service", service, "--timeout", "15"]


if __name__ == "__main__":
    sys.exit(audit(Path(sys.argv[1])))
