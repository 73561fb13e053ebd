"""What a page says of its form as it was kept (*kladde*): whose it is and when, what is offered, what was overtaken.

A form that keeps drafts carries two numbers: `kladde` of what it was filled in with, and `tilbudt` of what was offered
beside it. With our script it is kept by itself: `data-draft` on the form, and an answer of a few words (`answer`).
Not here: whether it may be kept, and how it is stored (`careplan.interactions.kept_form`); what the fields mean, which
is the page's own matter (`control_kept`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import JSONResponse, Response

from careplan.fhir.instant import COPENHAGEN
from careplan.interactions.kept_form import Filled, KeptByOthers, KeptForm, keep
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.form import Form
from careplan.views.frame import HEADERS
from careplan.views.measured import MARK
from careplan.views.page import Opened

KEEP, DISCARD, FETCH, UNDO = "kladde", "kasser", "hent", "fortryd"
"""What the buttons do."""
NUMBER, OFFERED, QUIET = "kladde", "tilbudt", "stille"
"""Fields: what the form goes on from, what was offered beside it, and that a script sends it."""

DISCARDED = "kladde-kasseret"
"""The notice after it."""

OLD = timedelta(days=30)
"""What is older is offered and not filled in."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field where two drafts are not the same, in words."""

    name: str
    own: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands on the page.

    number   what the form goes on from: a field of it; offered: likewise
    says     who kept it, when; empty where nothing is kept
    offer    why it is not filled in; empty where it is
    newer    that somebody else kept another meanwhile; rows: where it is another
    undo     whether what was just discarded can be had back: `number` is of that, then
    """

    number: str = ""
    offered: str = ""
    says: str = ""
    offer: str = ""
    newer: str = ""
    rows: tuple[Difference, ...] = ()
    undo: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether a script may keep the form by itself: nothing waits for the one who fills it in."""
        return not (self.offer or self.newer)


def filled_from_form(form: Form, keeps: Callable[[str], bool], rests: Sequence[str]) -> Filled:
    """What is to be kept of a form: the fields that hold something, as they were typed."""
    fields = {name: texts for name, texts in form.values.items() if keeps(name) and any(one.strip() for one in texts)}
    return Filled(form.text(MARK), frozenset(rests), fields)


def seen_by(form: Form, *names: str) -> frozenset[int]:
    """The numbers that a form says it has seen."""
    return frozenset(number for name in names if (number := form.whole(name)) is not None)


def is_own(kept: KeptForm | None, form: Form) -> bool:
    """Whether a form goes on from what is kept."""
    return kept is not None and not kept.overtakes(seen_by(form, NUMBER), form.text(MARK))


def is_old(kept: KeptForm, now: datetime) -> bool:
    return now - kept.at > OLD


def line_of(kept: KeptForm, t: Catalogue) -> str:
    """«Kladde gemt 22.11.2026 kl. 10.05 af Mette Holm.»"""
    return t("kept.line", at=wording.time_text(kept.at, t), who=kept.who)


def going_on(kept: KeptForm, t: Catalogue, *more: str) -> Draft:
    """Of a form that is filled in with it."""
    return Draft(number=str(kept.number), says=" ".join([line_of(kept, t), *more]))


def offered(kept: KeptForm, why: str, t: Catalogue) -> Draft:
    """Of a form that is not."""
    return Draft(offered=str(kept.number), says=line_of(kept, t), offer=why)


def overtaken(kept: KeptForm, rows: tuple[Difference, ...], t: Catalogue) -> Draft:
    """Of a form that has not seen it: from here on it has."""
    newer = t("kept.newer-says", at=wording.time_text(kept.at, t), who=kept.who)
    return Draft(number=str(kept.number), says=line_of(kept, t), newer=newer, rows=rows)


async def answer(opened: Opened, page: str, patient: str, filled: Filled) -> Response:
    """To a script: that the form is kept, or that another was; never a page. Raises Forbidden, StoreUnavailable."""
    t = opened.t
    try:
        kept = await keep(opened.context, page, patient, filled, seen_by(opened.form, NUMBER), quiet=True)
    except KeptByOthers:
        return JSONResponse({"says": t("kept.newer-short")}, 409, headers=dict(HEADERS))
    if kept is None:
        return JSONResponse({NUMBER: "", "says": ""}, headers=dict(HEADERS))
    here = kept.at.astimezone(COPENHAGEN)
    says = t("kept.short", hour=f"{here:%H}", minute=f"{here:%M}")
    told = {NUMBER: str(kept.number), "says": says, "line": line_of(kept, t)}
    return JSONResponse(told, headers=dict(HEADERS))
