"""B7 «Jeg undrer mig over dette»: ask the clinic about one line of the log.

The line is found again by its day and a digest, so that nothing of it stands in the address. What is sent says which
line it is, in Danish, since the clinic reads it. Not here: how a message reaches the clinic (`interactions.message`).
"""

import re
from datetime import date

from markupsafe import Markup
from starlette.responses import Response

from careplan.interactions.access_log import Access, read_access_log
from careplan.interactions.message import ClinicMissing, MessageFaulty, OtherSent, send_message
from careplan.store.protocol import NotFound
from careplan.views import wording
from careplan.views.access_log import Line, key_of, line_of_access, references_of
from careplan.views.catalogue import Catalogue
from careplan.views.directory import directory_of
from careplan.views.frame import catalogue
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient
from careplan.views.sharing import PAGE

LENGTH = 1500
TOPIC = "access-question"
_KEY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})-[0-9a-f]{20}")


async def show(opened: Opened) -> Response:
    """The line, and a field for what the person wonders about."""
    return await _form(opened, await _find(opened, await own_patient(opened.context)), opened.context.new_id())


async def send(opened: Opened) -> Response:
    """The question goes to the clinic; sent twice, once."""
    t, patient = opened.t, await own_patient(opened.context)
    access, typed, mark = await _find(opened, patient), opened.form.text("ord"), opened.form.text("maerke")
    if not typed or len(typed) > LENGTH or not mark:
        return await _form(opened, access, mark or opened.context.new_id(), typed, t("wonder.error", most=LENGTH))
    line = await _line(opened, access, catalogue())
    text = catalogue()("wonder.message", line=" · ".join(_told(access.on, line)), words=typed)
    try:
        await send_message(opened.context, patient, TOPIC, text, mark=mark)
    except ClinicMissing:
        return await _form(opened, access, mark, typed, t("wonder.no-clinic"))
    except MessageFaulty:
        return await _form(opened, access, mark, typed, t("wonder.error", most=LENGTH))
    except OtherSent as other:
        return await _form(opened, access, opened.context.new_id(), typed, sent=other.sent)
    return go(PAGE, besked="undrer-sendt")


async def _find(opened: Opened, patient: str) -> Access:
    """The access that the address names. Raises NotFound for a line that is not on this patient's list."""
    key = opened.path("key")
    day = _day(key)
    if day is not None:
        log = await read_access_log(opened.context, patient, day, 1)
        for one in log.accesses:
            if one.on == day and key_of(one) == key:
                return one
    raise NotFound("there is no such line")


def _day(key: str) -> date | None:
    found = _KEY.fullmatch(key)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


async def _line(opened: Opened, access: Access, t: Catalogue) -> Line:
    directory = await directory_of(opened.context, references_of((access,)))
    return line_of_access(access, directory, await own_patient(opened.context), t)


def _told(on: date, line: Line) -> list[str]:
    """«22.11.2026», «Lægehuset Nord, sygeplejerske», «åbnede planen», «årskontrol»."""
    return [one for one in (wording.danish_date(on), line.who, line.what, line.why) if one]


async def _form(
    opened: Opened, access: Access, mark: str, typed: str = "", error: str = "", sent: str = ""
) -> Response:
    line = Markup(" · ").join(_told(access.on, await _line(opened, access, opened.t)))
    both = {"theirs": [sent] if sent else [], "mine": [typed]}
    values = {"line": line, "key": opened.path("key"), "mark": mark, "typed": typed, "error": error, "length": LENGTH}
    return opened.page(
        "wonder.html", opened.t("wonder.title"), 422 if error else 409 if sent else 200, **values, **both
    )
