"""A Consent → what it denies or permits whom: spærring, fuldmagt and værdispring as one rule each.

Only what can be kept is taken: a Consent about privacy that says more than can be kept is refused when it is written
(`consent_faults`), since a block that is stored and not kept is worse than none. What would narrow a denial and cannot
be told of a resource (purpose, security label, period of the data, role of the actor) is left out of account: it then
denies more. Not here: whom it is about today (`interactions.consent`).
https://hl7.org/fhir/R4/consent.html · https://terminology.hl7.org/CodeSystem-v3-ActReason.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from careplan.domain.errors import Fault
from careplan.fhir import registry
from careplan.fhir.index import extract
from careplan.fhir.query import Criterion, IdIs, TokenIs
from careplan.fhir.reference import find_target
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, find_span
from careplan.fhir.systems import ACT_REASON, CONSENT_ACTION, CONSENT_SCOPE, RESOURCE_TYPES, normal_code
from careplan.fhir.text import Json

PRIVACY = "patient-privacy"
EMERGENCY = "BTG"
"""Break the glass: the purpose of a permit that an emergency access has made."""

REVIEW = "emergency-review"
"""The activity of the Provenance by which an organisation has gone through an emergency access."""

WRITING = frozenset({"collect", "correct"})
"""The actions of a permit that let a relative write."""

ACTORS = frozenset({"Organization", "Practitioner", "PractitionerRole", "RelatedPerson"})
PLACE = "Consent.provision"
KINDS = ("code", "category")
"""The search parameters by which a kind of data is told."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one Consent says.

    denies     else it permits
    actors     `Organization/x`, …; none: whoever it is
    low, high  from when and until when, [low, high)
    types      resource types it is about; none: any
    codes      (system, code) of the data it is about, as their code or category; none: any
    instances  resources it is about, `Observation/17`; none: any
    writes     whether a permit lets write, too
    emergency  whether it is an emergency access
    """

    reference: str
    patient: str
    denies: bool
    actors: frozenset[str]
    low: datetime
    high: datetime
    types: frozenset[str] = frozenset()
    codes: tuple[tuple[str, str], ...] = ()
    instances: frozenset[str] = frozenset()
    writes: bool = False
    emergency: bool = False

    def holds(self, at: datetime) -> bool:
        return self.low <= at < self.high

    @property
    def whole(self) -> bool:
        """Whether it is about everything in the record."""
        return not (self.types or self.codes or self.instances)


def rule_from_consent(consent: Json, base: str) -> Rule | None:
    """What an active Consent says about privacy; None for any other, and for a permit that says what we cannot keep."""
    provision = consent.get("provision") or {}
    patient = find_target(str(consent.get("patient", {}).get("reference", "")), base)
    denies = provision.get("type") == "deny"
    if patient is None or not _is_active(consent) or not _is_about_privacy(consent) or "type" not in provision:
        return None
    if not denies and (any(consent_faults(consent, base)) or _is_doubted(consent)):
        return None
    low, high = _period(provision)
    return Rule(
        reference=f"Consent/{consent.get('id')}",
        patient=patient.id,
        denies=denies,
        actors=frozenset(_actors(provision, base)),
        low=low,
        high=high,
        types=frozenset(one.get("code", "") for one in provision.get("class", ())),
        codes=tuple(sorted(_codes(provision))),
        instances=frozenset(_instances(provision, base)),
        writes=bool(WRITING & _coded(provision.get("action", ()), CONSENT_ACTION)),
        emergency=is_emergency(consent),
    )


def is_emergency(consent: Json) -> bool:
    """Whether a Consent is an emergency access: a permit whose purpose is to break the glass."""
    provision = consent.get("provision")
    purposes = provision.get("purpose", ()) if isinstance(provision, dict) else ()
    listed = purposes if isinstance(purposes, list) else ()
    return any(isinstance(one, dict) and one.get("code") == EMERGENCY for one in listed)


def left_out(rule: Rule, type_name: str) -> Iterator[tuple[Criterion, ...]]:
    """What of a type a denial leaves out: each time, what fulfils all of some criteria; none: the whole type.

    Where something in a record is denied, its Provenance is, since it would tell that there is something.
    """
    if not rule.whole and type_name == "Provenance":
        yield ()
        return
    if rule.types and type_name not in rule.types:
        return
    ids = [IdIs(id) for kind, _, id in (one.partition("/") for one in sorted(rule.instances)) if kind == type_name]
    if rule.instances and not ids:
        return
    chosen = (Criterion("_id", "id", tuple(ids)),) if ids else ()
    if not rule.codes:
        yield chosen
        return
    wanted = tuple(TokenIs(system, code) for system, code in rule.codes)
    for name in KINDS:
        if registry.row(type_name).parameter(name) is not None:
            yield (*chosen, Criterion(name, "token", wanted))


def covers(rule: Rule, type_name: str, id: str, body: Json | None) -> bool:
    """Whether a denial leaves out this version; of a deletion, whether it might."""
    return any(all(_fulfils(one, id, body) for one in criteria) for criteria in left_out(rule, type_name))


def _fulfils(criterion: Criterion, id: str, body: Json | None) -> bool:
    if criterion.parameter == "_id":
        return IdIs(id) in criterion.alternatives
    if body is None:
        return True
    found = {TokenIs(value.system, value.code) for name, value in extract(body).tokens if name == criterion.parameter}
    return bool(found & set(criterion.alternatives))


# ── what it is made of ───────────────────────────────────────────────────────────────────────────


def _is_active(consent: Json) -> bool:
    return bool(consent.get("status") == "active")


def _is_about_privacy(consent: Json) -> bool:
    """What names no scope of HL7's is about privacy: a block whose scope is only written in words must hold."""
    scopes = _coded([consent.get("scope") or {}], CONSENT_SCOPE)
    return not scopes or PRIVACY in scopes


