"""What a browser's form sends, read within limits: names with texts. https://url.spec.whatwg.org/#urlencoded-parsing

Danish numbers and dates are read here, because only people's forms write them so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from urllib.parse import parse_qsl

from starlette.requests import Request

from careplan.domain.errors import CareplanError

LIMIT = 128 * 1024
FIELDS = 600

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,4})?")
_DATE = re.compile(r"([0-9]{1,2})[.\-/ ]([0-9]{1,2})[.\-/ ]([0-9]{4})")
_CLOCK = re.compile(r"([0-9]{1,2})[.:]([0-9]{2})")


class FormFaulty(CareplanError):
    """A form too large, or in another encoding than ours send."""

    code = "form-faulty"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one form, in the order they were sent."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The first value, without space around it; empty when it was not sent."""
        found = self.values.get(name, ())
        return found[0].strip() if found else ""

    def all(self, name: str) -> tuple[str, ...]:
        return self.values.get(name, ())

    def has(self, name: str) -> bool:
        return name in self.values

    def starting(self, prefix: str) -> dict[str, str]:
        """Fields whose names begin so, by the rest of the name."""
        return {name[len(prefix) :]: self.text(name) for name in self.values if name.startswith(prefix)}

    def whole(self, name: str) -> int | None:
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


async def read_form(request: Request) -> Form:
    """The form of a POST. Raises FormFaulty."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise FormFaulty("a form is sent as application/x-www-form-urlencoded")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT:
            raise FormFaulty("the form is too large")
    try:
        return form_from_pairs(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
        )
    except ValueError:
        raise FormFaulty("the form cannot be read") from None


def form_from_pairs(pairs: Iterable[tuple[str, str]]) -> Form:
    """Fields with control characters taken out and line ends made one."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        clean = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
        values[name] = (*values.get(name, ()), clean)
    return Form(values)


def find_number(text: str) -> Decimal | None:
    """A number as Danes write it, «82,5»; a full stop is read as a comma. None when it is none."""
    plain = text.strip().replace(" ", "").replace("\u2009", "")
    return Decimal(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def find_day(text: str) -> date | None:
    """«22.11.2027», or 2027-11-22 as some browsers send it. None when it is no day."""
    found = _DATE.fullmatch(text.strip())
    try:
        if found:
            day, month, year = (int(part) for part in found.groups())
            return date(year, month, day)
        return date.fromisoformat(text.strip()) if len(text.strip()) == 10 else None
    except ValueError:
        return None


def find_clock(text: str) -> time | None:
    """«10.03», or 10:03. None when it is no time of day."""
    found = _CLOCK.fullmatch(text.strip())
    hour, minute = (int(part) for part in found.groups()) if found else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
