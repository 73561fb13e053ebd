"""The JSON text of a resource: read strictly, written back digit for digit, changed without being rewritten.

The bytes that came in are the record. So a resource is parsed to be looked at, and what is stored is
its own text with only `id` and the version in `meta` changed. Nothing here knows what a valid
resource is; that is `careplan.fhir.models`.
Follows https://hl7.org/fhir/R4/json.html. Links in a transaction: `careplan.fhir.relinked`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from careplan.domain.errors import CareplanError
from careplan.fhir.digits import Digits, Json, dump

__all__ = [
    "DEPTH",
    "Digits",
    "Json",
    "Member",
    "Text",
    "TextUnparsable",
    "decoded",
    "dump",
    "edited",
    "entry_texts",
    "line_of",
    "members",
    "parse",
    "parse_list",
    "read_text",
    "stamp",
    "text_from_value",
    "tokens",
    "unparsable",
]

DEPTH = 64
"""How deep objects and arrays may nest unless the caller says otherwise."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NAME = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(r"[ \t\n\r]*([,}])")
_TOKEN = re.compile(r'[ \t\n\r]*([{}\[\],:]|"|[^ \t\n\r{}\[\],:"]+)')
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F])|.)")
_LOOKED_AT = 1_000_000
"""Letters of a text in which a fault is looked for; a second of work at most, whoever sends it."""
_LONG_INTEGER = 400
_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


class TextUnparsable(CareplanError):
    """The body is not one JSON object in UTF-8; the message names line and column, never the content."""

    code = "text-unparsable"


class Member(NamedTuple):
    """One member of a JSON object and where it stands in the text.

    lead         just after the `{` or `,` before it
    start, end   its value
    """

    name: str
    value: Json
    lead: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """A resource as it was written: its text, its value, and where its own members stand."""

    text: str
    value: dict[str, Json]
    members: tuple[Member, ...]


class _Duplicate(ValueError):
    """An object names a member twice; where, is found on a second look."""


def read_text(raw: bytes, *, depth: int = DEPTH) -> Text:
    """Read one JSON object strictly.

    Raises  TextUnparsable for wrong UTF-8, wrong JSON, a member named twice, NaN, half a surrogate
            pair, nesting beyond `depth`, or anything but one object
    """
    text = decoded(raw)
    start = _after_space(text, 0)
    if text[start : start + 1] not in ("{", "["):
        raise unparsable("a JSON object is expected", text, start)
    try:
        if text[start] == "[":
            _STRICT.raw_decode(text, start)
            raise unparsable("a JSON object is expected, not an array", text, start)
        members, end = _members(text, start, _STRICT)
    except json.JSONDecodeError as error:
        raise unparsable(_plain(error.msg), text, error.pos) from None
    except (_Duplicate, ArithmeticError, RecursionError):
        raise _looked_up(text, depth) from None
    if _after_space(text, end) != len(text):
        raise unparsable("nothing may follow the object", text, _after_space(text, end))
    value = {member.name: member.value for member in members}
    if len(value) != len(members) or (_opened(text) > depth and _deeper_than(value, depth)):
        raise _looked_up(text, depth)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(text)
    return Text(text, value, members)


def parse(raw: bytes, *, depth: int = DEPTH) -> dict[str, Json]:
    """The object in a JSON text; decimals are Digits. Raises TextUnparsable."""
    return read_text(raw, depth=depth).value


def parse_list(raw: bytes, *, depth: int = DEPTH) -> list[Json]:
    """The array in a JSON text, read as strictly as an object is. Raises TextUnparsable."""
    text = decoded(raw)
    start = _after_space(text, 0)
    if text[start : start + 1] != "[":
        raise unparsable("a JSON array is expected", text, start)
    try:
        value, end = _STRICT.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise unparsable(_plain(error.msg), text, error.pos) from None
    except (_Duplicate, ArithmeticError, RecursionError):
        raise _looked_up(text, depth) from None
    if _after_space(text, end) != len(text):
        raise unparsable("nothing may follow the array", text, _after_space(text, end))
    if _deeper_than(value, depth):
        raise _looked_up(text, depth)
    _check_surrogates(text)
    found: list[Json] = value
    return found


