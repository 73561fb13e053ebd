"""Files into the record: JSON resources, Bundles and NDJSON from a folder; the good ones in, the bad ones listed.

Loading the same files again changes nothing: what has an id is put under it, what has none gets one from its content.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir import registry
from careplan.fhir.text import Json, Text, dump, entry_texts, line_of, read_text
from careplan.interactions.again import again
from careplan.interactions.change import Change
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.entry import BundleInvalid
from careplan.interactions.precondition import same_content
from careplan.interactions.trail import Trail
from careplan.interactions.transaction import perform
from careplan.store.protocol import VersionConflict

AT_ONCE = 16
"""Commits under way together, so that the store can put many writes to disk at once."""

TOGETHER = 64
"""Lines that go in as one commit; where one of them is refused, each goes in alone."""

_NAMESPACE = uuid.UUID("6f0f0c1e-6f6d-5d3c-9f0b-0d0a5a0c7e11")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why something was not loaded: file, line, path in the resource, and what is wrong."""

    file: str
    line: int
    path: str
    reason: str

    def says(self) -> str:
        return f"{self.file}:{self.line}: {self.path or 'the whole'}: {self.reason}"


@dataclass(slots=True)
class Loaded:
    """What came of a load: resources written, resources that stood there already, and what was refused."""

    written: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    @property
    def items_refused(self) -> int:
        return len({(one.file, one.line if one.file.endswith(".ndjson") else 0) for one in self.refused})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to load: a whole JSON file, or one line of NDJSON (`line` is where it begins)."""

    file: str
    line: int
    raw: bytes


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The .json and .ndjson files among these paths and in these folders, in order."""
    found: list[Path] = []
    for path in paths:
        inside = (
            sorted(one for one in path.rglob("*") if one.suffix in (".json", ".ndjson")) if path.is_dir() else [path]
        )
        found += inside
    return found


def items_of(path: Path) -> Iterator[Item]:
    """What one file holds."""
    if path.suffix != ".ndjson":
        yield Item(str(path), 1, path.read_bytes())
        return
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            if raw.strip():
                yield Item(str(path), number, raw)


async def load(context: Context, files: Sequence[Path], progress: Progress | None = None) -> Loaded:
    """Load every file; one bad item stops no other, and of two items about one resource the later stands."""
    loaded = Loaded()
    waiting: dict[asyncio.Task[None], frozenset[str]] = {}
    for done, path in enumerate(files):
        items = _readable(path, loaded)
        while some := tuple(islice(items, TOGETHER)):
            batch = _batch(some)
            while len(waiting) >= AT_ONCE or any(batch.about & others for others in waiting.values()):
                finished, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                waiting = {task: about for task, about in waiting.items() if task not in finished}
            waiting[asyncio.create_task(_load_batch(context, batch, loaded))] = batch.about
        if progress:
            progress(done + 1, len(files))
    if waiting:
        await asyncio.wait(waiting)
    loaded.refused.sort(key=lambda one: (one.file, one.line, one.path))
    return loaded


def _readable(path: Path, loaded: Loaded) -> Iterator[Item]:
    """What a file holds, as far as it can be read; a file that cannot is listed like any other fault."""
    try:
        yield from items_of(path)
    except OSError as error:
        loaded.refused.append(Refusal(str(path), 1, "", f"the file cannot be read: {error.strerror or error}"))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Items that go in together.

    texts     what each says, None for one that cannot be read
    about     `Type/id` of what they are about, as far as they say
    together  whether they may be one commit: all can be read, and none is a Bundle
    """

    items: Sequence[Item]
    texts: Sequence[Text | None]
    about: frozenset[str]
    together: bool


def _batch(items: Sequence[Item]) -> _Batch:
    texts = [_find_text(item) for item in items]
    values = [text.value for text in texts if text is not None]
    about = frozenset(f"{value.get('resourceType')}/{value['id']}" for value in values if "id" in value)
    together = len(values) == len(items) > 1 and all(value.get("resourceType") != "Bundle" for value in values)
    return _Batch(items, texts, about, together)


def _find_text(item: Item) -> Text | None:
    try:
        return read_text(item.raw)
    except CareplanError:
        return None


async def _load_batch(context: Context, batch: _Batch, loaded: Loaded) -> None:
    """All items in one commit, or one by one where there is anything the matter with one."""
    context = replace(context, trail=Trail("load"))
    if batch.together:
        try:
            await _put(context, [(text, "") for text in batch.texts if text is not None], loaded)
            return
        except CareplanError:
            pass  # which one it is, and why, is said when each is asked alone
    for item, text in zip(batch.items, batch.texts, strict=True):
        await _load(context, item, text, loaded)


async def _load(context: Context, item: Item, text: Text | None, loaded: Loaded) -> None:
    """One item; what cannot be read is read again, to say why."""
    try:
        await _item(context, text or read_text(item.raw), loaded)
    except CareplanError as error:
        loaded.refused += _refusals(item, error)


def _refusals(item: Item, error: CareplanError) -> list[Refusal]:
    faults = [fault for fault in error.faults if fault.severity == "error"] or [Fault("", error.code, error.message)]
    source = item.raw.decode(errors="replace")
    return [
        Refusal(item.file, item.line - 1 + _line(source, fault), fault.expression, fault.message) for fault in faults
    ]


def _line(source: str, fault: Fault) -> int:
    try:
        return line_of(source, fault.expression) if fault.expression else 1
    except (ValueError, IndexError):
        return 1


async def _item(context: Context, text: Text, loaded: Loaded) -> None:
    kind = text.value.get("type") if text.value.get("resourceType") == "Bundle" else None
    if kind in ("transaction", "batch"):
        performed = await perform(context, text)
        for index, result in enumerate(performed.results):
            if result.outcome is not None:
                raise _refused_entry(index, result.outcome)
            loaded.written += result.changed
            loaded.unchanged += result.status == 200 and not result.changed
    elif kind is not None:
        texts = [(index, one) for index, one in enumerate(entry_texts(text)) if one is not None]
        await _put(context, [(one, f"Bundle.entry[{index}].resource") for index, one in texts], loaded)
    else:
        await _put(context, [(text, "")], loaded)


def _refused_entry(index: int, outcome: Json) -> CareplanError:
    place = f"Bundle.entry[{index}]"
    faults = [Fault(place, issue["details"]["text"], issue["diagnostics"]) for issue in outcome["issue"]]
    return CareplanError(f"{place} was refused", tuple(faults))


async def _put(context: Context, texts: Sequence[tuple[Text, str]], loaded: Loaded) -> None:
    """Put resources under their own ids in one commit; again where someone else came first."""

    async def put() -> int:
        changes: list[Change] = []
        for text, place in texts:
            change = await _change(context, text, place)
            if any(change.reference == other.reference for other in changes):
                raise BundleInvalid(f"{place} is about {change.reference}, like an entry before it")
            if change.previous is None or not same_content(text, change.previous):
                changes.append(change)
        return len(await commit(context, changes, (), Activity("load")))

    written = await again(put, VersionConflict)
    loaded.written += written
    loaded.unchanged += len(texts) - written


async def _change(context: Context, text: Text, place: str) -> Change:
    type_name = str(text.value.get("resourceType", ""))
    row = registry.row(type_name)
    if row.read_only:
        raise registry.TypeUnknown(f"{type_name} is published by this service and cannot be loaded")
    given = text.value.get("id")
    id = given if isinstance(given, str) else str(uuid.uuid5(_NAMESPACE, dump(text.value).decode()))
    return Change(type_name, id, text, await context.store.read(type_name, id), place, context.base)
