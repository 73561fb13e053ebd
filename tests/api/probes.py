"""Every row of the table of access: what is asked of the service, and how its answer is read.

A row may ask several things; whoever asks gets the same answer to all of them, or the table is too coarse.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from relations import (
    BASE,
    CLINIC,
    ELSEWHERE,
    EVENT,
    EXCLUDED,
    PATIENT,
    QUESTION,
    WORK,
    Relation,
    examples,
    population,
)

from careplan.api.hook import SERVICE
from careplan.fhir import registry, systems
from careplan.interactions.access import OPEN, SLICE
from careplan.interactions.slice import PARTLY

Json = Any
FORM = "application/x-www-form-urlencoded"
SEES, NOTHING, REFUSED, SIGN_IN, MAY, ABSENT = "sees", "nothing", "refused", "sign in", "may", "not found"

EXAMPLES = {one["resourceType"]: one for one in examples()}

PUBLISHED = tuple(one.name for one in registry.ROWS if one.read_only and one.name in OPEN)
"""Types that the service publishes itself, the same for everybody."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Patient and slice": tuple(sorted(SLICE - OPEN - PARTLY)),
    "a referral to somebody else, and its case": tuple(sorted(PARTLY)),
    "rest of the record": tuple(
        one.name
        for one in registry.ROWS
        if one.name not in SLICE and one.compartment and one.name not in ("MeasureReport", registry.LOG)
    ),
    "no patient's (MeasureReport)": ("MeasureReport",),
    "open": tuple(one.name for one in registry.ROWS if one.name in OPEN and not one.read_only),
}
"""Every type that is written, by what a role may have of it; `test_every_type_is_in_a_group`."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request; `body` is made for whoever asks, a str is a form."""

    method: str
    path: str
    body: Callable[[Relation], Json] | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    covers   routes as `GET /fhir/{type}`, and operations as `POST Patient/[id]/$overview`
    changes  each of its requests is made on a copy of its own
    """

    section: str
    says: str
    covers: Sequence[str]
    cases: Sequence[Case]
    judge: Callable[[httpx.Response], str]
    changes: bool = False
    page: bool = field(default=False)


# ── how an answer is read ────────────────────────────────────────────────────────────────────────


def seen(answer: httpx.Response) -> str:
    """Whether a bundle holds something, or a resource was shown."""
    if answer.status_code in (401, 403, 404):
        return {401: SIGN_IN, 403: REFUSED, 404: ABSENT}[answer.status_code]
    if answer.status_code == 400 and "there is no type to search here" in answer.text:
        return REFUSED
    assert answer.status_code in (200, 202), (answer.request.method, str(answer.request.url), answer.text[:400])
    value = answer.json() if answer.content else {}
    if value.get("resourceType") != "Bundle":
        return SEES
    shown = [one for one in value.get("entry", ()) if one.get("resource", {}).get("resourceType") != "OperationOutcome"]
    return SEES if shown else NOTHING


def about_inger(answer: httpx.Response) -> str:
    """The same, of an answer that may hold others as well: whether it holds something of hers."""
    known = seen(answer)
    if known != SEES:
        return known
    entries = answer.json().get("entry", ())
    return SEES if any(PATIENT in json.dumps(one.get("resource", {})) for one in entries) else NOTHING


def done(answer: httpx.Response) -> str:
    """Whether a change was made."""
    if answer.status_code in (401, 403):
        return {401: SIGN_IN, 403: REFUSED}[answer.status_code]
    assert answer.status_code in (200, 201, 202, 204), (str(answer.request.url), answer.status_code, answer.text[:600])
    return MAY


def entry(answer: httpx.Response) -> str:
    """What became of the one entry of a batch."""
    if answer.status_code == 401:
        return SIGN_IN
    assert answer.status_code == 200, answer.text[:400]
    (one,) = answer.json()["entry"]
    status = one["response"]["status"][:3]
    assert status in ("200", "403"), one
    return SEES if status == "200" else REFUSED


def published(answer: httpx.Response) -> str:
    """What holds nothing of anybody's."""
    if answer.status_code in (401, 403):
        return {401: SIGN_IN, 403: REFUSED}[answer.status_code]
    return SEES


def cards(answer: httpx.Response) -> str:
    """A hook about somebody unknown asks for more (412), as for somebody the caller may not see."""
    if answer.status_code == 412:
        return NOTHING
    if answer.status_code in (401, 403):
        return {401: SIGN_IN, 403: REFUSED}[answer.status_code]
    assert answer.status_code == 200, answer.text[:400]
    return SEES


def page(answer: httpx.Response) -> str:
    """A page about Inger: opened, refused, or a way to the sign-in."""
    if answer.status_code == 303 and answer.headers["location"].startswith("/?"):
        return SIGN_IN
    if answer.status_code in (403, 404):
        return {403: REFUSED, 404: ABSENT}[answer.status_code]
    assert answer.status_code in (200, 303, 409, 422, 400), (str(answer.request.url), answer.status_code)
    return SEES