def text_from_value(value: dict[str, Json]) -> Text:
    """What we wrote ourselves as a text, without reading it again: its names plain, its numbers Digits or int."""
    parts: list[str] = []
    found: list[Member] = []
    at = 0
    for name, item in value.items():
        lead = at + 1
        head, body = f'{"," if found else "{"}"{name}":', _written(item)
        parts += (head, body)
        at += len(head) + len(body)
        found.append(Member(name, item, lead, at - len(body), at))
    return Text("".join(parts) + "}", value, tuple(found))


def stamp(source: bytes | Text, *, id: str, version_id: str, last_updated: str) -> tuple[bytes, int]:
    """The text with only its `id` and its `meta` version changed, every other byte kept; and where the instant begins.

    source        the text, or what `read_text` made of it, which saves parsing again
    last_updated  an R4 instant
    Raises        TextUnparsable
    """
    seen = source if isinstance(source, Text) else read_text(source)
    named = {member.name: member for member in seen.members}
    edits = []
    version = {"versionId": version_id, "lastUpdated": last_updated}
    fresh = ({} if "id" in named else {"id": id}) | ({} if "meta" in named else {"meta": version})
    if "id" in named:
        edits.append((named["id"].start, named["id"].end, _written(id)))
    if "meta" in named:
        edits.extend(_meta_edits(seen.text, named["meta"], version))
    if fresh:
        edits.append(_insertion(seen, fresh))
    text = edited(seen.text, edits)
    body, place = text.encode(), _place(edits, last_updated)
    return body, place if len(body) == len(text) else len(text[:place].encode())


def members(raw: bytes) -> dict[str, bytes]:
    """The exact text of each top-level member. Raises TextUnparsable."""
    seen = read_text(raw)
    return {member.name: seen.text[member.start : member.end].encode() for member in seen.members}


def entry_texts(bundle: Text) -> list[Text | None]:
    """`Bundle.entry[i].resource` as it stands there, in order; None where an entry holds no resource.

    What was read with the Bundle is not read again: only where the members stand is.
    """
    for member in bundle.members:
        if member.name == "entry" and isinstance(member.value, list):
            return list(_entry_texts(bundle.text, member))
    return []


def line_of(source: str, expression: str) -> int:
    """The line, counted from 1, on which the element of a FHIRPath-like expression begins.

    expression  `Patient.identifier[0].system`; what is not there counts as where its holder begins
    source      a text that `read_text` accepts
    """
    at = _after_space(source, 0)
    for name, index in _STEP.findall(expression.partition(".")[2]):
        held = {m.name: m.start for m in _members(source, at, _LOOSE)[0]} if source[at] == "{" else {}
        if name not in held:
            break
        at = held[name]
        if index and source[at] == "[":
            at = next((start for nth, start in enumerate(_item_starts(source, at)) if nth == int(index)), at)
    return source.count("\n", 0, at) + 1


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def _object_of_pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Duplicate
    return value


def _integer(text: str) -> int | Digits:
    """An int, or Digits where an int would lose the text (`-0`) or cost too much to make."""
    return Digits(text) if text == "-0" or len(text) > _LONG_INTEGER else int(text)


def _no_constant(name: str) -> Json:
    raise ArithmeticError(name)


_STRICT = json.JSONDecoder(
    object_pairs_hook=_object_of_pairs,
    parse_float=Digits,
    parse_int=_integer,
    parse_constant=_no_constant,
)
_LOOSE = json.JSONDecoder(parse_float=str, parse_int=str)


