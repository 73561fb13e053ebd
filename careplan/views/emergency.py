"""«Værdispring»: a clinician opens a record that is closed to them, with a reason, for some hours (D2, C2).

The person number is typed into a form and stands in no address and on no page that refuses; who it is of is told only
once the record is open. From a page that was refused one comes with the person's id instead. Not here: what it opens
(`interactions.emergency`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from careplan.fhir.mapping import listed_with
from careplan.fhir.person_number import SYSTEMS, find_number, written
from careplan.fhir.reference import CPR, ID
from careplan.fhir.text import parse
from careplan.interactions.access import Forbidden
from careplan.interactions.emergency import LENGTH, check_clinician, open_in_emergency, patients_of_identifier
from careplan.interactions.read import read
from careplan.views.contact import contact_of, person_name
from careplan.views.directory import directory_of
from careplan.views.form import Form
from careplan.views.page import Opened, go

PAGE = "/vaerdispring"
_ID = re.compile(ID)
OPENS: Mapping[str, str] = {"clinic": "/patient/{}/aarskontrol", "hospital": "/borger/{}"}
"""The page on which each role then sees the person."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in: a person number, or the id of whose page was refused."""

    number: str = ""
    patient: str = ""
    reason: str = ""
    sure: bool = False


async def show(opened: Opened) -> Response:
    """The form."""
    check_clinician(opened.context)
    return _form(opened, Filled(patient=_id(opened.asked)))


async def open_record(opened: Opened) -> Response:
    """The record is open for some hours, and its page is shown. What is wrong, and whom there is none of, is said."""
    check_clinician(opened.context)
    filled = _filled(opened.form)
    errors = _errors(opened, filled)
    if errors:
        return _form(opened, filled, errors, 422)
    try:
        patients = (filled.patient,) if filled.patient else await _patients(opened, filled.number)
        for patient in patients:
            await open_in_emergency(opened.context, patient, filled.reason)
    except Forbidden:
        return _form(opened, replace(filled, patient=""), {"cpr": opened.t("btg.nobody")}, 403)
    if len(patients) > 1:
        return await _several(opened, patients)
    return go(OPENS[opened.context.caller.role].format(patients[0]), besked="vaerdispring")


async def _several(opened: Opened, patients: Sequence[str]) -> Response:
    """Several have the number: all are open, each told by name and practice."""
    found = [parse((await read(opened.context, "Patient", one)).body or b"") for one in patients]
    listed = {one["id"]: listed_with(one) for one in found}
    directory = await directory_of(opened.context, [f"Organization/{one}" for one in listed.values() if one])
    place = OPENS[opened.context.caller.role]
    people = [
        (place.format(one["id"]), person_name(one), contact_of(directory, f"Organization/{listed[one['id']]}").name)
        for one in found
    ]
    return opened.page("emergency_several.html", opened.t("btg.several"), people=people)


async def _patients(opened: Opened, typed: str) -> tuple[str, ...]:
    number = find_number(typed) or ""
    tokens = [(system, value) for system in SYSTEMS for value in written(number)]
    return await patients_of_identifier(opened.context, tokens)


def _filled(form: Form) -> Filled:
    return Filled(form.text("cpr"), _id(form), form.text("aarsag"), form.text("forstaaet") == "ja")


def _id(form: Form) -> str:
    """The id of whose page was refused; empty for what is none, a person number among them."""
    text = form.text("person")
    return text if _ID.fullmatch(text) and not CPR.search(text) else ""


def _errors(opened: Opened, filled: Filled) -> dict[str, str]:
    t, errors = opened.t, dict[str, str]()
    shortest, longest = LENGTH
    if not filled.patient and find_number(filled.number) is None:
        errors["cpr"] = t("btg.no-number")
    if not shortest <= len(filled.reason) <= longest:
        errors["aarsag"] = t("btg.no-reason", least=shortest, most=longest)
    if errors or not filled.sure:
        again = not filled.patient and "cpr" not in errors
        errors = ({"cpr": t("btg.number-again")} if again else {}) | errors
    if not filled.sure:
        errors["forstaaet"] = t("btg.not-sure")
    return errors


def _form(opened: Opened, filled: Filled, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    hours = int(opened.context.house.emergency.total_seconds() // 3600)
    values = {"filled": filled, "errors": errors or {}, "hours": hours, "length": LENGTH[1]}
    return opened.page("emergency.html", opened.t("btg.title"), status, **values)
