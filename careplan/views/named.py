"""Whom the address of a page names: for the audit log, where the page is refused before anybody's record is met.

Not here: which pages there are (`pages`), and what becomes of the note (`interactions.named`). R4-121
"""

from collections.abc import Iterator

from starlette.requests import Request

from careplan.fhir.reference import Target

ABOUT: tuple[tuple[str, str], ...] = (
    ("/patient/", "Patient"),
    ("/borger/", "Patient"),
    ("/print/Patient/", "Patient"),
    ("/beskeder/", "Task"),
    ("/vaerdispring/gennemgang/", "Consent"),
    ("/plan/hjemmemaaling/tal/", "Observation"),
    ("/plan/adgang/fuldmagt/", "Consent"),
    ("/plan/adgang/spaerring/", "Consent"),
    ("/plan/adgang/henvisning/", "ServiceRequest"),
)
"""What `{id}` is of, by how an address begins."""

PARTS = {"task": "Task", "goal": "Goal"}
"""What other parts of an address are of."""

RECEIPT = "/plan/hjemmemaaling/"
"""Below it a value is named in the query."""


def targets_of_address(request: Request) -> Iterator[Target]:
    """The patients and resources that an address names."""
    for name, id in request.path_params.items():
        kinds = (kind for begins, kind in ABOUT if request.url.path.startswith(begins))
        kind = next(kinds, None) if name == "id" else PARTS.get(name)
        if kind is not None:
            yield Target(kind, str(id))
    if request.url.path.startswith(RECEIPT) and (id := request.query_params.get("id")):
        yield Target("Observation", id)