def listing(answer: httpx.Response) -> str:
    """A page that lists people: whether Inger is among them."""
    known = page(answer)
    return known if known != SEES else SEES if "Inger" in answer.text else NOTHING


def own_plan(answer: httpx.Response) -> str:
    """The plan of whoever is signed in, or of whom they act for: whether it is Inger's."""
    known = page(answer)
    return known if known != SEES else SEES if "/plan/maaling/hba1c" in answer.text else NOTHING


# ── FHIR ─────────────────────────────────────────────────────────────────────────────────────────


def _reads(types: Sequence[str]) -> Iterator[Case]:
    for name in types:
        address = f"/fhir/{name}/{EXAMPLES[name]['id']}"
        for path in (address, f"{address}/_history/1", f"{address}/_history"):
            yield Case("GET", path)


def _searches(types: Sequence[str]) -> Iterator[Case]:
    for name in types:
        asked = f"_id={EXAMPLES[name]['id']}&_total=accurate"
        yield Case("GET", f"/fhir/{name}?{asked}")
        yield Case("POST", f"/fhir/{name}/_search", lambda _, asked=asked: asked, FORM)


def _histories(types: Sequence[str]) -> Iterator[Case]:
    for name in types:
        yield Case("GET", f"/fhir/{name}/_history?_count=500")


def _compartments(types: Sequence[str]) -> Iterator[Case]:
    """Of the types of which some may be seen, the example alone is asked for."""
    for name in types:
        asked = f"_id={EXAMPLES[name]['id']}" if name in PARTLY else ""
        if registry.row(name).compartment:
            yield Case("GET", f"/fhir/Patient/{PATIENT}/{name}?{asked}".rstrip("?"))
            yield Case("POST", f"/fhir/Patient/{PATIENT}/{name}/_search", lambda _, asked=asked: asked, FORM)


def _of_type(rows: list[Row]) -> None:
    for group, types in GROUPS.items():
        rows.append(
            Row(
                "Reading",
                f"read, vread, history of one: {group}",
                ("GET /fhir/{type}/{id}", "GET /fhir/{type}/{id}/_history/{number}", "GET /fhir/{type}/{id}/_history"),
                tuple(_reads(types)),
                seen,
            )
        )
        covers = ("GET /fhir/{type}", "POST /fhir/{type}/_search")
        rows.append(Row("Reading", f"search: {group}", covers, tuple(_searches(types)), seen))
        histories = tuple(_histories(types))
        rows.append(
            Row(
                "Reading",
                f"history of a type: {group}",
                ("GET /fhir/{type}/_history",),
                histories,
                about_inger if group != "open" else seen,
            )
        )
        if any(registry.row(name).compartment for name in types):
            covers = ("GET /fhir/{type}/{id}/{member}", "POST /fhir/{type}/{id}/{member}/_search")
            rows.append(Row("Reading", f"search in the record: {group}", covers, tuple(_compartments(types)), seen))


OWN = ("ServiceRequest/henvist-aktiv", "Task/sag-aktiv")
CLINICS = (f"Task/{QUESTION}", *(f"Task/klinikkens-{one}" for one in WORK))


def _of_slice(rows: list[Row]) -> None:
    """What a receiver sees of the types of which it sees some, and what not."""
    for says, references in (("the referral of who is referred to, its case", OWN), ("the clinic's own work", CLINICS)):
        addresses = [f"/fhir/{one}{more}" for one in references for more in ("", "/_history/1", "/_history")]
        named = [one.split("/") for one in references]
        searches = [f"/fhir/{kind}?_id={id}&_total=accurate" for kind, id in named]
        searches += [f"/fhir/Patient/{PATIENT}/{kind}?_id={id}" for kind, id in named]
        rows.append(Row("Reading", f"read, vread, history of one: {says}", (), _gets(addresses), seen))
        rows.append(Row("Reading", f"search, search in the record: {says}", (), _gets(searches), seen))


def _gets(addresses: Sequence[str]) -> tuple[Case, ...]:
    return tuple(Case("GET", one) for one in addresses)


def _log(rows: list[Row]) -> None:
    cases = (Case("GET", f"/fhir/{registry.LOG}"), Case("GET", f"/fhir/Patient/{PATIENT}/{registry.LOG}"))
    address = f"/fhir/{registry.LOG}/{EVENT}"
    read = tuple(Case("GET", one) for one in (address, f"{address}/_history/1", f"{address}/_history"))
    rows.append(Row("Reading", "read, vread, history of one AuditEvent about the patient", (), read, seen))
    rows.append(Row("Reading", "who has looked (AuditEvent): may it be searched", (), cases, asked_at_all))


def asked_at_all(answer: httpx.Response) -> str:
    """Whether a search is let in, whatever it finds."""
    known = seen(answer)
    return MAY if known in (SEES, NOTHING) else known