def decoded(raw: bytes) -> str:
    """Bytes as text, without a byte order mark. Raises TextUnparsable for what is not UTF-8."""
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        raise unparsable("the body is not UTF-8", before, len(before)) from None


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _members(text: str, at: int, decoder: json.JSONDecoder) -> tuple[tuple[Member, ...], int]:
    """The members of the object that opens at `at`, and where it ends."""
    found: list[Member] = []
    lead = at + 1
    at = _after_space(text, lead)
    if text[at : at + 1] == "}":
        return (), at + 1
    while True:
        plain = _NAME.match(text, lead)
        name, start = (plain[1], plain.end()) if plain else _name_with_escape(text, lead)
        value, end = decoder.raw_decode(text, start)
        found.append(Member(name, value, lead, start, end))
        following = _NEXT.match(text, end)
        if following is None:
            raise json.JSONDecodeError("Expecting ','", text, _after_space(text, end))
        lead = following.end()
        if following[1] == "}":
            return tuple(found), lead


def _name_with_escape(text: str, lead: int) -> tuple[str, int]:
    """A member's name that the plain way does not read, and where its value starts."""
    at = _after_space(text, lead)
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("Expecting property name", text, at)
    name, at = _LOOSE.raw_decode(text, at)
    return name, _after_space(text, _expect(text, at, ":"))


def _expect(text: str, at: int, sign: str) -> int:
    at = _after_space(text, at)
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting '{sign}'", text, at)
    return at + 1


def _item_starts(text: str, at: int) -> Iterator[int]:
    """Where each item of the array that opens at `at` starts. The text is known to be good."""
    at = _after_space(text, at + 1)
    while text[at] != "]":
        yield at
        _, end = _LOOSE.raw_decode(text, at)
        at = _after_space(text, end)
        at = _after_space(text, at + 1) if text[at] == "," else at


def _entry_texts(text: str, entries: Member) -> Iterator[Text | None]:
    at = _after_space(text, entries.start + 1)
    for entry in entries.value:
        found, end = _resource_in(text, at, entry) if text[at] == "{" else (None, _LOOSE.raw_decode(text, at)[1])
        yield found
        at = _after_space(text, _after_space(text, end) + 1)


def _resource_in(text: str, at: int, entry: dict[str, Json]) -> tuple[Text | None, int]:
    """The resource of the entry that opens at `at`, and where the entry ends. The text is known to be good."""
    found, lead = None, at + 1
    if not entry:
        return None, _after_space(text, lead) + 1
    for name, value in entry.items():
        start = _value_start(text, lead)
        if name == "resource" and type(value) is dict:
            members, end = _placed(text, start, value)
            found = Text(text[start:end], value, members)
        else:
            _, end = _LOOSE.raw_decode(text, start)
        lead = _after_space(text, end) + 1
    return found, lead


def _placed(text: str, at: int, value: dict[str, Json]) -> tuple[tuple[Member, ...], int]:
    """The members of an object that was read, placed from where it opens, and where it ends. The text is good."""
    found: list[Member] = []
    lead = at + 1
    if not value:
        return (), _after_space(text, lead) + 1
    for name, item in value.items():
        start = _value_start(text, lead)
        _, end = _LOOSE.raw_decode(text, start)
        found.append(Member(name, item, lead - at, start - at, end - at))
        lead = _after_space(text, end) + 1
    return tuple(found), lead


def _value_start(text: str, lead: int) -> int:
    """Where the value of the member begins whose name follows."""
    plain = _NAME.match(text, lead)
    return plain.end() if plain else _name_with_escape(text, lead)[1]


def _opened(text: str) -> int:
    """How many objects and arrays a text opens at most."""
    return text.count("{") + text.count("[")


def _deeper_than(value: Json, limit: int) -> bool:
    """Whether containers nest deeper than `limit`, counted level by level."""
    level = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return False
    return True


def _check_surrogates(text: str) -> None:
    """Refuse half a surrogate pair, which cannot be written as UTF-8."""
    lone = next((escape for escape in _ESCAPE.finditer(text) if escape[1]), None)
    if lone is not None:
        raise unparsable("half a surrogate pair", text, lone.start())


# ── looking again, slowly: only for faults ───────────────────────────────────────────────────────


def tokens(text: str) -> Iterator[tuple[str, str, int, int]]:
    """(sign, value, start, end) for each token; strings have the sign `"` and their decoded value."""
    at = 0
    while found := _TOKEN.match(text, at):
        start, at = found.start(1), found.end(1)
        sign = found[1]
        value = sign
        if sign == '"':
            value, at = _LOOSE.raw_decode(text, start)
        yield sign, value, start, at


