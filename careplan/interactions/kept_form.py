"""What somebody typed on a page and has not sent (*kladde*): kept for whoever of the same clinic opens that page next.

It says nothing of the patient before it is sent, so it is no resource. It is stored as the audit log is, under an
internal type that no route, search, history, compartment or export knows, and is found by its id alone: the page, the
organization and the patient. Whether somebody may see or keep one, `access` decides; to whom the patient denies a part
of the record there is none, for nobody knows which part its fields are of. Once a form is sent, what is kept of it
remembers its mark: a script may come late, and what is stored must not stand as a draft again. What a field means, and
which fields are kept, is the page's own matter (`careplan.views.kept_form`). Not here: answers of patients on the way
(`preparation`), which are their own from the start.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from careplan.fhir.instant import instant_text
from careplan.fhir.text import Json, dump, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.consent import consents
from careplan.interactions.context import Context
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.settlement import commit_with_entry
from careplan.store.protocol import Version, VersionConflict, Write

TYPE = "KeptForm"
"""No resource type: nothing outside this module reads or shows it."""

Writes: TypeAlias = Sequence[Write]
"""What it takes to keep a form, for the commit that does it."""

_BETWEEN = "~"
"""Stands in no id of a resource."""


class KeptByOthers(PreconditionFailed):
    """Somebody has kept the form meanwhile, and who keeps it now has not seen that."""


class AlreadySent(PreconditionFailed):
    """The form that a script keeps was sent meanwhile."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it is filled in.

    mark    of the form as it was opened: what is kept from one form again and again does not overtake itself
    rests   what the page showed beneath it: `Task/17@3`
    fields  the texts by name of field, as they were typed
    """

    mark: str = ""
    rests: frozenset[str] = frozenset()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form that was kept: which time it was, when, and by whom (a name)."""

    number: int
    at: datetime
    who: str
    filled: Filled

    def overtakes(self, seen: frozenset[int], mark: str) -> bool:
        """Whether it came after what a form has seen, and from another form."""
        return self.number not in seen and self.filled.mark != mark


async def find_kept(context: Context, page: str, patient: str) -> KeptForm | None:
    """What stands kept of this page and patient, by somebody of the caller's organization. Raises Forbidden."""
    version = await _find(context, page, patient)
    if version is None or await _sees_a_part(context, patient):
        return None
    return _kept(version)


async def find_discarded(context: Context, page: str, patient: str) -> int | None:
    """The number of what was discarded last, where nothing was kept or sent since. Raises Forbidden."""
    version = await _find(context, page, patient)
    if version is None or version.body is not None or await _sees_a_part(context, patient):
        return None
    return version.number - 1


async def keep(
    context: Context, page: str, patient: str, filled: Filled, seen: frozenset[int], *, quiet: bool = False
) -> KeptForm | None:
    """Keep a form in place of what it has seen; None where it is empty or not kept, and then nothing stands kept of it.

    seen    numbers of what was kept before and shown on the form
    quiet   whether a script does it: of a form that was sent last, nothing is kept
    Raises  KeptByOthers, Forbidden
    """

    async def work() -> None:
        await put(context, patient, await writes(context, page, patient, filled, seen, quiet=quiet))

    try:
        await again(work, VersionConflict)
    except AlreadySent:
        return None
    return await find_kept(context, page, patient)


async def writes(
    context: Context,
    page: str,
    patient: str,
    filled: Filled,
    seen: frozenset[int],
    *,
    quiet: bool = False,
    sent: bool = False,
) -> Writes:
    """What it takes that a form stands kept, or nothing where it is empty: for the commit that sends the rest of it.

    quiet   whether a script keeps it
    sent    whether that commit is what sends it: its mark is remembered, also where nothing is kept
    Raises  KeptByOthers, AlreadySent, Forbidden
    """
    version = await _find(context, page, patient)
    if await _sees_a_part(context, patient):
        return ()
    standing, last = (None, "") if version is None else (_kept(version), _sent(version))
    if quiet and filled.mark and filled.mark == last:
        raise AlreadySent("the form was sent meanwhile")
    if standing is not None and standing.overtakes(seen, filled.mark):
        raise KeptByOthers("the form was kept by somebody else meanwhile")
    if not filled.fields and standing is None and not (sent and filled.mark):
        return ()
    expects = 0 if version is None else version.number
    body = _body(context, filled, filled.mark if sent else last) if filled.fields or sent else None
    return (Write(TYPE, _id_of(context, page, patient), expects, context.now, None, body),)


async def restore(context: Context, page: str, patient: str, number: int) -> KeptForm | None:
    """What was discarded stands again, as it was; only while nothing was kept or sent since. Raises Forbidden.

    number  of what was discarded
    """
    version = await _find(context, page, patient)
    if version is None or number != await find_discarded(context, page, patient):
        return await find_kept(context, page, patient)
    before = await context.store.vread(TYPE, version.id, number)
    body = None if before is None else before.body
    if body is not None:
        write = Write(TYPE, version.id, version.number, context.now, None, body)
        with contextlib.suppress(VersionConflict):
            await put(context, patient, (write,))
    return await find_kept(context, page, patient)


async def put(context: Context, patient: str, some: Writes) -> None:
    """Store what `writes` made, by itself. Raises VersionConflict."""
    if some:
        await commit_with_entry(context, some, (), (), [patient])


async def _find(context: Context, page: str, patient: str) -> Version | None:
    """The last version, a removal too."""
    context.trail.met([patient])
    await access.check_kept_form(context, patient)
    return await context.store.read(TYPE, _id_of(context, page, patient))


async def _sees_a_part(context: Context, patient: str) -> bool:
    return bool((await consents(context)).partly(patient))


def _id_of(context: Context, page: str, patient: str) -> str:
    return _BETWEEN.join((page, context.caller.organization or "", patient))


def _body(context: Context, filled: Filled, sent: str) -> bytes:
    """sent: the mark of the form that was sent last, empty where none is remembered."""
    caller = context.caller
    who = {"reference": caller.reference, "display": caller.name}
    head = {"at": instant_text(context.now), "author": who}
    fields = {"fields": dict(filled.fields), **({"sent": sent} if sent else {})}
    return dump({**head, "mark": filled.mark, "rests": sorted(filled.rests), **fields})


def _sent(version: Version) -> str:
    value: Json = {} if version.body is None else parse(version.body)
    return str(value.get("sent", ""))


def _kept(version: Version) -> KeptForm | None:
    """None of a removal, and of what only remembers that a form was sent."""
    value: Json = {} if version.body is None else parse(version.body)
    if not value.get("fields"):
        return None
    fields = {name: tuple(texts) for name, texts in value["fields"].items()}
    filled = Filled(value["mark"], frozenset(value["rests"]), fields)
    return KeptForm(version.number, datetime.fromisoformat(value["at"]), value["author"]["display"], filled)