def clinical(relation: Relation) -> Json:
    """A value that the own clinic measured."""
    return {**EXAMPLES["Observation"], "language": "da"}


def spoken(relation: Relation) -> str:
    """What a caller names as the one who speaks."""
    caller = relation.caller
    if caller is None:
        return f"Patient/{PATIENT}"
    if caller.role == "patient" and str(caller.reference).startswith("RelatedPerson/"):
        return str(caller.reference)
    if caller.role == "patient":
        return f"Patient/{caller.patient}"
    return f"Organization/{caller.organization}"


def own_value(relation: Relation) -> Json:
    """A value that whoever asks has measured: no laboratory's."""
    kept = {name: part for name, part in EXAMPLES["Observation"].items() if name not in ("id", "meta", "identifier")}
    coded = {"coding": [{"system": systems.NPU, "code": "NPU03804"}], "text": "Vægt"}
    weighed = {"value": 80, "unit": "kg", "system": systems.UCUM, "code": "kg"}
    kept |= {"category": [{"text": "Hjemmemåling"}], "code": coded, "valueQuantity": weighed}
    return {**kept, "performer": [{"reference": spoken(relation)}]}


def own_message(relation: Relation) -> Json:
    about = {"reference": f"Patient/{PATIENT}"}
    sender = {"reference": spoken(relation)}
    return {"resourceType": "Communication", "status": "completed", "subject": about, "sender": sender}


def own_wish(relation: Relation) -> Json:
    about = {"reference": f"Patient/{PATIENT}"}
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "Gå ture"},
        "subject": about,
    }


def own_consent(relation: Relation) -> Json:
    block = next(one for one in population() if one["id"] == "spaerring-person")
    kept = {name: part for name, part in block.items() if name != "id"}
    return {**kept, "performer": [{"reference": spoken(relation)}]}


def listed_here(relation: Relation) -> Json:
    """The Patient as the own clinic and whoever asks would list her together."""
    value = EXAMPLES["Patient"]
    return {**value, "generalPractitioner": [*value["generalPractitioner"], *_practice(relation)]}


def listed_here_alone(relation: Relation) -> Json:
    return {**EXAMPLES["Patient"], "generalPractitioner": _practice(relation)}


def _practice(relation: Relation) -> list[Json]:
    named = relation.caller.organization if relation.caller is not None else None
    return [{"reference": f"Organization/{named or ELSEWHERE}"}]


def lifted(relation: Relation) -> Json:
    """The patient's block of a municipality, held no longer."""
    block = next(one for one in population() if one["id"] == "spaerring-kommune")
    return {**block, "status": "inactive"}


def attorney(relation: Relation) -> Json:
    """Another power of attorney, as the patient gives it, to the relative who has none."""
    given = next(one for one in population() if one["id"] == "fuldmagt")
    kept = {name: part for name, part in given.items() if name != "id"}
    actor = [{"role": {"text": "x"}, "reference": {"reference": "RelatedPerson/ole-test"}}]
    return {**kept, "provision": {**given["provision"], "actor": actor}}


def own_task(relation: Relation) -> Json:
    about = {"reference": f"Patient/{PATIENT}"}
    owner = {"reference": spoken(relation)}
    return {"resourceType": "Task", "status": "requested", "intent": "order", "for": about, "owner": owner}


def changed(type_name: str) -> Callable[[Relation], Json]:
    return lambda _: {**EXAMPLES[type_name], "language": "da"}


def _put(type_name: str) -> Case:
    return Case("PUT", f"/fhir/{type_name}/{EXAMPLES[type_name]['id']}", changed(type_name))


def _batch(kind: str, method: str, path: str, **more: Json) -> Callable[[Relation], Json]:
    request = {"request": {"method": method, "url": path}, **more}
    return lambda _: {"resourceType": "Bundle", "type": kind, "entry": [request]}


VALUE = f"Observation/{EXAMPLES['Observation']['id']}"
LPS_WRITES = ("Condition", "MedicationStatement", "Encounter", "Immunization", "DiagnosticReport")
CLINIC_WRITES = ("CarePlan", "CareTeam", "ServiceRequest", "Appointment", "DocumentReference", "RelatedPerson")


