"""What a parameter asks of other resources: chains (`subject:Patient.name`) and `_has`, as Links.

A chain is never left out: what it names and we do not offer is refused, since without it too much would be found.
Not here: what a value means (`criterion`), and whether the caller may look there (access).
https://hl7.org/fhir/R4/search.html#chaining · https://hl7.org/fhir/R4/search.html#has · checklist R4-98, R4-99
"""

from collections.abc import Iterator

from careplan.fhir import registry
from careplan.fhir.criterion import ParameterInvalid, criterion_from_text
from careplan.fhir.query import Criterion, IdIs, Link, Query

HAS = "_has"
MOST_HOPS = 4
"""From one resource to the next, in one parameter."""


def asked_of(row: registry.Row, key: str, value: str, base: str, hops: int = MOST_HOPS) -> Criterion | Link | None:
    """What `key=value` asks of a type: of its resources themselves, or of others that they are tied to.

    hops    how many more resources it may go through
    Returns None when it asks nothing: `_id:missing=false`
    Raises  ParameterInvalid, also for a parameter that the type does not have
    """
    name, colon, modifier = key.partition(":")
    if name == HAS:
        return _reverse_link(row, key, value, base, hops)
    if "." in key:
        return _link(row, key, value, base, hops)
    parameter = row.parameter(name)
    if parameter is None:
        raise ParameterInvalid(f"{row.name} has no search parameter {name[:64]}")
    if colon and not modifier:
        raise ParameterInvalid(f"{name} has no modifier : here; leave the colon out, or name one")
    return _settled(criterion_from_text(parameter, modifier, value, base))


def is_chained(row: registry.Row, key: str) -> bool:
    """Whether a key asks something of another resource, so that it must not be left out."""
    return key.partition(":")[0] == HAS or ("." in key and row.parameter(_head(key)) is not None)


def branches(link: Link) -> Iterator[Query]:
    """Every query that a link leads through, however deep."""
    for query in link.queries:
        yield query
        for one in query.links:
            yield from branches(one)


def _settled(criterion: Criterion) -> Criterion | None:
    """Every resource has an id and an instant: `_id:missing=true` finds nothing, `false` says nothing (None)."""
    if criterion.missing is None or criterion.parameter not in ("_id", "_lastUpdated"):
        return criterion
    return Criterion("_id", "id", (IdIs(""),)) if criterion.missing else None


def _head(key: str) -> str:
    return key.partition(".")[0].partition(":")[0]


def _link(row: registry.Row, key: str, value: str, base: str, hops: int) -> Link:
    name, rest = _head(key), key.partition(".")[2]
    types = _types(row, key, hops)
    if not types:
        raise ParameterInvalid(
            f"{key[:64]}: {row.name} has no reference {name[:64]} to a type that has the rest; where any type may be, "
            "name it, as in focus:Observation.code"
        )
    return Link(name, tuple(_query(one, rest, value, base, hops - 1) for one in types))


def _types(row: registry.Row, key: str, hops: int) -> tuple[str, ...]:
    """Types that the first step of a chain may lead to and that have the rest; where any type may be, one is named."""
    _check_hops(hops)
    step, _, rest = key.partition(".")
    name, colon, wanted = step.partition(":")
    parameter = row.parameter(name)
    if parameter is None or (colon and not wanted):
        return ()
    targets = (wanted,) if wanted else parameter.targets
    return tuple(one for one in targets if parameter.leads_to(one) and _reaches(row, one) and _has(one, rest, hops - 1))


def _has(type_name: str, key: str, hops: int) -> bool:
    """Whether a type can be asked this."""
    row = registry.row(type_name)
    if key.partition(":")[0] == HAS:
        return _looking_back(row, key) is not None
    return bool(_types(row, key, hops)) if "." in key else row.parameter(_head(key)) is not None


def _reaches(row: registry.Row, type_name: str) -> bool:
    """Whether both types are served, from one store: what is published is not tied to the records of patients."""
    return registry.known(type_name) and registry.row(type_name).read_only == row.read_only


def _reverse_link(row: registry.Row, key: str, value: str, base: str, hops: int) -> Link:
    """`_has:Observation:patient:code`: the type that points here, by which parameter, and what it has to fulfil."""
    _check_hops(hops)
    found = _looking_back(row, key)
    if found is None:
        raise ParameterInvalid(f"{key[:64]}: _has names a type, its reference to {row.name} and a parameter of it")
    source, name, rest = found
    return Link(name, (_query(source, rest, value, base, hops - 1),), reverse=True)


def _looking_back(row: registry.Row, key: str) -> tuple[str, str, str] | None:
    """The type, its reference that may lead to the row's, and what is asked; None when there is no such reference."""
    source, name, rest = [*key.split(":", 3)[1:], "", "", ""][:3]
    parameter = registry.row(source).parameter(name) if _reaches(row, source) else None
    return (source, name, rest) if parameter is not None and parameter.leads_to(row.name) and rest else None


def _check_hops(hops: int) -> None:
    if hops == 0:
        raise ParameterInvalid(f"a search follows at most {MOST_HOPS} references in one parameter, one after another")


def _query(type_name: str, key: str, value: str, base: str, hops: int) -> Query:
    asked = asked_of(registry.row(type_name), key, value, base, hops)
    if isinstance(asked, Link):
        return Query(type_name, links=(asked,))
    return Query(type_name, () if asked is None else (asked,))
