"""The commands about the audit log: verify it, and ask who has looked. They open the store alone, served or not."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from careplan.app import check_there, open_store
from careplan.domain.errors import CareplanError
from careplan.interactions.audit.inquiry import entries_about, line_of_entry
from careplan.interactions.audit.spool import SEGMENT
from careplan.interactions.audit.verification import Verified, verify
from careplan.settings import Settings
from careplan.store.protocol import Store

Seal = dict[str, tuple[int, str]]


class SealFaulty(CareplanError):
    """The file is no seal of an audit log."""

    code = "seal-faulty"


def verify_audit(parsed: argparse.Namespace, settings: Settings) -> int:
    """`careplan verify-audit`: 1 where there is any fault. Raises StoreUnavailable, SealFaulty."""
    verified = asyncio.run(verify_store(settings, read_seal(parsed.seal), _tell_records))
    for fault in verified.faults:
        _say(fault)
    _say(summary_of(verified))
    if parsed.seal and not verified.faults:
        write_seal(parsed.seal, verified)
    return 1 if verified.faults else 0


def audit(parsed: argparse.Namespace, settings: Settings) -> int:
    """`careplan audit`: 2 where it is not said whose record, nor who looked. Raises StoreUnavailable."""
    if not parsed.patient and not parsed.user:
        sys.stderr.write("careplan: say whose record (--patient ID), or who looked (--user REF), or both\n")
        return 2
    count = asyncio.run(list_access(settings, parsed.patient, parsed.user, _say))
    sys.stderr.write(f"{count} accesses\n")
    if waiting := count_waiting(settings):
        sys.stderr.write(f"{_waiting(waiting)}; they are not among these\n")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _tell_records(done: int) -> None:
    if done % 1000 == 0 and sys.stderr.isatty():
        sys.stderr.write(f"\r{done} records")
        sys.stderr.flush()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    check_there(settings)
    store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


async def verify_store(settings: Settings, seal: Seal, tell: Callable[[int], None]) -> Verified:
    """Every fault of the log, by an earlier seal too. Raises StoreUnavailable."""
    async with _opened(settings) as store:
        verified = await verify(store, seal, tell)
    verified.waiting = count_waiting(settings)
    return verified


def count_waiting(settings: Settings) -> int:
    """Files of entries that are not in the store yet."""
    return len(list(settings.journal().glob(f"*{SEGMENT}"))) if settings.store != ":memory:" else 0


def _waiting(count: int) -> str:
    return f"{count} files of entries wait on disk; the service stores them when it starts"


async def list_access(settings: Settings, patient: str | None, user: str | None, say: Callable[[str], None]) -> int:
    """Say every access to a patient, or by a user, newest first; how many there were. Raises StoreUnavailable."""
    count = 0
    whose = patient.removeprefix("Patient/") if patient else None
    async with _opened(settings) as store:
        async for id, entry in entries_about(store, whose, user):
            say(f"{id}\t{line_of_entry(entry, whose)}")
            count += 1
    return count


def summary_of(verified: Verified) -> str:
    """How much was checked, and what the log cannot tell of itself."""
    lines = [
        f"{verified.entries} entries in {verified.records} records of {len(verified.lanes)} chains checked: "
        f"{len(verified.faults) or 'no'} faults"
    ]
    if verified.open_lanes:
        lines.append(
            f"{len(verified.open_lanes)} chains are not closed: of processes that run now or were killed. Whether the "
            "newest records of these were cut off, only a seal kept elsewhere can tell (--seal)"
        )
    if verified.waiting:
        lines.append(_waiting(verified.waiting))
    if not verified.sealed:
        lines.append("no seal: a log that is cut or gone is not found; keep one elsewhere (--seal)")
    return "\n".join(lines)


def read_seal(path: Path | None) -> Seal:
    """The heads that a file holds; none where there is no file yet. Raises SealFaulty."""
    if path is None or not path.exists():
        return {}
    try:
        told = json.loads(path.read_text("utf-8"))
        return {str(lane): (int(number), str(head)) for lane, (number, head) in told.items()}
    except (ValueError, TypeError, AttributeError):
        raise SealFaulty(f"{path} is no seal of an audit log; name the file that --seal wrote") from None


def write_seal(path: Path, verified: Verified) -> None:
    """Keep the heads of all chains; on another machine they are worth the most."""
    path.write_text(json.dumps(verified.seal, indent=1) + "\n", encoding="utf-8")
