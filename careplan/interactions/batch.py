"""Entries of a Bundle worked one by one: all of a batch, and what a transaction reads once it is stored.

https://hl7.org/fhir/R4/http.html#transaction · checklist R4-59, R4-61
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from careplan.domain.errors import CareplanError
from careplan.fhir.conditional import pairs_from_if_none_exist
from careplan.fhir.page_link import PAGE, binding_of, unsign
from careplan.fhir.reference import Target
from careplan.fhir.search import pairs_from_query, parse
from careplan.fhir.summary import reduced
from careplan.interactions.context import Context
from careplan.interactions.entry import BundleInvalid, Entry, named
from careplan.interactions.match import criteria
from careplan.interactions.named import note_named
from careplan.interactions.patch import patch, patch_matching
from careplan.interactions.performed import Result, refused
from careplan.interactions.read import read, vread
from careplan.interactions.resolution import references_in
from careplan.interactions.search import check_record, query_from_pairs, search
from careplan.interactions.settlement import REFUSED
from careplan.interactions.write import Written, create, delete, delete_matching, update, update_matching
from careplan.store.protocol import TooCostly, Version


@dataclass(slots=True)
class Allowance:
    """How many bytes of resources the entries that read may still answer with, all of a Bundle together.

    A few letters ask for a whole page, so what comes back is limited apart from what was sent.
    """

    left: int

    def check(self) -> None:
        """Raises TooCostly when it is used up; nothing more is looked for then."""
        if self.left < 0:
            raise TooCostly("the entries before this one answer with as much as one Bundle may; read this by itself")

    def spend(self, result: Result) -> Result:
        """The result, counted. Raises TooCostly."""
        page = () if result.found is None else (*result.found[1].page.matches, *result.found[1].included)
        read = () if result.version is None else (result.version,)
        self.left -= sum(len(version.body or b"") for version in (*page, *read))
        self.check()
        return result


async def work_batch(context: Context, entries: Sequence[Entry | CareplanError]) -> tuple[Result, ...]:
    """What became of each entry; what one is refused for is its own."""
    theirs = {entry.full_url: entry.index for entry in entries if isinstance(entry, Entry) and entry.method == "POST"}
    allowance = Allowance(context.house.limits.bundle_answer)
    return tuple([await _one(context, entry, theirs, allowance) for entry in entries])


async def answer(context: Context, entry: Entry, allowance: Allowance) -> Result:
    """What a GET or HEAD finds, or why it finds nothing; in the audit log an access of its own."""
    context = replace(context, trail=context.trail.part(_act(entry)))
    try:
        allowance.check()
        return allowance.spend(await _found(context, entry))
    except CareplanError as error:
        return await _refused(context, entry, error)


async def _one(
    context: Context, entry: Entry | CareplanError, theirs: dict[str | None, int], allowance: Allowance
) -> Result:
    if isinstance(entry, CareplanError):
        return refused(entry)
    if not entry.writes:
        return await answer(context, entry, allowance)
    context = replace(context, trail=context.trail.part(_act(entry)))
    try:
        _check_alone(entry, theirs)
        return await _write(context, entry)
    except CareplanError as error:
        return await _refused(context, entry, error)


async def _refused(context: Context, entry: Entry, error: CareplanError) -> Result:
    """Logged as an access that was refused, to whomever it named."""
    context.trail.outcome = REFUSED
    if entry.id is not None:
        await note_named(context, [Target(entry.type, entry.id)])
    return refused(error)


def _act(entry: Entry) -> str:
    """What the entry would be called if it came alone."""
    if entry.writes:
        return {"POST": "create", "PUT": "update"}.get(entry.method, entry.method.lower())
    return "search-type" if entry.id is None or entry.member else "vread" if entry.number else "read"


def _check_alone(entry: Entry, theirs: dict[str | None, int]) -> None:
    """Raises BundleInvalid for a reference to what another entry makes: in a batch it cannot be known."""
    links = set() if entry.source is None else set(references_in(entry.source.value))
    if any(theirs.get(link, entry.index) != entry.index for link in links):
        message = "entries of a batch cannot refer to one another; send them as a transaction"
        raise named(entry.index, BundleInvalid(message))


async def _write(context: Context, entry: Entry) -> Result:
    if entry.method == "DELETE":
        return Result(204, await _delete(context, entry))
    written = await _written(context, entry)
    return Result(201 if written.created else 200, written.version, changed=written.changed)


async def _delete(context: Context, entry: Entry) -> Version | None:
    if entry.id is None:
        return await delete_matching(context, entry.criteria(context), expects=entry.expects)
    return await delete(context, entry.type, entry.id, expects=entry.expects)


async def _written(context: Context, entry: Entry) -> Written:
    if entry.patch is not None and entry.id is None:
        return await patch_matching(context, entry.criteria(context), entry.patch, expects=entry.expects)
    if entry.patch is not None and entry.id is not None:
        return await patch(context, entry.type, entry.id, entry.patch, expects=entry.expects)
    assert entry.source is not None, "an entry that is read has the resource that its method needs"
    if entry.method == "POST":
        text = entry.if_none_exist
        unless = None if text is None else criteria(context, entry.type, pairs_from_if_none_exist(text))
        return await create(context, entry.type, entry.source, unless)
    expects, none_match = entry.expects, entry.none_match
    if entry.id is None:
        query = entry.criteria(context)
        return await update_matching(context, query, entry.source, expects=expects, none_match=none_match)
    return await update(context, entry.type, entry.id, entry.source, expects=expects, none_match=none_match)


async def _found(context: Context, entry: Entry) -> Result:
    shown = entry.method == "GET"
    if entry.id is None or entry.member is not None:
        return await _searched(context, entry)
    if entry.number is not None:
        return Result(200, await vread(context, entry.type, entry.id, entry.number), shown=shown)
    version = await read(context, entry.type, entry.id)
    if entry.none_match is not None and entry.none_match.holds(version.number):
        return Result(304, version, shown=False)
    return Result(200, _shaped(version, entry.query), shown=shown)


def _shaped(version: Version, query: str) -> Version:
    """The version with its body as `_summary` and `_elements` ask; a read ignores all other parameters."""
    pairs = [(name, value) for name, value in pairs_from_query(query) if name in ("_summary", "_elements")]
    if not pairs:
        return version
    asked = parse(version.type, pairs, strict=False, base="")
    return replace(version, body=reduced(version.body or b"", version.type, asked.summary, asked.elements))


async def _searched(context: Context, entry: Entry) -> Result:
    """A page of a search, as by itself; a HEAD says only that it can be answered."""
    if entry.member is not None:
        check_record(entry.type, entry.member)
    path = None if entry.member is None else f"{entry.type}/{entry.id}/{entry.member}"
    pairs = pairs_from_query(entry.query)
    query = query_from_pairs(context, entry.member or entry.type, pairs, strict=False)
    query = query if entry.member is None else replace(query, patient=entry.id)
    token = dict(pairs).get(PAGE)
    after = unsign(token, binding_of(query), context.house.secret) if token else None
    found = await search(context, replace(query, after=after))
    return Result(200, found=(query, found, token, path) if entry.method == "GET" else None)
