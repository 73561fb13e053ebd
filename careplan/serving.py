"""The commands that serve: the invented clinic of the demo, and the service itself, in one process or several.

Not here: what is served (`app`), and the demo's data (`demo`).
"""

import argparse
import asyncio
import os
import secrets
import sys
from datetime import datetime
from typing import Any

import uvicorn

from careplan.api.wire import Wire
from careplan.app import LOOPBACK, create_app, prepare_store
from careplan.demo import prepare_demo
from careplan.fhir.instant import COPENHAGEN
from careplan.settings import Settings

GRACE = 15
"""Seconds that requests at work have when the service is told to stop."""


def demo(parsed: argparse.Namespace, settings: Settings) -> int:
    """`careplan demo`: on this machine alone; people are chosen, not signed in. Nothing else makes a demo."""
    on = datetime.now(COPENHAGEN).date()
    settings = prepare_demo(settings, parsed.store, parsed.patients, parsed.seed, on, _tell)
    sys.stdout.write(
        f"\n  Forløbsplan demo: http://127.0.0.1:{parsed.port}/\n"
        "  Choose who you are: a patient (Anna, Birthe, …), a nurse or doctor of Lægehuset Nord,\n"
        "  or the visitator of Nordby Kommune. Everybody is invented.\n"
        f"  FHIR:  http://127.0.0.1:{parsed.port}/fhir/metadata\n"
        "  Stop with Ctrl-C.\n\n"
    )
    sys.stdout.flush()
    app = create_app(settings, demo=True)
    uvicorn.run(app, host="127.0.0.1", port=parsed.port, log_level="warning", **_wire(settings))
    return 0


def serve(parsed: argparse.Namespace, settings: Settings) -> int:
    """`careplan serve`: 2 for what would answer others without sign-in."""
    if settings.auth == "none" and parsed.host not in LOOPBACK:
        _tell(f"careplan: --auth none answers everybody, so it listens on 127.0.0.1 only, not on {parsed.host}")
        return 2
    asyncio.run(prepare_store(settings))
    os.environ["CAREPLAN_STORE"], os.environ["CAREPLAN_AUTH"] = settings.store, settings.auth
    if not settings.secret and settings.secret_file is None:
        os.environ["CAREPLAN_SECRET"] = secrets.token_urlsafe(32)  # one for all workers: any may get the next page
    uvicorn.run(
        "careplan.app:app_from_environment",
        factory=True,
        host=parsed.host,
        port=parsed.port,
        workers=parsed.workers,
        log_level="info",
        access_log=False,
        **_wire(settings),
    )
    return 0


def _wire(settings: Settings) -> dict[str, Any]:
    """How connections are spoken with; what a proxy says the application reads itself, by `trusted_proxies`."""
    return {
        "http": Wire,
        "ws": "none",
        "proxy_headers": False,
        "timeout_keep_alive": settings.keep_alive_seconds,
        "timeout_graceful_shutdown": GRACE,
    }


def _tell(text: str, end: str = "\n") -> None:
    sys.stderr.write(text + end)
    sys.stderr.flush()
