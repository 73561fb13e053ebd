"""The short way to a route leads where the router would."""

import itertools

import pytest
from starlette.routing import Match

from careplan.api.dispatch import Dispatch
from careplan.api.door import FHIR
from careplan.api.routes import fhir_routes

STEPS = ("Patient", "p1", "_history", "_search", "$validate", "3", "metadata", "", "..", "å b", "$export")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ADDRESSES = ["", FHIR[:-1]] + [
    FHIR + "".join(f"/{step}" for step in steps)
    for number in range(5)
    for steps in itertools.product(STEPS, repeat=number)
]


@pytest.mark.parametrize("method", METHODS)
def test_an_address_leads_to_the_route_that_the_router_would_take(method):
    routes = fhir_routes()
    dispatch = Dispatch(lambda scope, receive, send: None, routes)
    found = 0
    for path in ADDRESSES:
        scope = {"type": "http", "path": path, "method": method}
        matched = ((route, *route.matches(dict(scope))) for route in routes)
        wanted, child = next(((route, child) for route, match, child in matched if match is Match.FULL), (None, {}))
        assert dispatch._find(scope) is wanted
        assert scope.get("path_params") == child.get("path_params")
        found += wanted is not None
    assert (found > 0) == (method != "OPTIONS")