def _writing(rows: list[Row]) -> None:
    def add(says: str, covers: str, *cases: Case) -> None:
        rows.append(Row("Writing", says, (covers,), cases, done, changes=True))

    patch = [{"op": "add", "path": "/language", "value": "da"}]
    one, of_type = "/fhir/{type}/{id}", "/fhir/{type}"
    asked = f"/fhir/Observation?_id={VALUE.partition('/')[2]}"
    add("update what the clinic measured", f"PUT {one}", _put("Observation"))
    add("patch it", f"PATCH {one}", Case("PATCH", f"/fhir/{VALUE}", lambda _: patch, "application/json-patch+json"))
    add("delete it", f"DELETE {one}", Case("DELETE", f"/fhir/{VALUE}"))
    json_patch = "application/json-patch+json"
    for method, case in {
        "PATCH": Case("PATCH", asked, lambda _: patch, json_patch),
        "PUT": Case("PUT", asked, changed("Observation")),
        "DELETE": Case("DELETE", asked),
    }.items():
        says = f"the same by criteria, where it is found: {method}"
        rows.append(Row("Writing", says, (f"{method} {of_type}",), (case,), found_or_not, changes=True))
    add("a value of one's own", f"POST {of_type}", Case("POST", "/fhir/Observation", own_value))
    add("a message of one's own", f"POST {of_type}", Case("POST", "/fhir/Communication", own_message))
    add("a personal goal", f"POST {of_type}", Case("POST", "/fhir/Goal", own_wish))
    add("a task of one's own", f"POST {of_type}", Case("POST", "/fhir/Task", own_task))
    add("a Consent in one's own name", f"POST {of_type}", Case("POST", "/fhir/Consent", own_consent))
    add("the Patient", f"PUT {one}", _put("Patient"))
    patient = f"/fhir/Patient/{PATIENT}"
    add("the Patient, listed with whoever asks, too", f"PUT {one}", Case("PUT", patient, listed_here))
    add("the Patient, listed with whoever asks alone", f"PUT {one}", Case("PUT", patient, listed_here_alone))
    blocked = "/fhir/Consent/spaerring-kommune"
    add("lift the patient's block", f"PUT {one}", Case("PUT", blocked, lifted), Case("DELETE", blocked))
    add("a power of attorney in the patient's name", f"POST {of_type}", Case("POST", "/fhir/Consent", attorney))
    add(f"update {', '.join(LPS_WRITES)}", f"PUT {one}", *map(_put, LPS_WRITES))
    add(f"update {', '.join(CLINIC_WRITES)}", f"PUT {one}", *map(_put, CLINIC_WRITES))
    add("update what is open, as Organization", f"PUT {one}", *map(_put, ("Practitioner", "Location", "Questionnaire")))


def found_or_not(answer: httpx.Response) -> str:
    """A conditional write finds nothing of what the caller may not see; a deletion that was made has a version."""
    if answer.status_code in (404, 412) or (answer.status_code == 204 and "etag" not in answer.headers):
        return NOTHING
    return done(answer)


def _system(rows: list[Row]) -> None:
    def add(says: str, covers: Sequence[str], judge: Callable[[httpx.Response], str], *cases: Case) -> None:
        rows.append(Row("Whole system", says, covers, cases, judge))

    covers = ("GET /fhir", "GET /fhir/", "POST /fhir/_search")
    searched = "_type=Patient,Observation&_count=500"
    add(
        "search over several types",
        covers,
        about_inger,
        Case("GET", f"/fhir?{searched}"),
        Case("GET", f"/fhir/?{searched}"),
        Case("POST", "/fhir/_search", lambda _: searched, FORM),
    )
    add(
        "everything in the record",
        ("GET /fhir/{type}/{id}/{member}",),
        about_inger,
        Case("GET", f"/fhir/Patient/{PATIENT}/*"),
    )
    add("history of everything", ("GET /fhir/_history",), about_inger, Case("GET", "/fhir/_history?_count=900"))
    add(
        "a batch that reads the Patient",
        ("POST /fhir", "POST /fhir/"),
        entry,
        Case("POST", "/fhir", _batch("batch", "GET", f"Patient/{PATIENT}")),
        Case("POST", "/fhir/", _batch("batch", "GET", f"Patient/{PATIENT}")),
    )
    changed_value = _batch("transaction", "PUT", VALUE, resource={**EXAMPLES["Observation"], "language": "da"})
    rows.append(
        Row(
            "Whole system",
            "a transaction that writes a value",
            (),
            (Case("POST", "/fhir", changed_value),),
            done,
            changes=True,
        )
    )
    unknown = {**EXAMPLES["Patient"], "id": "ukendt-test"}
    rows.append(
        Row(
            "Whole system",
            "a transaction that deletes, or puts, a Patient under an id that is free",
            (),
            (
                Case("POST", "/fhir", _batch("transaction", "DELETE", "Patient/ukendt-test")),
                Case("POST", "/fhir", _batch("transaction", "PUT", "Patient/ukendt-test", resource=unknown)),
                Case("POST", "/fhir", _batch("transaction", "PUT", "Patient?identifier=x|y", resource=unknown)),
            ),
            done,
            changes=True,
        )
    )
    add(
        "capabilities, description of the service, and whether it runs",
        ("GET /fhir/metadata", "GET /fhir/openapi.json", "GET /healthz", "GET /readyz", "GET /cds-services"),
        published,
        *(Case("GET", one) for one in ("/fhir/metadata", "/fhir/openapi.json", "/healthz", "/readyz", "/cds-services")),
    )
    add(
        "what is published: plan types, profiles, code systems …",
        (),
        published,
        *(Case("GET", f"/fhir/{name}") for name in PUBLISHED),
    )
    exports = (
        ("of everything", "/fhir/$export", "/fhir/$export"),
        ("of patients", "/fhir/Patient/$export", "/fhir/Patient/$export"),
        ("of a group", "/fhir/Group/{id}/$export", "/fhir/Group/kol-hold-test/$export"),
    )
    for says, pattern, path in exports:
        cases = (Case("GET", path), Case("POST", path, lambda _: {"resourceType": "Parameters"}))
        rows.append(
            Row(
                "Whole system",
                f"begin an export {says}",
                (f"GET {pattern}", f"POST {pattern}"),
                cases,
                done,
                changes=True,
            )
        )
    add(
        "status, end and files of an export that is not one's own",
        ("GET /fhir/$export/{export}", "DELETE /fhir/$export/{export}", "GET /fhir/$export/{export}/{file}"),
        seen,
        Case("GET", "/fhir/$export/never"),
        Case("DELETE", "/fhir/$export/never"),
        Case("GET", "/fhir/$export/never/Patient-1.ndjson"),
    )


