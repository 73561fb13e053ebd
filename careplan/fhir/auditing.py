"""An entry of the audit log as AuditEvents: one for each person it touches, so that nobody reads of anybody else.

Signing in and out, and being refused, touches nobody: that is one event, which no patient's record holds.

Patients read who in the sense of the law: organisation and role, date and purpose, not the employee (CJEU C-579/21).
Not here: how the log is kept and chained (`careplan.interactions.audit`). https://hl7.org/fhir/R4/auditevent.html
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from careplan.fhir import systems
from careplan.fhir.text import Json

Entry: TypeAlias = Mapping[str, Any]
"""at, role, org, who, sub, client, from (an address), why, do, made, ask, said, of (patient → references), out: absent
where there is none."""

OBSERVER = "Forløbsplan"

_INTERACTIONS = frozenset(
    "read vread history-instance history-type history-system search-type search-system create update patch delete "
    "transaction batch operation".split()
)
_ACTIONS = {"c": "C", "u": "U", "d": "D"}
_AUTHENTICATIONS = {"sign-in": ("110122", "Login"), "token": ("110122", "Login"), "sign-out": ("110123", "Logout")}
"""What was done about who one is. https://dicom.nema.org/medical/dicom/current/output/chtml/part16/sect_CID_403.html"""
_IP_ADDRESS = "2"


def audit_event(entry: Entry, patient: str | None, id: str, *, named: bool) -> Json:
    """The AuditEvent of one person; of nobody where an entry touches none.

    named  whether it says which employee it was; else the organisation and the role
    """
    event: Json = {
        "resourceType": "AuditEvent",
        "id": id,
        "meta": {"versionId": "1", "lastUpdated": entry["at"]},
        "type": _type(entry),
        "subtype": [_subtype(entry)],
        "action": _action(entry),
        "recorded": entry["at"],
        "outcome": entry["out"],
    }
    if entry.get("said"):
        event["outcomeDesc"] = entry["said"]
    if entry.get("why"):
        event["purposeOfEvent"] = [{"coding": [{"system": systems.ACT_REASON, "code": entry["why"]}]}]
    event["agent"] = _agents(entry, named=named)
    event["source"] = {"observer": {"display": OBSERVER}}
    if patient is not None:
        event["entity"] = _entities(entry, patient)
    return event


def is_page(entry: Entry) -> bool:
    """Whether it was on one of our own pages, by a person."""
    return str(entry["do"]).partition("/")[0] in ("page", "print")


def _type(entry: Entry) -> Json:
    if entry["do"] in _AUTHENTICATIONS:
        return {"system": systems.DCM, "code": "110114", "display": "User Authentication"}
    if is_page(entry) or str(entry["do"]).startswith(("hook", "load")):
        return {"system": systems.DCM, "code": "110110", "display": "Patient Record"}
    return {"system": systems.AUDIT_TYPE, "code": "rest", "display": "RESTful Operation"}


def _subtype(entry: Entry) -> Json:
    kind, _, what = str(entry["do"]).partition("/")
    if kind in _AUTHENTICATIONS:
        code, display = _AUTHENTICATIONS[kind]
        return {"system": systems.DCM, "code": code, "display": display}
    if kind.startswith("$"):
        return {"system": systems.INTERACTION, "code": "operation", "display": kind}
    if kind in _INTERACTIONS:
        return {"system": systems.INTERACTION, "code": kind}
    return {"system": systems.ACCESS, "code": kind or "access"} | ({"display": what} if what else {})


def _action(entry: Entry) -> str:
    """The gravest of what was done: delete, update, create, else read, or execute for searches and operations."""
    made = next((_ACTIONS[one] for one in "duc" if one in entry.get("made", "")), "")
    executed = str(entry["do"]).startswith(("search", "operation", "$", "export", "hook", *_AUTHENTICATIONS))
    return made or ("E" if executed else "R")


def _agents(entry: Entry, *, named: bool) -> list[Json]:
    role: Json = {"coding": [{"system": systems.CALLER_ROLE, "code": entry["role"]}]}
    who, org = entry.get("who"), entry.get("org")
    agent: Json = {"requestor": True} if entry["role"] == "unknown" else {"role": [role], "requestor": True}
    if entry.get("from"):
        agent["network"] = {"address": entry["from"], "type": _IP_ADDRESS}
    staff = entry["role"] != "patient"
    if who and (named or not staff):
        agent["who"] = {"reference": who}
    elif org:
        agent["who"] = {"reference": f"Organization/{org}"}
    elif entry.get("by"):
        agent["who"] = {"display": entry["by"]}
    if named and entry.get("sub"):
        agent["altId"] = entry["sub"]
    if entry.get("why"):
        agent["purposeOfUse"] = [{"coding": [{"system": systems.ACT_REASON, "code": entry["why"]}]}]
    agents = [agent]
    if org and named and who:
        agents.append({"who": {"reference": f"Organization/{org}"}, "requestor": False})
    if entry.get("client"):
        agents.append({"altId": entry["client"], "requestor": False})
    return agents


def _entities(entry: Entry, patient: str) -> list[Json]:
    """The person; what of the record it was; what was searched by, never for."""
    person = f"Patient/{patient}"
    found: list[Json] = [_entity(person, "1", "1")]
    found += [_entity(one, "2", "4") for one in entry["of"].get(patient, ()) if one != person]
    if entry.get("ask"):
        type_name, _, names = str(entry["ask"]).partition("?")
        query: Json = {"type": _coding(systems.AUDIT_ENTITY, "2"), "role": _coding(systems.OBJECT_ROLE, "24")}
        query["name"] = type_name or "all types"
        if names:
            query["detail"] = [{"type": "parameters", "valueString": names.replace("&", ", ")}]
        found.append(query)
    return found


def _entity(reference: str, kind: str, role: str) -> Json:
    return {
        "what": {"reference": reference},
        "type": _coding(systems.AUDIT_ENTITY, kind),
        "role": _coding(systems.OBJECT_ROLE, role),
    }


def _coding(system: str, code: str) -> Json:
    return {"system": system, "code": code}
