"""What a search brings along: the value of `_include` or `_revinclude` as an Include.

Not here: following it (interactions). https://hl7.org/fhir/R4/search.html#include · checklist L
"""

from careplan.fhir import registry
from careplan.fhir.query import Include

EVERY = "*"

KEYS = frozenset({"_include", "_include:iterate", "_revinclude", "_revinclude:iterate"})


def is_offered(row: registry.Row, key: str, value: str) -> bool:
    """Whether a search of a type has this include. key: one of KEYS."""
    reverse, iterate = key.startswith("_revinclude"), key.endswith(":iterate")
    return find_include(row, value, reverse=reverse, iterate=iterate) is not None


def find_include(row: registry.Row, value: str, *, reverse: bool, iterate: bool) -> Include | None:
    """`CarePlan:subject`, `CarePlan:subject:Patient`, `*`; None for what is not offered.

    row      the type searched, which an include starts from (or leads to, when reverse) unless it iterates
    """
    source, _, rest = value.partition(":")
    parameter, _, target = rest.partition(":")
    if parameter == EVERY or value == EVERY:
        return _every(row, value, iterate) if not (reverse or target) else None
    known = registry.row(source).parameter(parameter) if registry.known(source) else None
    if known is None or known.kind != "reference" or (target and not known.leads_to(target)):
        return None
    fits = _leads_back(row, known, target) if reverse else source == row.name
    return Include(source, parameter, target or None, reverse, iterate) if fits or iterate else None


def _every(row: registry.Row, value: str, iterate: bool) -> Include | None:
    """All references of the type searched; of whatever was brought, when it iterates."""
    source = value.partition(":")[0]
    if source == EVERY:
        return Include(EVERY if iterate else row.name, EVERY, iterate=iterate)
    fits = source == row.name or (iterate and registry.known(source))
    return Include(source, EVERY, iterate=iterate) if fits else None


def _leads_back(row: registry.Row, parameter: registry.Parameter, target: str) -> bool:
    return parameter.leads_to(row.name) and target in ("", row.name)
