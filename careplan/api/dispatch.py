"""FHIR requests straight to their route: an address is looked up by its shape, not tried against every route.

A shorter way for what is served, and nothing else: an address or method that fits none of the routes goes on to the
application, whose router has the same routes and says 404 or 405. Not here: what a route does.
"""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

_SIGNS = ("_", "$", "")
"""What the last step of an address begins with: the name of a search or a history, of an operation, anything else."""
_MARKED = frozenset("_${")


class Dispatch:
    """Middleware: answers by the first of these routes that fits address and method, and passes everything else on."""

    def __init__(self, app: ASGIApp, routes: Iterable[Route]) -> None:
        self.app = app
        self.routes: dict[tuple[int, str], list[Route]] = {}
        for route in routes:
            steps, sign = _shape(route.path)
            for fitting in _SIGNS if sign == "{" else (sign,):
                self.routes.setdefault((steps, fitting), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._find(scope) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        response = await route.endpoint(Request(scope, receive))
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> Route | None:
        """The route, its parts of the address put into the scope. A parameter of a path never holds a slash."""
        path = scope["path"]
        for route in self.routes.get(_shape(path), ()):
            found = route.path_regex.match(path)
            if found is not None and scope["method"] in (route.methods or ()):
                scope["path_params"] = found.groupdict()
                return route
        return None


def _shape(path: str) -> tuple[int, str]:
    """How many steps a path has, and what its last one begins with: a sign of `_SIGNS`, or `{` in a pattern."""
    sign = path.rpartition("/")[2][:1]
    return path.count("/"), sign if sign in _MARKED else ""