def _looked_up(text: str, depth: int) -> TextUnparsable:
    """What is wrong with a text that the fast reading refused without saying where."""
    names: list[set[str] | None] = []
    before = ""
    for sign, value, start, _ in tokens(text):
        if start > _LOOKED_AT:
            why = f"from here on a member is named twice, a number is out of range, or nesting is deeper than {depth}"
            return unparsable(why, text, start)
        if sign in ("{", "["):
            names.append(set() if sign == "{" else None)
            if len(names) > depth:
                return unparsable(f"nested deeper than {depth}", text, start)
        elif sign in ("}", "]"):
            names.pop()
        elif sign == '"' and before in ("{", ",") and (seen := names[-1]) is not None:
            if value in seen:
                return unparsable("a member is named twice", text, start)
            seen.add(value)
        elif sign not in (",", ":", '"') and _number_refused(value):
            return unparsable("a number out of range", text, start)
        before = sign
    return unparsable("the text cannot be read", text, len(text))


def _number_refused(word: str) -> bool:
    if word in ("true", "false", "null"):
        return False
    try:
        return not Digits(word).is_finite()
    except ArithmeticError:
        return True


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def _refuse(value: Json) -> Json:
    raise TypeError(type(value).__name__)


_PLAIN = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_refuse
).encode


def _written(value: Json) -> str:
    """As `dump` writes it; the standard library's way, which knows no Digits, is the faster one."""
    try:
        return _PLAIN(value)
    except TypeError:
        return dump(value).decode()


def _meta_edits(text: str, meta: Member, version: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """The edits that put the version into a `meta` that is there."""
    if not isinstance(meta.value, dict):
        return [(meta.start, meta.end, _written(version))]
    inner, _ = _members(text, meta.start, _LOOSE)
    there = {member.name: member for member in inner}
    edits = [(there[n].start, there[n].end, _written(v)) for n, v in version.items() if n in there]
    fresh = [(name, value) for name, value in version.items() if name not in there]
    if fresh:
        lead, colon = _manner(text, inner[0]) if inner else ("", ":")
        put = ",".join(f"{lead}{_written(name)}{colon}{_written(value)}" for name, value in fresh)
        edits.append((meta.start + 1, meta.start + 1, put + "," if inner else put))
    return edits


def _insertion(seen: Text, fresh: Mapping[str, Json]) -> tuple[int, int, str]:
    """The edit that adds members after `resourceType`, spaced as that one is."""
    for member in seen.members:
        if member.name == "resourceType":
            lead, colon = _manner(seen.text, member)
            put = "".join(f",{lead}{_written(n)}{colon}{_written(v)}" for n, v in fresh.items())
            return member.end, member.end, put
    raise unparsable("resourceType is missing", seen.text, 0)


def _manner(text: str, member: Member) -> tuple[str, str]:
    """How a member is spaced: what stands before its name, and between name and value."""
    name = _after_space(text, member.lead)
    _, end = _LOOSE.raw_decode(text, name)
    return text[member.lead : name], text[end : member.start]


def edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    """The text with (start, end, what stands there instead) carried out."""
    parts, at = [], 0
    for start, end, put in sorted(edits):
        parts += [text[at:start], put]
        at = end
    return "".join([*parts, text[at:]])


def _place(edits: list[tuple[int, int, str]], text: str) -> int:
    """Where a text stands, once the edits are carried out, that one of them puts in."""
    at, holder = next((start, put) for start, _, put in edits if text in put)
    return at + holder.index(text) + sum(len(put) - (end - start) for start, end, put in edits if start < at)


def _plain(message: str) -> str:
    """The reader's own word for a fault, without the trailing `at` it expects a position after."""
    return message.rstrip(": ").removesuffix(" at").removesuffix(" starting")


def unparsable(what: str, text: str, at: int) -> TextUnparsable:
    """The refusal of a text, naming line and column."""
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return TextUnparsable(f"line {line}, column {column}: {what}")