# ── operations ───────────────────────────────────────────────────────────────────────────────────


def parameters(**values: tuple[str, Json]) -> Json:
    listed = [{"name": name.replace("_", "-"), kind: value} for name, (kind, value) in values.items()]
    return {"resourceType": "Parameters"} | ({"parameter": listed} if listed else {})


def _operations(rows: list[Row]) -> None:
    def looks(says: str, operation: str, path: str, judge: Callable[[httpx.Response], str] = seen) -> None:
        covers = (f"GET {operation}", f"POST {operation}")
        cases = (Case("GET", path), Case("POST", path, lambda _: parameters()))
        rows.append(Row("Operations", says, covers, cases, judge))

    def changes(
        says: str, operation: str, path: str, judge: Callable[[httpx.Response], str] = done, **values: Any
    ) -> None:
        body = parameters(**values)
        rows.append(
            Row("Operations", says, (f"POST {operation}",), (Case("POST", path, lambda _: body),), judge, changes=True)
        )

    at = f"/fhir/Patient/{PATIENT}"
    looks("`Patient/[id]/$overview`", "Patient/[id]/$overview", f"{at}/$overview")
    looks("`Patient/[id]/$everything`", "Patient/[id]/$everything", f"{at}/$everything")
    looks("`Patient/[id]/$recommended-targets`", "Patient/[id]/$recommended-targets", f"{at}/$recommended-targets")
    looks("`Patient/$eligible`", "Patient/$eligible", "/fhir/Patient/$eligible?state=maintained", about_inger)
    looks("`Observation/$lastn`", "Observation/$lastn", f"/fhir/Observation/$lastn?patient={PATIENT}")
    plan, wish = ("valueCode", "kol"), ("valueCode", "patient-wish")
    changes("`Patient/[id]/$exclude`", "Patient/[id]/$exclude", f"{at}/$exclude", plan_type=plan, reason=wish)
    ended = ("valueCode", EXCLUDED)
    changes("`Patient/[id]/$end-exclusion`", "Patient/[id]/$end-exclusion", f"{at}/$end-exclusion", plan_type=ended)
    changes(
        "`CarePlan/$establish`",
        "CarePlan/$establish",
        "/fhir/CarePlan/$establish",
        subject=("valueReference", {"reference": f"Patient/{PATIENT}"}),
        definition=("valueCanonical", f"{systems.CANONICAL}/PlanDefinition/kol"),
        reason=("valueString", "aftalt"),
    )
    looks(
        "`PlanDefinition/[id]/$apply`",
        "PlanDefinition/[id]/$apply",
        f"/fhir/PlanDefinition/kol/$apply?subject=Patient/{PATIENT}",
    )
    goal = f"/fhir/Goal/{EXAMPLES['Goal']['id']}"
    follow, individual = "Goal/[id]/$follow-recommendation", "Goal/[id]/$set-individual-target"
    changes(f"`{follow}`", follow, f"{goal}/$follow-recommendation", business)
    changes(
        f"`{individual}`",
        individual,
        f"{goal}/$set-individual-target",
        business,
        high=("valueDecimal", 58),
        reason=("valueCode", "frailty"),
        author=("valueString", f"Organization/{CLINIC}"),
    )
    why = ("valueString", "Bevidstløs, medicinen skal kendes")
    changes("`Patient/[id]/$emergency-access`", "Patient/[id]/$emergency-access", f"{at}/$emergency-access", reason=why)
    number = next(one for one in EXAMPLES["Patient"]["identifier"])
    changes(
        "`Patient/$emergency-access`",
        "Patient/$emergency-access",
        "/fhir/Patient/$emergency-access",
        reason=why,
        identifier=("valueIdentifier", {"system": number["system"], "value": number["value"]}),
    )
    reviewed = "Organization/[id]/$emergency-accesses"
    looks(f"`{reviewed}` of the other clinic", reviewed, "/fhir/Organization/andet-laegehus/$emergency-accesses")
    _validations(rows)
    expand = f"{systems.CANONICAL}/ValueSet/plan-type"
    rows.append(
        Row(
            "Operations",
            "`ValueSet/$expand`, `CodeSystem/$lookup`",
            (
                *(f"{method} ValueSet/{on}$expand" for method in ("GET", "POST") for on in ("", "[id]/")),
                *(f"{method} CodeSystem/{on}$lookup" for method in ("GET", "POST") for on in ("", "[id]/")),
            ),
            tuple(
                Case(method, f"/fhir/{asked}", None if method == "GET" else lambda _: parameters())
                for method in ("GET", "POST")
                for asked in (
                    f"ValueSet/$expand?url={expand}",
                    "ValueSet/plan-type/$expand",
                    f"CodeSystem/$lookup?system={systems.PLAN_TYPE}&code=kol",
                    "CodeSystem/plan-type/$lookup?code=kol",
                )
            ),
            published,
        )
    )


