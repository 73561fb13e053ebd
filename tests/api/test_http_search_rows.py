"""Every instance at hand loads, reads back as it was, and is found by every search parameter it has a value for.

The instances are the examples of this project, what it publishes, and, where they are there, HL7's examples of R4 and
the Danish ones of dk-core. Nothing is found by a value it lacks.
"""

from pathlib import Path

import httpx
import pytest

from careplan import __version__
from careplan.fhir import bindings, models, xhtml
from careplan.fhir.consent import consent_faults
from careplan.fhir.definition_of_operation import operation_definitions
from careplan.fhir.definition_of_parameter import search_parameters
from careplan.fhir.definition_of_plan import activity_definitions, plan_definition
from careplan.fhir.index import extract
from careplan.fhir.path import values
from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW
from careplan.fhir.text import dump, members, parse
from careplan.fhir.value import DateValue, NumberValue, ReferenceValue, StringValue, TokenValue, UriValue
from careplan.fhir.vocabulary import code_systems
from careplan.knowledge.load import load_knowledge
from careplan.published import read_profiles

KNOWLEDGE = load_knowledge()
ROOT = Path(__file__).resolve().parents[2]
HL7 = ROOT / ".venv" / "examples"
"""HL7's example instances of R4, put there by `make test`."""
DANISH = ROOT.parent / "shared" / "data" / "dk-core" / "examples"

ELSEWHERE = {
    "id": "no-such-id",
    "token": "no-such-code",
    "date": "1801",
    "string": "zzqqxx",
    "uri": "urn:no-such-uri",
    "quantity": "987654321",
    "number": "987654321",
}
"""By kind, what nothing at hand holds."""

PUBLISHED = [
    *read_profiles(ROOT / "profiles"),
    *code_systems(KNOWLEDGE),
    *(plan_definition(plan, KNOWLEDGE) for plan in KNOWLEDGE.plans.values()),
    *(one for plan in KNOWLEDGE.plans.values() for one in activity_definitions(plan, KNOWLEDGE)),
    *search_parameters(__version__)[:40],
    *operation_definitions(__version__),
]


