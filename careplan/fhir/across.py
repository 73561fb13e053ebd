"""One search over several types: of a patient's record, or of everything here.

Every parameter has to be one of each of the types; an include, of one of them. The matches come type by type, in the
order of the registry; `_sort` takes `_id` and `_lastUpdated`, and orders the matches of each type among themselves.
Where only one type is searched after all, it is sorted by whatever it has.
Not here: searches of one type (`search`), and running any of them (interactions).
https://hl7.org/fhir/R4/http.html#search · https://hl7.org/fhir/R4/compartmentdefinition.html · checklist R4-100, R4-101
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from careplan.fhir import registry
from careplan.fhir.criterion import ParameterInvalid, split
from careplan.fhir.include import KEYS, is_offered
from careplan.fhir.query import Query
from careplan.fhir.search import MOST_PARAMETERS, Pairs, ParameterUnsupported, find_order, parse

TYPE = "_type"
SORT = "_sort"
_SORTED = frozenset({"_id", "_lastUpdated"})


@dataclass(frozen=True, slots=True)
class Across:
    """The same search of several types.

    queries  one for each type, in the order of the registry; all ask for the same page size, total and shape
    shape    what they have in common, with `_type` among its used parameters; its own type is ""
    """

    queries: tuple[Query, ...]
    shape: Query


def types_asked(pairs: Pairs) -> tuple[str, ...] | None:
    """The types that `_type` names, in the order of the registry; None when it does not. Raises TypeUnknown."""
    listed = [name.strip() for key, value in pairs if key == TYPE for name in split(value, ",") if name.strip()]
    if not listed:
        return None
    asked = {registry.row(name).name for name in listed}
    return tuple(row.name for row in registry.ROWS if row.name in asked)


def parse_across(
    types: Sequence[str],
    pairs: Pairs,
    *,
    strict: bool,
    base: str,
    maximum: int,
    count: int,
    patient: str | None = None,
    parameters: int = MOST_PARAMETERS,
) -> Across:
    """What a search of these types asks; `patient`: only of that patient's record.

    A parameter that one of them does not have is refused, lenient or not: left out, it would find too much.
    strict  refuse sort keys and includes that are of no use to them; else these are left out and listed in `ignored`
    Raises  TypeUnknown, ParameterInvalid, ParameterUnsupported
    """
    if not types:
        raise ParameterInvalid("there is no type to search here")
    rows = [registry.row(one) for one in types]
    listed = tuple((key, value) for key, value in pairs if key == TYPE and value.strip())
    sent = [(key, value) for key, value in pairs if key != TYPE and value.strip()]
    ignored = tuple(dict.fromkeys(what[:64] for key, value in sent for what in _useless(rows, key, value)))
    if strict and ignored:
        raise ParameterUnsupported(_refusal(rows, ignored[0]))
    sent = [(key, _usable_keys(rows, value) if key == SORT else value) for key, value in sent]
    read = partial(parse, strict=True, base=base, maximum=maximum, count=count, parameters=parameters)
    queries = tuple(replace(read(row.name, _own(row, sent)), patient=patient) for row in rows)
    includes = tuple(dict.fromkeys(include for one in queries for include in one.includes))
    used = tuple(dict.fromkeys(pair for one in queries for pair in one.used))
    common = replace(queries[0], type="", criteria=(), links=())
    return Across(queries, replace(common, includes=includes, used=(*listed, *used), ignored=ignored))


def _own(row: registry.Row, pairs: Pairs) -> Pairs:
    """What is asked of a type: everything but the includes of the others."""
    return [(key, value) for key, value in pairs if key not in KEYS or is_offered(row, key, value)]


def _useless(rows: Sequence[registry.Row], key: str, value: str) -> Iterator[str]:
    """Sort keys that these types are not sorted by, and an include that none of them has."""
    if key == SORT:
        yield from (f"{SORT}={one}" for one in _sort_keys(value) if not _sorts(rows, one))
    elif key in KEYS and not any(is_offered(row, key, value) for row in rows):
        yield f"{key}={value}"


def _usable_keys(rows: Sequence[registry.Row], value: str) -> str:
    return ",".join(one for one in _sort_keys(value) if _sorts(rows, one))


def _sort_keys(value: str) -> list[str]:
    return [key for key in split(value, ",") if key.strip()]


def _sorts(rows: Sequence[registry.Row], key: str) -> bool:
    return find_order(rows[0], key) is not None if len(rows) == 1 else key.removeprefix("-") in _SORTED


def _refusal(rows: Sequence[registry.Row], what: str) -> str:
    if len(rows) == 1:
        return f"{rows[0].name} has no search parameter {what} here"
    if what.startswith(SORT):
        return f"{what}: several types are sorted by _id and _lastUpdated only"
    return f"{what}: none of the types searched has this include"


def record_types() -> tuple[str, ...]:
    """The types that can be part of a patient's record."""
    return tuple(row.name for row in registry.ROWS if row.compartment and row.name != registry.LOG)
