"""What somebody typed on a page and has not sent (*kladde*): kept for whoever of the same clinic opens that page next.

It says nothing of the patient before it is sent, so it is no resource. It is stored as the audit log is, under an
internal type that no route, search, history, compartment or export knows, and is found by its id alone: the page, the
organization and the patient. Whether somebody may see or keep one, `access` decides. What a field means, and which
fields are kept, is the page's own matter (`careplan.views.kept_form`). Not here: answers of patients on the way
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
    return None if version is None else _kept(version)


async def keep(context: Context, page: str, patient: str, filled: Filled, seen: frozenset[int]) -> KeptForm | None:
    """Keep a form in place of what it has seen; None where it is empty, and then nothing stands kept.

    seen    numbers of what was kept before and shown on the form
    Raises  KeptByOthers, Forbidden
    """

    async def work() -> None:
        await put(context, patient, await writes(context, page, patient, filled, seen))

    await again(work, VersionConflict)
    return await find_kept(context, page, patient)


async def writes(context: Context, page: str, patient: str, filled: Filled, seen: frozenset[int]) -> Writes:
    """What it takes that a form stands kept, or nothing where it is empty: for the commit that sends the rest of it.

    Raises KeptByOthers, Forbidden
    """
    version = await _find(context, page, patient)
    standing = None if version is None else _kept(version)
    if standing is not None and standing.overtakes(seen, filled.mark):
        raise KeptByOthers("the form was kept by somebody else meanwhile")
    if not filled.fields and standing is None:
        return ()
    expects = 0 if version is None else version.number
    body = _body(context, filled) if filled.fields else None
    return (Write(TYPE, _id_of(context, page, patient), expects, context.now, None, body),)


async def restore(context: Context, page: str, patient: str) -> KeptForm | None:
    """What was taken away last stands again, as it was; nothing where something stands. Raises Forbidden."""
    version = await _find(context, page, patient)
    if version is None or version.body is not None:
        return None if version is None else _kept(version)
    before = await context.store.vread(TYPE, version.id, version.number - 1)
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


def _id_of(context: Context, page: str, patient: str) -> str:
    return _BETWEEN.join((page, context.caller.organization or "", patient))


def _body(context: Context, filled: Filled) -> bytes:
    caller = context.caller
    who = {"reference": caller.reference, "display": caller.name}
    head = {"at": instant_text(context.now), "author": who}
    return dump({**head, "mark": filled.mark, "rests": sorted(filled.rests), "fields": dict(filled.fields)})


def _kept(version: Version) -> KeptForm | None:
    if version.body is None:
        return None
    value: Json = parse(version.body)
    fields = {name: tuple(texts) for name, texts in value["fields"].items()}
    filled = Filled(value["mark"], frozenset(value["rests"]), fields)
    return KeptForm(version.number, datetime.fromisoformat(value["at"]), value["author"]["display"], filled)
