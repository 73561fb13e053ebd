"""Our own application without its audit log, to measure what the log costs. Nothing else serves it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI

from careplan.app import app_from_environment


def app() -> FastAPI:
    """As `serve` has it, but that nothing is kept of who reads."""
    made = app_from_environment()
    opened = made.router.lifespan_context

    @asynccontextmanager
    async def silent(application: FastAPI) -> AsyncIterator[None]:
        async with opened(application):
            door = application.state.door
            application.state.door = replace(door, house=replace(door.house, journal=None))
            yield

    made.router.lifespan_context = silent
    return made
