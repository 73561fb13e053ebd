"""`/healthz`: the process answers. `/readyz`: its store does too, so traffic may come."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from careplan.api.door import door_of

log = logging.getLogger("careplan.api")

HEALTH = frozenset({"/healthz", "/readyz"})
"""Addresses that whoever watches over the service asks as often as they like."""


def operation_routes() -> list[Route]:
    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]


async def healthz(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> JSONResponse:
    try:
        await door_of(request).house.store.changes(0, 1)
    except Exception as error:
        log.error("readiness: the store ended with %s", type(error).__name__)
        return JSONResponse({"status": "store-unavailable"}, 503)
    return JSONResponse({"status": "ready"})