def instances(folder):
    """The instances of a folder whose type is written here."""
    found = [parse(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return [one for one in found if one["resourceType"] in TYPES and not TYPES[one["resourceType"]].read_only]


def valid(folder):
    """Those that are R4, but for Consents that say what could not be kept: they are refused, test_consents.py."""
    found = [one for one in instances(folder) if models.faults(one) + bindings.faults(one) + xhtml.faults(one) == []]
    return [one for one in found if one["resourceType"] != "Consent" or not list(consent_faults(one, ""))]


OWN = instances(ROOT / "fixtures")


# ── how what an instance holds is asked for ──────────────────────────────────────────────────────


def escaped(text):
    return "".join("\\" + sign if sign in "\\,$|" else sign for sign in text)


def token_texts(value):
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, str):
        return [escaped(value)]
    codings = value.get("coding", [value])
    pairs = [(one.get("system"), one.get("code") or one.get("value")) for one in codings]
    return [
        f"{escaped(system)}|{escaped(code)}" if system and ":" in system else escaped(code)
        for system, code in pairs
        if code
    ]


def date_texts(value):
    if isinstance(value, str):
        day = [value[:10]] if value.endswith(("+01:00", "+02:00")) else []  # the day it is here
        return [value, f"ge{value}", f"le{value}", *day]
    return [f"ge{value['start']}"] if "start" in value else [f"le{value['end']}"] if "end" in value else []


def string_texts(value):
    if isinstance(value, str):
        return [escaped(value)]
    parts = [part for name in ("family", "city", "text", "postalCode") if (part := value.get(name))]
    return [escaped(part) for part in (*parts, *value.get("given", ()), *value.get("line", ()))]


def quantity_texts(value):
    if "comparator" in value:
        return []
    number = str(value["value"])
    return [number, f"{number}||{value['unit']}", f"ge{number}"] if "unit" in value else [number]


def texts(kind, value):
    """How a value, as it is written in the resource, is asked for."""
    match kind:
        case "token":
            return token_texts(value)
        case "date":
            return date_texts(value)
        case "string":
            return string_texts(value)
        case "reference":
            link = value.get("reference", "#")
            return [] if link.startswith("#") else [link, link.rpartition("/")[2]]
        case "uri" | "id":
            return [escaped(value)] if isinstance(value, str) else []
        case "quantity" | "number":
            return quantity_texts(value) if isinstance(value, dict) and "value" in value else []
        case _:
            return []


def pointing(path, found):
    """Those values that lead to the type the path is restricted to."""
    return [one for one in found if path.points_to is None or f"{path.points_to}/" in one.get("reference", "")]


def written(resource):
    """(parameter, text) of what stands in the resource, the first value of each place."""
    for parameter in TYPES[resource["resourceType"]].parameters.values():
        for path in parameter.paths if parameter.name != "_lastUpdated" else ():
            for value in [] if path.presence else pointing(path, values(path, resource))[:1]:
                for text in texts(parameter.kind, value):
                    yield parameter.name, text


def indexed_text(value):
    """How a value of the index is asked for; None where it has no code, no end or no digit to ask by."""
    match value:
        case TokenValue(system, code):
            return (f"{escaped(system)}|{escaped(code)}" if system else escaped(code)) if code else None
        case StringValue(text):
            return escaped(text)
        case UriValue(uri):
            return escaped(uri)
        case ReferenceValue(kind, id, identifier):
            return (f"{kind}/{id}" if kind else escaped(id)) if identifier is None else None
        case DateValue(low, high):
            return f"ge{instant(low)}" if low != OPEN_LOW else f"le{instant(high)}" if high != OPEN_HIGH else None
        case NumberValue(low, high, system, code):
            end = f"ge{low}" if low.is_finite() else f"le{high}"
            return f"{end}|{escaped(system)}|{escaped(code)}" if system and code else end
    return None


def instant(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def composite_text(parameter, value):
    first, second = indexed_text(value.token), indexed_text(value.value)
    if first is None or second is None:
        return None
    return f"{first}${second}" if parameter.parts[0].kind == "token" else f"{second}${first}"


def indexed(resource):
    """(parameter, text) of what the index holds of a resource."""
    row, found = TYPES[resource["resourceType"]], extract(resource, "http://test/fhir")
    kinds = (found.tokens, found.dates, found.numbers, found.strings, found.references, found.uris)
    plain = {name for name, one in row.parameters.items() if not one.phonetic}  # a sound is no word to ask with
    pairs = [(name, indexed_text(value)) for kind in kinds for name, value in kind if name in plain]
    pairs += [(name, composite_text(row.parameters[name], value)) for name, value in found.composites]
    return dict.fromkeys((name, text) for name, text in pairs if text is not None and text.strip())


def cases(resource):
    """Every way to ask for a resource that is tried: as it is written, and by what the index holds."""
    every = dict.fromkeys(written(resource))
    asked = {name for name, _ in every}
    more: dict[str, list[str]] = {}
    for name, text in indexed(resource):
        more.setdefault(name, []).append(text)
    for name, found in more.items():
        every.update(dict.fromkeys((name, text) for text in (found[:1] if name in asked else found[:3])))
    return list(every)


CASES = {f"{one['resourceType']}/{one['id']}": cases(one) for one in (*OWN, *PUBLISHED)}
PARAMETERS = {(key.partition("/")[0], name) for key, found in CASES.items() for name, _ in found}


def test_examples_show_parameters_of_every_kind_and_type():
    """The tests below would be empty without examples that hold values."""
    assert {type_name for type_name, _ in PARAMETERS} == set(TYPES) - {"AuditEvent"}  # clients write none
    kinds = {TYPES[type_name].parameters[name].kind for type_name, name in PARAMETERS}
    assert {"token", "date", "string", "reference", "uri", "id", "quantity", "composite"} <= kinds
    assert len(PARAMETERS) > 360


def test_every_value_of_the_index_is_asked_for():
    for resource in (*OWN, *PUBLISHED):
        held = {name for name, _ in indexed(resource)}
        assert held <= {name for name, _ in CASES[f"{resource['resourceType']}/{resource['id']}"]}


# ── loading, reading back, finding ───────────────────────────────────────────────────────────────


async def check_round_trip(client, resource):
    """What comes back is what went in, digit for digit, but for `meta` (and the place of the id)."""
    sent = dump(resource)
    address = f"/{resource['resourceType']}/{resource['id']}"
    stored = await client.put(address, content=sent)
    assert stored.status_code == 201, stored.text
    read = await client.get(address)
    assert without_meta(read.content) == without_meta(sent)
    kept = read.json()["meta"]
    assert {name: part for name, part in kept.items() if name not in ("versionId", "lastUpdated")} == {
        name: part for name, part in resource.get("meta", {}).items() if name not in ("versionId", "lastUpdated")
    }


def without_meta(body):
    return {name: text for name, text in members(body).items() if name != "meta"}


async def check_found(client, resource, asked):
    type_name, id = resource["resourceType"], resource["id"]
    for name, text in asked:
        params = httpx.QueryParams([(name, text), ("_id", id), ("_elements", "id")])
        answer = await client.get(f"/{type_name}", params=params, headers={"prefer": "handling=strict"})
        assert answer.status_code == 200, (type_name, name, text, answer.text)
        assert [one["resource"]["id"] for one in answer.json().get("entry", [])] == [id], (type_name, name, text)


@pytest.mark.parametrize("resource", OWN, ids=lambda one: one["resourceType"])
async def test_an_example_reads_back_and_is_found_by_all_it_says(client, resource):
    """R4-24, R4-25, R4-63, R4-67."""
    await check_round_trip(client, resource)
    asked = CASES[f"{resource['resourceType']}/{resource['id']}"]
    await check_found(client, resource, asked)
    for name, text in asked[::8]:
        params = httpx.QueryParams({name: text, "_count": 1000})
        found = await client.get(f"/{resource['resourceType']}", params=params)
        form = {"content-type": "application/x-www-form-urlencoded"}
        posted = await client.post(f"/{resource['resourceType']}/_search", content=str(params), headers=form)
        assert posted.json() | {"link": None} == found.json() | {"link": None}


@pytest.mark.parametrize("type_name", [row.name for row in ROWS if row.read_only])
async def test_what_is_published_is_found_by_all_it_says(client, type_name):
    for resource in [one for one in PUBLISHED if one["resourceType"] == type_name]:
        await check_found(client, resource, CASES[f"{type_name}/{resource['id']}"])


@pytest.mark.skipif(
    not any(HL7.glob("*.json")), reason="HL7's R4 examples are not in .venv/examples; make test puts them there"
)
async def test_hl7_examples_read_back_and_are_found_by_all_they_say(client):
    """R4-24, R4-25, R4-71."""
    examples = valid(HL7)
    assert len({one["resourceType"] for one in examples}) > 20
    for resource in examples:
        await check_round_trip(client, resource)
        await check_found(client, resource, cases(resource))


@pytest.mark.skipif(not DANISH.exists(), reason="the dk-core instances are not beside this repository")
async def test_danish_examples_read_back_and_are_found_by_all_they_say(client):
    """R4-24, R4-25, R4-71."""
    examples = valid(DANISH)
    assert len(examples) > 60
    for resource in examples:
        await check_round_trip(client, resource)
        await check_found(client, resource, cases(resource))


@pytest.mark.parametrize("type_name", TYPES)
async def test_nothing_is_found_by_a_value_it_lacks(client, type_name):
    """R4-62."""
    for resource in [one for one in OWN if one["resourceType"] == type_name]:
        await client.put(f"/{type_name}/{resource['id']}", content=dump(resource))
    for parameter in TYPES[type_name].parameters.values():
        other = lacking(parameter)
        none = await client.get(f"/{type_name}", params={parameter.name: other}, headers={"prefer": "handling=strict"})
        assert none.status_code == 200, (parameter.name, other, none.text)
        assert (none.json().get("entry"), none.json()["total"]) == (None, 0), (parameter.name, other)


def lacking(parameter):
    if parameter.parts:
        return "$".join(lacking(part) for part in parameter.parts)
    return ELSEWHERE.get(parameter.kind) or f"{(parameter.targets or ('Patient',))[0]}/nobody"