def business(answer: httpx.Response) -> str:
    """Refused by the rules of care, not by those of access, is access."""
    if answer.status_code == 403 and "needs-doctor" in answer.text:
        return MAY
    return MAY if answer.status_code in (409, 422) else done(answer)


def _validations(rows: list[Row]) -> None:
    for group, types in GROUPS.items():
        rows.append(
            Row(
                "Operations",
                f"`[type]/[id]/$validate` of what is stored: {group}",
                tuple(f"{method} {name}/[id]/$validate" for name in types for method in ("GET", "POST")),
                tuple(_validate(method, name) for name in types for method in ("GET", "POST")),
                seen,
            )
        )
    rows.append(
        Row(
            "Operations",
            "`[type]/$validate` of what is sent",
            tuple(f"POST {name}/$validate" for name in registry.TYPES),
            tuple(
                Case("POST", f"/fhir/{name}/$validate", lambda _, name=name: EXAMPLES.get(name, {"resourceType": name}))
                for name in registry.TYPES
            ),
            seen,
        )
    )
    rows.append(
        Row(
            "Operations",
            "`[type]/$validate` asked without anything to validate",
            tuple(f"GET {name}/$validate" for name in registry.TYPES),
            tuple(Case("GET", f"/fhir/{name}/$validate") for name in registry.TYPES),
            empty,
        )
    )


def _validate(method: str, name: str) -> Case:
    address = f"/fhir/{name}/{EXAMPLES[name]['id']}/$validate"
    return Case(method, address, None if method == "GET" else lambda _: parameters())


def empty(answer: httpx.Response) -> str:
    """What is asked for is not there, whoever asks."""
    known = answer.status_code
    return NOTHING if known == 400 else published(answer)


# ── hooks and pages ──────────────────────────────────────────────────────────────────────────────


def _hooks(rows: list[Row]) -> None:
    card = "7a1b7d1e-9d0c-4c4e-8f0a-0d6f2f0b8a11"
    call = {"hook": "patient-view", "hookInstance": card, "fhirServer": BASE}
    call["context"] = {"userId": "PractitionerRole/x", "patientId": PATIENT}
    fed = {
        "feedback": [
            {
                "card": card,
                "outcome": "accepted",
                "outcomeTimestamp": "2026-11-22T09:00:00Z",
                "acceptedSuggestions": [{"id": card}],
            }
        ]
    }
    at = f"/cds-services/{SERVICE}"
    kind = "application/json"
    rows.append(
        Row(
            "CDS Hooks",
            "cards about the patient",
            ("POST /cds-services/{service}",),
            (Case("POST", at, lambda _: call, kind),),
            cards,
        )
    )
    feedback = (Case("POST", f"{at}/feedback", lambda _: fed, kind),)
    rows.append(Row("CDS Hooks", "what became of a card", ("POST /cds-services/{service}/feedback",), feedback, cards))


