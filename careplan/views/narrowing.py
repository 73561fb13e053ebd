"""What a worker has narrowed the worklist to, kept on this browser for them and nobody else who works at it.

The cookie names plan types and nothing of patients; whose it is stands in its name as a digest.
"""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs, urlencode

from starlette.responses import Response

from careplan.views.page import Opened
from careplan.views.session import read_cookie, write_cookie

SECONDS = 180 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Narrowing:
    """plan: one plan type, empty for all. mine: only those the worker is responsible for."""

    plan: str = ""
    mine: bool = False

    @property
    def some(self) -> bool:
        return bool(self.plan or self.mine)


def narrowing_of(opened: Opened) -> Narrowing:
    """As the address says, else as it was last time."""
    if opened.asked.has("plan"):
        return _valid(opened, opened.asked.text("plan"), opened.asked.text("ansvarlig") == "mig")
    kept = parse_qs(read_cookie(opened.request, _name(opened)))
    return _valid(opened, "".join(kept.get("plan", ())), "mine" in kept)


def keep_narrowing(opened: Opened, response: Response, narrowing: Narrowing) -> None:
    """For the next time, where the address has just said it."""
    if opened.asked.has("plan"):
        fields = {"plan": narrowing.plan} | ({"mine": "1"} if narrowing.mine else {})
        write_cookie(opened.request, response, _name(opened), urlencode(fields), SECONDS if narrowing.some else 0)


def _valid(opened: Opened, plan: str, mine: bool) -> Narrowing:
    return Narrowing(plan if plan in opened.context.knowledge.plans else "", mine)


def _name(opened: Opened) -> str:
    caller = opened.context.caller
    return f"liste-{sha256(f'{caller.reference} {caller.organization}'.encode()).hexdigest()[:12]}"
