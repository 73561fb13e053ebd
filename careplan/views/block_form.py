"""B7 «Spærring»: deny an organisation or one who works there the plan, or a part of it; and lift it again.

Whom one can choose are those who can see the plan, have looked at it or were let in, and who works there; a name that
a patient knows is no secret, who looked is (`access_log`). What is kept is `interactions.block`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from careplan.fhir.case import receivers_of
from careplan.fhir.text import Json
from careplan.fhir.trust import KINDS
from careplan.interactions.access_log import read_access_log
from careplan.interactions.agreed_consent import Said
from careplan.interactions.block import block, find_block, kind_of, lift
from careplan.interactions.sharing import read_sharing
from careplan.interactions.staff import staff_of
from careplan.views.confirming import BACK, Question, Standing, ask, check_own, is_sure, take_back
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.form import Form
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient
from careplan.views.sharing import PAGE, named

FORM = f"{PAGE}/spaerring"
LOOKED = 40
"""Lines of the log whose organisations are offered."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Whom one can choose, (reference, name): organisations, and who works there. `own`: the patient's clinic."""

    places: tuple[tuple[str, str], ...]
    people: tuple[tuple[str, str], ...]
    own: frozenset[str]

    @property
    def names(self) -> Mapping[str, str]:
        return dict((*self.places, *self.people))


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in: a reference, and one of our kinds."""

    who: str
    what: str


async def show(opened: Opened) -> Response:
    """The form."""
    check_own(opened)
    return _form(opened, await _choices(opened, await own_patient(opened.context)), Filled("", "all"))


async def step(opened: Opened) -> Response:
    """What follows from it, then the block."""
    check_own(opened)
    patient, filled = await own_patient(opened.context), _filled(opened.form)
    choices = await _choices(opened, patient)
    errors = _errors(opened, filled, choices)
    if opened.form.has(BACK) or errors:
        return _form(opened, choices, filled, errors, 422 if errors else 200)
    if is_sure(opened):
        await block(opened.context, patient, filled.who, filled.what)
        return go(PAGE, besked="spaerret")
    return _sure(opened, filled, choices)


def _sure(opened: Opened, filled: Filled, choices: Choices) -> Response:
    t = opened.t
    then = t("block.then", name=t.danish(choices.names[filled.who]), what=t(f"block.kind.{filled.what}"))
    lines = [then, *(t(one) for one in ("block.then-old", "block.then-urgent", "block.then-lift"))]
    danger = t("block.then-clinic") if filled.who in choices.own and filled.what == "all" else ""
    fields = {"hvem": filled.who, "hvad": filled.what}
    question = Question(t("block.sure"), lines, FORM, t("block.now"), fields, back=True, danger=danger)
    return ask(opened, question)


def _filled(form: Form) -> Filled:
    return Filled(form.text("hvem"), form.text("hvad"))


def _errors(opened: Opened, filled: Filled, choices: Choices) -> dict[str, str]:
    errors = {} if filled.who in choices.names else {"hvem": opened.t("block.no-who")}
    return errors | ({} if filled.what in KINDS else {"hvad": opened.t("block.no-what")})


async def _choices(opened: Opened, patient: str) -> Choices:
    context = opened.context
    found = await read_sharing(context, patient)
    own = [str(one.get("reference", "")) for one in found.patient.get("generalPractitioner", ())]
    asked = [one for opening in found.openings for one in receivers_of(opening.referral)]
    log = await read_access_log(context, patient, None, LOOKED)
    looked = [f"Organization/{one.entry['org']}" for one in log.accesses if "org" in one.entry]
    names = dict.fromkeys([*own, *asked, *(one.organization for one in found.emergencies), *looked])
    places = [one for one in names if one.startswith("Organization/")]
    roles = [role for one in places for role in await staff_of(context, one.partition("/")[2])]
    people = [f"PractitionerRole/{one['id']}" for one in roles]
    directory = await directory_of(context, [*places, *people])
    return Choices(_named(places, directory), _named(people, directory), frozenset(own))


def _named(references: list[str], directory: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    named_ = ((one, named(contact_of(directory, one))) for one in references)
    return tuple((one, name) for one, name in named_ if name)


def _form(
    opened: Opened, choices: Choices, filled: Filled, errors: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    kinds = [(kind, opened.t(f"block.kind.{kind}")) for kind in KINDS]
    values = {"choices": choices, "kinds": kinds, "filled": filled, "errors": errors or {}, "action": FORM}
    return opened.page("block.html", opened.t("block.title"), status, offered=True, **values)


# ── lifted ───────────────────────────────────────────────────────────────────────────────────────


async def end(opened: Opened) -> Response:
    """What follows from it, then the end of the block. One that is lifted already is told so."""
    told = ("spaerring-ophaevet", "allerede-ophaevet")
    return await take_back(opened, Standing(find_block, lift, _ending, PAGE, *told))


async def _ending(opened: Opened, _patient: str, said: Said) -> Question:
    t, who = opened.t, await _names(opened, said)
    kind = kind_of(said.rule)
    what = t(f"block.kind.{kind}" if kind else "block.kind.other")
    lines = [t("block.lift-then", name=who, what=what), t("block.lift-again")]
    return Question(t("block.lift-sure"), lines, f"{FORM}/{said.id}/ophaev", t("block.lift-now"))


async def _names(opened: Opened, said: Said) -> str:
    directory = await directory_of(opened.context, said.rule.actors)
    found = [named(contact_of(directory, one)) for one in sorted(said.rule.actors)]
    return opened.t.danish(", ".join(one for one in found if one)) or opened.t("sharing.everybody")