def _pages(rows: list[Row]) -> None:
    def add(says: str, judge: Callable[[httpx.Response], str], *asked: tuple[str, str, str]) -> None:
        cases = tuple(
            Case(method, path, lambda _: "", FORM) if method == "POST" else Case(method, path)
            for method, _, path in asked
        )
        covers = tuple(f"{method} {pattern}" for method, pattern, _ in asked)
        changes = any(method == "POST" for method, _, _ in asked)
        rows.append(Row("Pages", says, covers, cases, judge, changes=changes, page=True))

    at, goal = f"/patient/{PATIENT}", EXAMPLES["Goal"]["id"]
    add("B2 the patient's plan", own_plan, ("GET", "/plan", "/plan"))
    add(
        "B2 what matters to me, in one's own plan",
        page,
        ("GET", "/plan/vigtigst", "/plan/vigtigst"),
        ("POST", "/plan/vigtigst", "/plan/vigtigst"),
    )
    add("B7 who has seen one's own plan", page, ("GET", "/plan/adgang", "/plan/adgang"))
    _sharing_pages(add)
    _emergency_pages(add)
    add(
        "B2 write to one's clinic",
        page,
        ("GET", "/plan/spoergsmaal", "/plan/spoergsmaal"),
        ("POST", "/plan/spoergsmaal", "/plan/spoergsmaal"),
    )
    add("B2 one's messages and their answers", page, ("GET", "/plan/beskeder", "/plan/beskeder"))
    wrong = "/plan/maaling/hba1c/besked"
    add(
        "B3 tell the clinic that a number is wrong",
        page,
        ("GET", "/plan/maaling/{measure}/besked", wrong),
        ("POST", "/plan/maaling/{measure}/besked", wrong),
    )
    for who, path in (("patients", "/plan/indstillinger"), ("staff", "/indstillinger")):
        add(f"B9 settings, of {who}", page, ("GET", path, path), ("POST", path, path))
    home, value = "/plan/hjemmemaaling", EXAMPLES["Observation"]["id"]
    add("B4 what is measured at home", page, ("GET", home, home))
    add(
        "B4 write a home value",
        page,
        ("GET", f"{home}/{{measure}}", f"{home}/weight"),
        ("POST", f"{home}/{{measure}}", f"{home}/weight"),
    )
    add("B4 the receipt", page, ("GET", f"{home}/{{measure}}/gemt", f"{home}/weight/gemt?id={value}"))
    add(
        "B4 mend a value that the clinic wrote",
        page,
        ("GET", f"{home}/tal/{{id}}", f"{home}/tal/{value}"),
        ("POST", f"{home}/tal/{{id}}", f"{home}/tal/{value}"),
    )
    asked = "/plan/forbered"
    add(
        "B5 what is asked before the control",
        page,
        ("GET", asked, asked),
        ("GET", f"{asked}/hjaelp", f"{asked}/hjaelp"),
    )
    add(
        "B5 answer it, and send the answers",
        page,
        ("GET", f"{asked}/{{step}}", f"{asked}/samtale"),
        ("POST", f"{asked}/{{step}}", f"{asked}/samtale"),
        ("GET", f"{asked}/svar", f"{asked}/svar"),
        ("POST", f"{asked}/svar", f"{asked}/svar"),
    )
    add("B3 one measure", page, ("GET", "/plan/maaling/{measure}", "/plan/maaling/hba1c"))
    add(
        "C1 the clinic's list: whether the patient is on it",
        listing,
        ("GET", "/arbejdsliste", "/arbejdsliste?fane=i-orden"),
    )
    add("C1 look for a name in one's own list", page, ("POST", "/arbejdsliste", "/arbejdsliste"))
    call = "/ring/{task}"
    add("C1 a call that is not to be made", page, ("GET", call, "/ring/none"), ("POST", call, "/ring/none"))
    add("C1 several of one's own list at once", page, ("POST", "/arbejdsliste/valgte", "/arbejdsliste/valgte"))
    add(
        "C6 numbers of one's own clinic",
        page,
        ("GET", "/tal", "/tal"),
    )
    add(
        "C6 who is behind a number: whether the patient is",
        listing,
        ("GET", "/tal/{measure}", "/tal/hba1c?status=achieved"),
    )
    add("C1 open messages: whether the patient's is among them", listing, ("GET", "/beskeder", "/beskeder"))
    add(
        "C1 answer a message",
        page,
        ("GET", "/beskeder/{id}", f"/beskeder/{QUESTION}"),
        ("POST", "/beskeder/{id}", f"/beskeder/{QUESTION}"),
    )
    add(
        "C1 turn a plan down",
        page,
        ("GET", "/patient/{id}/fravalg", f"{at}/fravalg?plan=kol"),
        ("POST", "/patient/{id}/fravalg", f"{at}/fravalg"),
        ("POST", "/patient/{id}/fravalg/{plan}/fortryd", f"{at}/fravalg/kol/fortryd"),
    )
    control = "/patient/{id}/aarskontrol"
    add("C2 the yearly control", page, ("GET", control, f"{at}/aarskontrol"))
    add("C2 hold the yearly control", page, ("POST", control, f"{at}/aarskontrol"))
    add("C2 one target", page, ("GET", "/patient/{id}/maal/{goal}", f"{at}/maal/{goal}"))
    add(
        "C2 change a target",
        page,
        ("POST", "/patient/{id}/maal/{goal}", f"{at}/maal/{goal}"),
        ("POST", "/patient/{id}/maal/{goal}/anbefaling", f"{at}/maal/{goal}/anbefaling"),
    )
    add(
        "C3 make a plan",
        page,
        ("GET", "/patient/{id}/opret-plan", f"{at}/opret-plan"),
        ("POST", "/patient/{id}/opret-plan", f"{at}/opret-plan"),
    )
    add("C5 the record's history", page, ("GET", "/patient/{id}/historik", f"{at}/historik"))
    add(
        "C7 differences in templates of one's own clinic",
        page,
        ("GET", "/forskelle", "/forskelle"),
        ("POST", "/forskelle", "/forskelle"),
    )
    add("D1 the inbox of referrals: whether the patient is in it", listing, ("GET", "/henvisninger", "/henvisninger"))
    add("D2 the slice of a referral", page, ("GET", "/borger/{id}", f"/borger/{PATIENT}"))
    _referral_pages(add)
    add(
        "B8 what is printed",
        page,
        ("GET", "/plan/udskriv", "/plan/udskriv"),
        ("POST", "/plan/udskriv", "/plan/udskriv"),
    )
    add(
        "B8 what the clinic prints",
        page,
        ("GET", "/patient/{id}/udskriv", f"{at}/udskriv"),
        ("POST", "/patient/{id}/udskriv", f"{at}/udskriv"),
    )
    add("F the plan on paper", page, ("GET", "/print/Patient/{id}/plan.pdf", f"/print/Patient/{PATIENT}/plan.pdf"))


