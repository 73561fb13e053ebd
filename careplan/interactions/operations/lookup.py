"""`CodeSystem/$lookup` and `CodeSystem/[id]/$lookup`: what a code means.

Of the code systems published here, and of the foreign codes that the knowledge follows measures by, with the names
it gives them. Not a terminology server: of other codes nothing is known.
https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from collections.abc import Iterator

from careplan.fhir.expansion import Node, nodes_of
from careplan.fhir.systems import normal_code
from careplan.fhir.text import Json, dump, parse
from careplan.fhir.vocabulary import Known, known_codes
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.operations.published import find_code_system
from careplan.interactions.read import read
from careplan.store.protocol import NotFound

TAKES = frozenset({"code", "system", "version", "coding", "property"})


async def lookup(context: Context, asked: Asked) -> bytes:
    """Parameters: name, version, display, designations and properties. Raises ParameterFaulty, NotFound."""
    url, code, version = _coding(asked)
    wanted = frozenset(str(one) for one in asked.all("property"))
    system: Json | None
    if asked.id is not None:
        system = parse((await read(context, "CodeSystem", asked.id)).body or b"")
    else:
        system = await find_code_system(context, url, version)
    found = None if system is None else _found_in(system, code, wanted)
    known = known_codes(context.knowledge).get(normal_code(url, code)) if asked.id is None and not version else None
    if found is None and known is not None:
        found = _of_known(known, wanted)
    if found is None:
        raise NotFound("no such code is known here; GET CodeSystem lists the code systems there are")
    return dump({"resourceType": "Parameters", "parameter": found})


def _coding(asked: Asked) -> tuple[str, str, str]:
    """System, code and version, given one by one or as a Coding; at instance level the system may be left out."""
    coding = asked.find("coding")
    if coding is None:
        url, code, version = (asked.text(name) for name in ("system", "code", "version"))
    elif isinstance(coding, dict):
        url, code, version = (coding.get(name, "") for name in ("system", "code", "version"))
    else:
        raise ParameterFaulty("parameter coding is a Coding; in an address write system and code")
    if not all(isinstance(one, str) for one in (url, code, version)) or not code or not (url or asked.id):
        raise ParameterFaulty("parameters system and code, or coding, say which code")
    return url, code, version


def _found_in(system: Json, code: str, wanted: frozenset[str]) -> list[Json] | None:
    """What a published code system says of a code; None when it does not have it."""
    fold = str if system.get("caseSensitive", True) else str.casefold
    plain = {fold(code), fold(normal_code(system.get("url", ""), code)[1])}
    nodes = list(nodes_of(system))
    node = next((one for one in nodes if fold(one.concept["code"]) in plain), None)
    if node is None:
        return None
    concept = node.concept
    found = [_named(system.get("title") or system.get("name") or system.get("url", ""))]
    found += [{"name": "version", "valueString": system["version"]}] if "version" in system else []
    found.append({"name": "display", "valueString": concept.get("display") or concept["code"]})
    found += [{"name": "designation", "part": _parts(one)} for one in concept.get("designation", ())]
    return found + [_property(*one) for one in _properties(node, nodes) if not wanted or one[0] in wanted]


def _of_known(known: Known, wanted: frozenset[str]) -> list[Json]:
    """What the knowledge says of a foreign code: the name it uses, the measure, the unit its values come in."""
    properties = [("measure", "valueCode", known.measure), ("unit", "valueCode", known.ucum)]
    shown = [_property(*one) for one in properties if one[2] and (not wanted or one[0] in wanted)]
    return [_named(known.name), {"name": "display", "valueString": known.display}, *shown]


def _properties(node: Node, nodes: list[Node]) -> Iterator[tuple[str, str, Json]]:
    """(code, name of the value, value): the definition, the codes right above and below, and the system's own."""
    if "definition" in node.concept:
        yield "definition", "valueString", node.concept["definition"]
    for code in node.above[-1:]:
        yield "parent", "valueCode", code
    for one in nodes:
        if one.above[-1:] == (node.concept["code"],):
            yield "child", "valueCode", one.concept["code"]
    for part in node.concept.get("property", ()):
        for name, value in part.items():
            if name.startswith("value"):
                yield part["code"], name, value


def _named(name: str) -> Json:
    return {"name": "name", "valueString": name}


def _property(code: str, name: str, value: Json) -> Json:
    return {"name": "property", "part": [{"name": "code", "valueCode": code}, {"name": "value", name: value}]}


def _parts(designation: Json) -> list[Json]:
    kinds = (("language", "valueCode"), ("use", "valueCoding"), ("value", "valueString"))
    return [{"name": name, kind: designation[name]} for name, kind in kinds if name in designation]
