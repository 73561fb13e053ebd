"""What of a slice a receiver sees: what is agreed in the plan and what is the receiver's own; the rest is others' work.

Of ServiceRequests a receiver sees the plan's orders and those that name it as performer. Of Tasks it sees what it asked
for, owns or was sent, and what the plan agreed; not the clinic's own work (a plan turned down, a call, a message, a
calling in), nor what is about something of somebody else's, such as the case of another referral. Not here: whose slice
it sees at all (`referral`), and what a patient denies (`consent`). Asked by `access`, and for a preview by `overview`.
https://hl7.org/fhir/R4/task.html · https://hl7.org/fhir/R4/servicerequest.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from careplan.fhir.case import CASE, receivers_of
from careplan.fhir.exclusion import OFFER
from careplan.fhir.index import extract
from careplan.fhir.invitation import INVITATION
from careplan.fhir.message import MESSAGE
from careplan.fhir.query import Criterion, Query, ReferenceIs, TokenIs, Without
from careplan.fhir.questionnaire_response import RING
from careplan.fhir.reference import find_target
from careplan.fhir.reply import FOLLOW_UP, SEE
from careplan.fhir.systems import ACTIVITY
from careplan.fhir.text import Json, parse
from careplan.fhir.value import SearchValues
from careplan.interactions.consent import Consents, consents
from careplan.interactions.context import Context
from careplan.interactions.every import every

RECEIVERS = frozenset({"municipality", "hospital"})
"""Roles that see a record by a referral."""

PARTLY = frozenset({"Task", "ServiceRequest"})
"""Types of a slice of which a receiver sees some."""

WORK = (OFFER, RING, MESSAGE, INVITATION, CASE, SEE, FOLLOW_UP)
"""Activities that are nobody's but whose they are: none of them is agreed in a plan."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """What makes a Task or a ServiceRequest a receiver's own.

    names     references of the organisation and of its people, `Organization/17`
    requests  logical ids of the referrals that were sent to it, open or not
    """

    names: frozenset[str]
    requests: frozenset[str] = frozenset()

    def left_out(self, type_name: str) -> tuple[tuple[Criterion, ...], ...]:
        """What of a type it does not see: each time, what fulfils all of some criteria."""
        if type_name == "ServiceRequest":
            ordered = Criterion("code", "token", (TokenIs(ACTIVITY, None),), negated=True)
            return ((ordered, *_none("performer", self._named)),)
        if type_name == "Task":
            others = tuple(self._others())
            work = Criterion("code", "token", tuple(TokenIs(ACTIVITY, one) for one in WORK))
            return ((Criterion("focus", "reference", missing=False), *others), (work, *others))
        return ()

    def _others(self) -> Iterator[Criterion]:
        """What no Task of its own fulfils."""
        sent = tuple(ReferenceIs("ServiceRequest", one) for one in sorted(self.requests))
        for parameter, own in (("requester", self._named), ("owner", self._named), ("focus", sent), ("based-on", sent)):
            yield from _none(parameter, own)

    @property
    def _named(self) -> tuple[ReferenceIs, ...]:
        return tuple(ReferenceIs(kind, id) for kind, _, id in (name.partition("/") for name in sorted(self.names)))

    def sees(self, resource: Json, base: str) -> bool:
        """Whether a resource is none of what is left out."""
        left_out = self.left_out(resource["resourceType"])
        values = extract(resource, base) if left_out else SearchValues()
        return not any(all(_fulfils(one, values) for one in criteria) for criteria in left_out)


def _none(parameter: str, references: tuple[ReferenceIs, ...]) -> Iterator[Criterion]:
    if references:
        yield Criterion(parameter, "reference", references, negated=True)


def _fulfils(criterion: Criterion, values: SearchValues) -> bool:
    """As a store finds it, of the kinds of criteria that `left_out` is made of."""
    if criterion.kind == "token":
        codes = [one for name, one in values.tokens if name == criterion.parameter]
        found = any(
            one.system == asked.system and asked.code in (None, one.code)
            for one in codes
            for asked in criterion.alternatives
            if isinstance(asked, TokenIs)
        )
    else:
        targets = {ReferenceIs(one.type, one.id) for name, one in values.references if name == criterion.parameter}
        found = bool(targets) if criterion.missing is not None else bool(targets & set(criterion.alternatives))
    return found is not (criterion.negated or criterion.missing is True)


async def receiver_of(context: Context, patients: frozenset[str]) -> Receiver:
    """The caller as a receiver of referrals of these patients; none that the patient has denied the caller."""
    organization = str(context.caller.organization)
    sent = Criterion("performer", "reference", (ReferenceIs("Organization", organization),))
    without = (await consents(context)).without("ServiceRequest")
    requests = await every(context, Query("ServiceRequest", (sent,), patients=patients, without=without))
    return Receiver(await names_of(context), frozenset(one.id for one in requests))


async def names_of(context: Context) -> frozenset[str]:
    """References of the caller's organisation and of its people, as roles and as persons; and of the caller."""
    organization = str(context.caller.organization)
    employs = Criterion("organization", "reference", (ReferenceIs("Organization", organization),))
    staff = await every(context, Query("PractitionerRole", (employs,)))
    people = (str((parse(one.body or b"").get("practitioner") or {}).get("reference", "")) for one in staff)
    own = (f"Organization/{organization}", context.caller.reference, *(one.reference for one in staff), *people)
    return frozenset(filter(None, own))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a search leaves out for a caller: what the patients deny, and of their slices what is not the receiver's.

    patients  whose slices they are; receiver: None for a caller who sees whole records
    """

    said: Consents
    patients: frozenset[str] = frozenset()
    receiver: Receiver | None = None

    def without(self, type_name: str) -> tuple[Without, ...]:
        denied = self.said.without(type_name)
        if self.receiver is None:
            return denied
        return (*denied, *(Without(self.patients, one) for one in self.receiver.left_out(type_name)))


async def shown_of(context: Context, query: Query, patients: frozenset[str]) -> Shown:
    """What a query about these patients leaves out, with the queries that it leads to."""
    said = await consents(context)
    types = PARTLY & set(_types(query)) if context.caller.role in RECEIVERS else frozenset()
    if not types:
        return Shown(said)
    if "Task" in types:
        return Shown(said, patients, await receiver_of(context, patients))
    return Shown(said, patients, Receiver(frozenset({f"Organization/{context.caller.organization}"})))


def _types(query: Query) -> Iterator[str]:
    yield query.type
    for one in (*query.beside, *(one for link in query.links for one in link.queries)):
        yield from _types(one)


def also_sent(receiver: Receiver, request: str) -> Receiver:
    """The receiver, were this referral sent to it, too."""
    return replace(receiver, requests=receiver.requests | {request})


def receiver_from_requests(requests: Sequence[Json], base: str) -> Receiver:
    """Those whom these referrals were sent to, as one."""
    targets = [find_target(name, base) for one in requests for name in receivers_of(one)]
    names = frozenset(f"{one.type}/{one.id}" for one in targets if one is not None)
    return Receiver(names, frozenset(str(one["id"]) for one in requests))