def _referral_pages(add: Callable[..., None]) -> None:
    """B6, C4 and what the receiver of a referral does with its case."""

    def both(says: str, pattern: str, path: str) -> None:
        add(says, page, ("GET", pattern, path), ("POST", pattern, path))

    clinic, receiver = f"/patient/{PATIENT}", f"/borger/{PATIENT}/sag/sag-aktiv"
    pattern = "/borger/{id}/sag/{task}"
    add("B6 one's course in the municipality", page, ("GET", "/plan/kommune", "/plan/kommune"))
    both("C4 refer the patient", "/patient/{id}/henvis", f"{clinic}/henvis")
    sent = "/patient/{id}/henvisning/{task}"
    add("C4 one referral of the patient", page, ("GET", sent, f"{clinic}/henvisning/sag-aktiv"))
    add("C4 answer or withdraw that referral", page, ("POST", sent, f"{clinic}/henvisning/sag-aktiv"))
    both("D1 take a step of a referral's case", pattern, receiver)
    both("D3 the first talk", f"{pattern}/samtale", f"{receiver}/samtale")
    both("D4 the course", f"{pattern}/forloeb", f"{receiver}/forloeb")
    both("D5 the closing note", f"{pattern}/afslut", f"{receiver}/afslut")
    add("D6 the board: whether the patient is on it", listing, ("GET", "/teamtavle", "/teamtavle"))


def _sharing_pages(add: Callable[..., None]) -> None:
    """B1, and what the patient decides on B7."""

    def both(says: str, pattern: str, path: str) -> None:
        add(says, page, ("GET", pattern, path), ("POST", pattern, path))

    at, referral = "/plan/adgang", "/plan/adgang/henvisning/{id}"
    both("B1 whose plan to see", "/plan/person", "/plan/person")
    both("B7 give a power of attorney", f"{at}/fuldmagt", f"{at}/fuldmagt")
    both("B7 take the patient's power of attorney back", f"{at}/fuldmagt/{{id}}/stop", f"{at}/fuldmagt/fuldmagt/stop")
    both("B7 block somebody", f"{at}/spaerring", f"{at}/spaerring")
    both("B7 lift the patient's block", f"{at}/spaerring/{{id}}/ophaev", f"{at}/spaerring/spaerring-person/ophaev")
    add("B7 what the patient's referral shares", page, ("GET", referral, f"{at}/henvisning/henvist-aktiv"))
    add("B7 end what it shares", page, ("POST", referral, f"{at}/henvisning/henvist-aktiv"))
    line = f"{at}/undrer/20261122-{'0' * 20}"
    both("B7 ask about a line that is not in one's own log", f"{at}/undrer/{{key}}", line)


def _emergency_pages(add: Callable[..., None]) -> None:
    """Emergency access, its review, and the person number."""
    add("emergency access: the form", page, ("GET", "/vaerdispring", "/vaerdispring"))
    add("emergency access: sent without a reason", page, ("POST", "/vaerdispring", "/vaerdispring"))
    add(
        "review of one's own organisation's emergency accesses",
        page,
        ("GET", "/vaerdispring/gennemgang", "/vaerdispring/gennemgang"),
    )
    one = "/vaerdispring/gennemgang/{id}"
    path = one.format(id="x")
    add("review of an access that is none of them", page, ("GET", one, path), ("POST", one, path))
    add("the person number, to clinics", page, ("POST", "/patient/{id}/cpr", f"/patient/{PATIENT}/cpr"))
    add("the person number, by a referral", page, ("POST", "/borger/{id}/cpr", f"/borger/{PATIENT}/cpr"))


def all_rows() -> tuple[Row, ...]:
    rows: list[Row] = []
    _of_type(rows)
    _of_slice(rows)
    _log(rows)
    _writing(rows)
    _system(rows)
    _operations(rows)
    _hooks(rows)
    _pages(rows)
    return tuple(rows)


ROWS = all_rows()
