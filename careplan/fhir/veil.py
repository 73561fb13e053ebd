"""Parameters of a search that identify somebody, sealed in the links of its pages: addresses end up in logs.

A person number never stands in a link. What came in a body, by form or in a batch, names nobody in a link either. The
sealed parameter says to us alone what was asked, so that following a link asks the same again; the others stay as
they are.
https://hl7.org/fhir/R4/search.html#conformance (`self`) · https://hl7.org/fhir/R4/http.html#search (POST)
"""

import json
import re
from collections.abc import Iterable

from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.page_link import sign, unsign
from careplan.fhir.reference import CPR
from careplan.fhir.search import Pairs

VEIL = "_sealed"
"""Name of the parameter that holds what nobody else is to read."""

_IDENTIFYING = frozenset(
    "identifier name given family phonetic birthdate death-date address address-city address-postalcode telecom phone "
    "email".split()
)
_STEP = re.compile(r"[.:]")
_BINDING = "veil"


def veiled(pairs: Iterable[tuple[str, str]], secret: bytes, *, openly: bool) -> tuple[tuple[str, str], ...]:
    """The pairs as they may stand in an address.

    openly  whether the caller wrote them into an address; then only person numbers are sealed
    """
    listed = list(enumerate(pairs))
    hidden = [(place, name, value) for place, (name, value) in listed if _identifies(name, value, openly)]
    if not hidden:
        return tuple(pair for _, pair in listed)
    kept = {place for place, _, _ in hidden}
    sealed = sign(json.dumps(hidden, ensure_ascii=False, separators=(",", ":")), _BINDING, secret)
    return (*(pair for place, pair in listed if place not in kept), (VEIL, sealed))


def unveiled(pairs: Pairs, secret: bytes) -> list[tuple[str, str]]:
    """The pairs as they were asked first. Raises ParameterInvalid for a seal that is not ours."""
    found = [(name, value) for name, value in pairs if name != VEIL]
    for _, sealed in (pair for pair in pairs if pair[0] == VEIL):
        for place, name, value in json.loads(_opened(sealed, secret)):
            found.insert(place, (name, value))
    return found


def _opened(sealed: str, secret: bytes) -> str:
    try:
        return unsign(sealed, _BINDING, secret)
    except ParameterInvalid:
        raise ParameterInvalid(f"{VEIL} is not of this service; send the search again, with POST _search") from None


def _identifies(name: str, value: str, openly: bool) -> bool:
    if CPR.search(value):
        return True
    return not openly and not _IDENTIFYING.isdisjoint(_STEP.split(name))
