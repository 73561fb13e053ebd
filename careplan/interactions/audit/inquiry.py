"""All access to one person, or by one user: what is asked first when somebody may have looked who should not.

Answers from the log itself, not from what the service shows of it. Every record is read: what the store finds them by
may have been taken away by whoever has something to hide. docs/runbook-breach.md
"""

from collections.abc import AsyncIterator

from careplan.fhir.text import Json
from careplan.interactions.audit.record import agents_of, entries_of
from careplan.interactions.audit.shelf import records
from careplan.store.protocol import Store

ENDED = {"0": "allowed", "4": "refused", "8": "failed"}


async def entries_about(store: Store, patient: str | None, user: str | None) -> AsyncIterator[tuple[str, Json]]:
    """(id, entry), newest first; of both where both are given.

    patient  logical id
    user     reference, subject or client: `PractitionerRole/x`; a command of the installation: `careplan load`; or the
             address that somebody unknown came from
    """
    async for record in records(store):
        for place, entry in reversed(list(entries_of(record.body or b""))):
            of_user = user is None or user in agents_of(entry) or user == entry.get("by")
            if of_user and (patient is None or patient in entry["of"]):
                yield f"{record.id}..{place}", entry


def line_of_entry(entry: Json, patient: str | None) -> str:
    """One entry as a line of tab-separated columns: when, who, for whom they act, why, what, whose, how it ended."""
    agents = " ".join(str(entry[name]) for name in ("who", "sub", "client", "by", "from") if entry.get(name))
    org = f"Organization/{entry['org']}" if entry.get("org") else "-"
    what = " ".join(str(entry[name]) for name in ("do", "made", "ask", "said") if entry.get(name))
    people = [patient] if patient else list(entry["of"])
    whose = "; ".join(" ".join([f"Patient/{one}", *entry["of"][one]]) for one in people) or "-"
    ended = ENDED.get(str(entry["out"]), str(entry["out"]))
    return "\t".join([entry["at"], agents or "-", entry["role"], org, entry.get("why", "-"), what, ended, whose])