def _is_doubted(consent: Json) -> bool:
    """Whether somebody noted that it was not verified."""
    return any(one.get("verified") is False for one in consent.get("verification", ()))


def _period(provision: Json) -> tuple[datetime, datetime]:
    """From the first moment of its start to the last of its end, days in Copenhagen."""
    period = provision.get("period") or {}
    start, end = find_span(str(period.get("start", ""))), find_span(str(period.get("end", "")))
    return start[0] if start else OPEN_LOW, end[1] if end else OPEN_HIGH


def _actors(provision: Json, base: str) -> Iterator[str]:
    for one in provision.get("actor", ()):
        target = find_target(str(one.get("reference", {}).get("reference", "")), base)
        yield f"{target.type}/{target.id}" if target is not None else "?"


def _instances(provision: Json, base: str) -> Iterator[str]:
    for one in provision.get("data", ()):
        target = find_target(str(one.get("reference", {}).get("reference", "")), base)
        if target is not None:
            yield f"{target.type}/{target.id}"


def _codes(provision: Json) -> Iterator[tuple[str, str]]:
    for concept in provision.get("code", ()):
        for coding in concept.get("coding", ()):
            if coding.get("code"):
                yield normal_code(coding.get("system", ""), coding["code"])


def _coded(concepts: Iterable[Json], system: str) -> set[str]:
    codings = (coding for one in concepts for coding in one.get("coding", ()))
    return {str(coding.get("code")) for coding in codings if coding.get("system") == system}


# ── what cannot be kept ──────────────────────────────────────────────────────────────────────────


def consent_faults(consent: Json, base: str) -> Iterator[Fault]:
    """What an active Consent about privacy says that could not be kept; of one that is valid otherwise."""
    provision = consent.get("provision")
    if not _is_active(consent) or not _is_about_privacy(consent) or provision is None:
        return
    if "provision" in provision:
        yield _fault("provision", "exceptions are not kept; write a Consent for each rule")
    if "type" not in provision:
        yield Fault(f"{PLACE}.type", "element-missing", "a Consent about privacy says permit or deny")
        return
    if provision["type"] == "deny":
        yield from _actor_faults(provision, base)
        yield from _data_faults(provision, base)
    else:
        yield from _permit_faults(provision)


def _actor_faults(provision: Json, base: str) -> Iterator[Fault]:
    for index, one in enumerate(provision.get("actor", ())):
        target = find_target(str(one.get("reference", {}).get("reference", "")), base)
        if target is None or target.type not in ACTORS:
            message = f"an actor is named by reference, as one of {', '.join(sorted(ACTORS))}"
            yield _fault(f"actor[{index}].reference", message)


def _data_faults(provision: Json, base: str) -> Iterator[Fault]:
    """A denial names kinds of data by resource type and by code, and single resources as themselves."""
    types = [one.get("code") for one in provision.get("class", ())]
    for index, one in enumerate(provision.get("class", ())):
        if one.get("system") != RESOURCE_TYPES or not registry.known(str(one.get("code"))):
            yield _fault(f"class[{index}]", f"a class is a type of this service, of {RESOURCE_TYPES}")
        elif "code" in provision and not any(registry.row(one["code"]).parameter(name) for name in KINDS):
            yield _fault(f"class[{index}]", "this type has neither code nor category to tell its kinds by")
    for index, concept in enumerate(provision.get("code", ())):
        if not any(coding.get("code") and coding.get("system") for coding in concept.get("coding", ())):
            yield _fault(f"code[{index}]", "a kind of data is named by a code with its system")
    for index, one in enumerate(provision.get("data", ())):
        target = find_target(str(one.get("reference", {}).get("reference", "")), base)
        fits = target is not None and registry.known(target.type) and (not types or target.type in types)
        if not fits or one.get("meaning") != "instance":
            yield _fault(f"data[{index}]", "data is one resource by reference, with the meaning instance")
    if "action" in provision and "access" not in _coded(provision["action"], CONSENT_ACTION):
        yield _fault("action", "what is denied is access; leave the action out, or name it")


def _permit_faults(provision: Json) -> Iterator[Fault]:
    """A permit for a relative opens the record as a whole, until a day."""
    actors = (str(one.get("reference", {}).get("reference", "")) for one in provision.get("actor", ()))
    if not any("RelatedPerson/" in one for one in actors):
        return
    for name in ("class", "code", "data", "dataPeriod", "securityLabel"):
        if name in provision:
            yield _fault(name, "a power of attorney opens the whole record; it cannot be narrowed")
    if "end" not in (provision.get("period") or {}):
        message = "a power of attorney says until which day it holds"
        yield Fault(f"{PLACE}.period.end", "element-missing", message)


def _fault(name: str, message: str) -> Fault:
    return Fault(f"{PLACE}.{name}", "value-invalid", message)


def emergency_provision(actor: str, start: str, end: str) -> Json:
    """The provision of an emergency access of one person."""
    return {
        "type": "permit",
        "period": {"start": start, "end": end},
        "actor": [{"role": {"text": "Indhenter"}, "reference": {"reference": actor}}],
        "action": [{"coding": [{"system": CONSENT_ACTION, "code": "access"}]}],
        "purpose": [{"system": ACT_REASON, "code": "ETREAT"}, {"system": ACT_REASON, "code": EMERGENCY}],
    }
