"""Every search parameter of every row finds the example that has a value for it, and nothing by a value it lacks."""

from pathlib import Path

import httpx
import pytest

from careplan.fhir.definition_of_plan import plan_definition
from careplan.fhir.path import values
from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.text import dump, parse
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "id": "no-such-id",
    "token": "no-such-code",
    "date": "1801",
    "string": "zzqqxx",
    "uri": "urn:no-such-uri",
    "quantity": "987654321",
    "number": "987654321",
}


PLANS = [plan_definition(plan, KNOWLEDGE) for plan in KNOWLEDGE.plans.values()]


def examples(type_name):
    """The example of a type, or what we publish of it."""
    if type_name == "PlanDefinition":
        return PLANS
    found = [ROOT / "fixtures" / f"{type_name}.json", *sorted((ROOT / "profiles").glob(f"{type_name}-*.json"))]
    return [parse(path.read_bytes()) for path in found if path.exists()]


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
        return [value, f"ge{value}", f"le{value}", value[:10]]
    return [f"ge{value['start']}"] if "start" in value else [f"le{value['end']}"] if "end" in value else []


def string_texts(value):
    if isinstance(value, str):
        return [escaped(value)]
    parts = [part for name in ("family", "city", "text", "postalCode") if (part := value.get(name))]
    return [escaped(part) for part in (*parts, *value.get("given", ()), *value.get("line", ()))]


def quantity_texts(value):
    number = str(value["value"])
    return [number, f"{number}||{value['unit']}", f"ge{number}"] if "unit" in value else [number]


def texts(kind, value):
    """How a value of the resource is asked for."""
    match kind:
        case "token":
            return token_texts(value)
        case "date":
            return date_texts(value)
        case "string":
            return string_texts(value)
        case "reference":
            return [value["reference"], value["reference"].rpartition("/")[2]] if "reference" in value else []
        case "uri" | "id":
            return [escaped(value)] if isinstance(value, str) else []
        case _:
            return quantity_texts(value) if isinstance(value, dict) and "value" in value else []


def pointing(path, found):
    """Those values that lead to the type the path is restricted to."""
    return [one for one in found if path.points_to is None or one["reference"].startswith(f"{path.points_to}/")]


def cases():
    """(type, parameter, text to ask with, id of the resource to find), one for each way to ask."""
    for row in ROWS:
        for resource in examples(row.name):
            for parameter in row.parameters.values():
                for path in parameter.paths:
                    for value in [] if path.presence else pointing(path, values(path, resource))[:1]:
                        for text in texts(parameter.kind, value):
                            yield row.name, parameter.name, text, resource["id"]


CASES = list(dict.fromkeys(cases()))
PARAMETERS = sorted({(type_name, name) for type_name, name, _, _ in CASES})


def test_examples_show_parameters_of_every_kind_and_type():
    """The tests below would be empty without examples that hold values."""
    assert {type_name for type_name, _ in PARAMETERS} == set(TYPES)
    kinds = {TYPES[type_name].parameters[name].kind for type_name, name in PARAMETERS}
    assert {"token", "date", "string", "reference", "uri", "id", "quantity"} <= kinds
    assert len(PARAMETERS) > 150


@pytest.mark.parametrize(("type_name", "name"), PARAMETERS)
async def test_parameter_finds_the_example_by_its_value(client: httpx.AsyncClient, type_name, name):
    row = TYPES[type_name]
    if not row.read_only:
        for resource in examples(type_name):
            stored = await client.put(f"/{type_name}/{resource['id']}", content=dump(resource))
            assert stored.status_code == 201, stored.text
    for _, _, text, id in [case for case in CASES if case[:2] == (type_name, name)]:
        answer = await client.get(f"/{type_name}", params={name: text, "_count": 1000})
        assert answer.status_code == 200, (text, answer.text)
        assert id in [one["resource"]["id"] for one in answer.json().get("entry", [])], (name, text)
        posted = await client.post(
            f"/{type_name}/_search",
            content=str(httpx.QueryParams({name: text, "_count": 1000})),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert posted.content == answer.content
    parameter = row.parameters[name]
    other = ELSEWHERE.get(parameter.kind) or f"{(parameter.targets or ('Patient',))[0]}/nobody"
    none = await client.get(f"/{type_name}", params={name: other}, headers={"prefer": "handling=strict"})
    assert (none.status_code, none.json().get("entry"), none.json()["total"]) == (200, None, 0), (name, other)
