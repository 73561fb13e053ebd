"""One search over several types: of a patient's record, or of everything here.

Every parameter has to be one of each of the types. The matches come type by type, in the order of the registry;
`_sort` takes `_id` and `_lastUpdated`, and orders the matches of each type among themselves.
Not here: searches of one type (`search`), and running any of them (interactions).
https://hl7.org/fhir/R4/http.html#search · https://hl7.org/fhir/R4/compartmentdefinition.html · checklist R4-100, R4-101
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from careplan.fhir import registry
from careplan.fhir.criterion import ParameterInvalid, split
from careplan.fhir.query import Query
from careplan.fhir.search import MOST_PARAMETERS, Pairs, ParameterUnsupported, parse

TYPE = "_type"
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
    base: str,
    maximum: int,
    count: int,
    patient: str | None = None,
    parameters: int = MOST_PARAMETERS,
) -> Across:
    """What a search of these types asks; `patient`: only of that patient's record.

    A parameter that one of them does not have is refused, lenient or not: left out, it would find too much.
    Raises TypeUnknown, ParameterInvalid, ParameterUnsupported
    """
    if not types:
        raise ParameterInvalid("there is no type to search here")
    listed = tuple((key, value) for key, value in pairs if key == TYPE and value.strip())
    others = [(key, value) for key, value in pairs if key != TYPE]
    asked = [
        parse(one, others, strict=True, base=base, maximum=maximum, count=count, parameters=parameters) for one in types
    ]
    _check_order(asked[0])
    queries = tuple(replace(one, patient=patient) for one in asked)
    first = queries[0]
    includes = tuple(dict.fromkeys(include for one in queries for include in one.includes))
    shape = replace(first, type="", criteria=(), links=(), includes=includes, used=(*listed, *first.used))
    return Across(queries, shape)


def _check_order(query: Query) -> None:
    for order in query.orders:
        if order.parameter not in _SORTED:
            raise ParameterUnsupported(
                f"_sort={order.parameter}: several types are sorted by _id and _lastUpdated only"
            )


def record_types() -> tuple[str, ...]:
    """The types that can be part of a patient's record."""
    return tuple(row.name for row in registry.ROWS if row.compartment)
