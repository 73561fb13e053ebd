"""What must hold before a resource is written: what stands, whose it is, and what If-Match and If-None-Match say.

https://hl7.org/fhir/R4/http.html#concurrency · checklist R4-32, R4-33, R4-36
"""

from collections.abc import Iterable

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.conditional import Tags, expected_number
from careplan.fhir.text import Json, Text, dump, parse
from careplan.interactions import access
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.sent_case import check_sent_case
from careplan.interactions.sent_consent import check_sent_consent
from careplan.interactions.sent_goal import check_sent_goal
from careplan.interactions.sent_kind import check_sent_kind
from careplan.interactions.sent_message import check_sent_message
from careplan.interactions.sent_offer import check_sent_offer
from careplan.interactions.sent_plan import check_sent_plan
from careplan.interactions.sent_provenance import check_sent_provenance
from careplan.store.protocol import Version

ANY = 0
"""The version expected by `If-Match: *`: whichever stands, but one must."""


class PreconditionFailed(CareplanError):
    """If-Match, If-None-Match or If-None-Exist does not hold; nothing was written."""

    code = "precondition-failed"


class ResourceTypeMismatch(CareplanError):
    """The body is a resource of another type than the address."""

    code = "resource-type-mismatch"


class NotAllowed(CareplanError):
    """What is asked for is not offered there: the type is read-only, or it is asked for by another method.

    methods  the HTTP methods that are offered instead
    """

    code = "not-allowed"

    def __init__(self, message: str, methods: Iterable[str] = ("GET", "HEAD")) -> None:
        super().__init__(message)
        self.methods = tuple(methods)


def check_writable(type_name: str) -> None:
    """Raises TypeUnknown, or NotAllowed for what we publish."""
    if registry.row(type_name).read_only:
        raise NotAllowed(f"{type_name} is published by this service and cannot be written or deleted")


def check_type(type_name: str, source: Text) -> None:
    """Raises TypeUnknown, NotAllowed, or ResourceTypeMismatch when the body is something else."""
    check_writable(type_name)
    if source.value.get("resourceType") != type_name:
        raise ResourceTypeMismatch(f"the body is not a {type_name}; its resourceType must be {type_name}")


def check_precondition(
    what: str, previous: Version | None, expects: int | None, none_match: Tags | None = None
) -> None:
    """Raises PreconditionFailed when If-Match or If-None-Match does not hold."""
    exists = previous is not None and not previous.deleted
    if none_match is not None and previous is not None and exists and none_match.holds(previous.number):
        at = "" if none_match.every else f", at version {previous.number}"
        raise PreconditionFailed(f"{what} exists already{at}")
    if expects is not None and not exists:
        raise PreconditionFailed(f"{what} does not exist, so no version of it matches")
    if expects not in (None, ANY) and previous is not None and previous.number != expects:
        raise PreconditionFailed(
            f"{what} is at version {previous.number}, not at version {expects}; read it again and repeat the change"
        )


def expected_version(tags: Tags) -> int:
    """What If-Match expects, as `update` and `delete` take it. Raises HeaderInvalid for several tags."""
    number = expected_number(tags)
    return ANY if number is None else number


async def check_standing(
    context: Context, what: str, previous: Version | None, expects: int | None, none_match: Tags | None = None
) -> None:
    """What stands may be replaced by this caller, and is what the caller thinks. Raises Forbidden, PreconditionFailed.

    expects     the version number of If-Match, or ANY; None: whatever stands
    none_match  If-None-Match: versions that may not stand; `*`: there must be nothing yet
    """
    await check_current(context, previous)
    check_precondition(what, previous, expects, none_match)


async def check_current(context: Context, previous: Version | None) -> None:
    """What stands must be visible to who replaces it, and theirs to replace."""
    if previous is not None:
        context.trail.saw(previous)
        await access.check_read(context, previous)
        access.check_replaced(context, previous)


async def check_change(context: Context, change: Change, arriving: frozenset[str] = frozenset()) -> None:
    """The result must be the caller's to write, all of it. Raises Forbidden, and what the checks of what is sent raise.

    arriving  patients whom the same transaction registers
    """
    context.trail.met([change.patient])
    await access.check_write(context, change.type, change.value, change.patient, arriving, change.act)
    await check_sent_kind(context, change)
    check_sent_provenance(context, change)
    check_sent_consent(context, change)
    await check_sent_message(context, change)
    await check_sent_plan(context, change)
    await check_sent_goal(context, change)
    await check_sent_offer(context, change)
    await check_sent_case(context, change)


def same_content(source: Text, previous: Version) -> bool:
    """Whether a body says what is stored already, but for version and instant."""
    if previous.body is None:
        return False
    return _content(source.value) == _content(parse(previous.body))


def _content(value: Json) -> bytes:
    """A resource without id, version and instant, numbers as written: 1.0 and 1.00 differ. It need not be valid."""
    meta = value.get("meta", {})
    if not isinstance(meta, dict):
        return dump(value)
    meta = {name: part for name, part in meta.items() if name not in ("versionId", "lastUpdated")}
    bare = {name: part for name, part in value.items() if name not in ("id", "meta")}
    return dump({**bare, **({"meta": meta} if meta else {})})
