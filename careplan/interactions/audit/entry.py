"""One entry of the audit log: who, for whom, in which role, why, what, and how it ended. Names and ids, never values.

Staff are named by reference and never by name; who reads an entry later finds the name where it is kept.
https://hl7.org/fhir/R4/auditevent.html · design §7
"""

import json.encoder
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from careplan.fhir.instant import instant_text
from careplan.fhir.reference import CPR
from careplan.interactions.audit.record import Entry, agents_of
from careplan.interactions.caller import Caller
from careplan.interactions.trail import Trail

UNKNOWN = "unknown"
"""The role of somebody who was not let in."""

_text = json.encoder.encode_basestring_ascii
"""A text as JSON; a read has a few microseconds for its entry."""


def entry_from_trail(caller: Caller, at: datetime, trail: Trail, outcome: str) -> Entry:
    """What a trail comes to: whoever was met in it and is not in the log already."""
    touched = trail.touched
    if trail.kept or trail.asked or trail.made or outcome != "0":
        touched = {
            patient: some for patient, some in touched.items() if patient not in trail.kept and not CPR.search(patient)
        }
    told, agents = _told(caller)
    asked = f',"ask":{_text(trail.asked)}' if trail.asked else ""
    asked += f',"made":"{trail.made}"' if trail.made else ""
    of = ",".join([f"{_text(patient)}:[{','.join(map(_text, some))}]" for patient, some in touched.items()])
    text = f'"at":"{instant_text(at)}",{told},"do":{_text(trail.act)}{asked},"of":{{{of}}},"out":"{outcome}"'
    return Entry(at, text, tuple(touched), agents)


@lru_cache(maxsize=4096)
def _told(caller: Caller) -> tuple[str, tuple[str, ...]]:
    """The members that say who acts, and what that agent is found by."""
    members = {
        "role": caller.role,
        "org": caller.organization,
        "who": caller.reference,
        "sub": caller.subject,
        "client": caller.client,
        "why": caller.purpose,
        "by": caller.name if caller.role == "system" else "",
    }
    found = {name: value for name, value in members.items() if value}
    return _members(found), agents_of(found)


def _members(found: Mapping[str, str]) -> str:
    """Members of an entry as JSON, without braces."""
    return json.dumps(found, separators=(",", ":"))[1:-1]


def entry_of_arrival(caller: Caller, at: datetime, act: str) -> Entry:
    """Somebody signed in, or out; it is about no record."""
    told, agents = _told(caller)
    return Entry(at, f'"at":"{instant_text(at)}",{told},"do":{_text(act)},"of":{{}},"out":"0"', (), agents)


def entry_of_stranger(at: datetime, act: str, source: str, said: str) -> Entry:
    """Somebody was not let in, and nobody knows who: from where, and why, in words of our own."""
    found = {"role": UNKNOWN} | ({"from": source} if source else {})
    told = f'{_members(found)},"do":{_text(act)},"said":{_text(said)}'
    return Entry(at, f'"at":"{instant_text(at)}",{told},"of":{{}},"out":"4"', (), agents_of(found))
