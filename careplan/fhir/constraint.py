"""R4's own invariants for the types we keep: rules between elements that no element table can hold.

One function an invariant, named by R4's key in the table at the end. Each takes an object that already
has the right structure. Left to others: `ext-1`, `ref-1`, `dom-2`, `dom-4` (`models`) and `txt-1`,
`txt-2` (`xhtml`). Not here: what needs another resource to be decided, and best-practice warnings.
Follows the Constraints section of each type, e.g. https://hl7.org/fhir/R4/observation.html#invs.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

Item = dict[str, Any]


class Invariant(NamedTuple):
    """A rule of R4: its key, what it asks in words, and whether an object keeps it."""

    key: str
    human: str
    holds: Callable[[Item], bool]


def broken(type_name: str, item: Item) -> Iterator[Invariant]:
    """The invariants of a type that an object of it does not keep."""
    return (invariant for invariant in INVARIANTS.get(type_name, ()) if not invariant.holds(item))


def _given(*names: str) -> Callable[[Item], bool]:
    """At least one of these is there."""
    return lambda item: any(name in item or f"_{name}" in item for name in names)


def _needs(name: str, other: str) -> Callable[[Item], bool]:
    """Where the one is, the other is too."""
    return lambda item: name not in item or other in item or f"_{other}" in item


def _not_both(name: str, other: str) -> Callable[[Item], bool]:
    return lambda item: name not in item or other not in item


def _has_choice(item: Item, stem: str) -> bool:
    return any(name.lstrip("_").startswith(stem) and name.lstrip("_")[len(stem) :][:1].isupper() for name in item)


def _codes(concept: Any) -> set[tuple[Any, Any]]:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return {(coding.get("system"), coding["code"]) for coding in codings if "code" in coding}


def _words(concept: Any) -> set[Any]:
    return {code for _, code in _codes(concept)}


def _ordered(start: Any, end: Any) -> bool:
    """Whether two dates or times are in order, as far as both are told equally well."""
    if not isinstance(start, str) or not isinstance(end, str) or ("T" in start) != ("T" in end):
        return True
    if "T" not in start:
        told = min(len(start), len(end))
        return start[:told] <= end[:told]
    try:
        return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
    except ValueError:
        return True


def _period_in_order(item: Item) -> bool:
    return _ordered(item.get("start"), item.get("end"))


def _range_in_order(item: Item) -> bool:
    low, high = item.get("low", {}), item.get("high", {})
    if (
        "value" not in low
        or "value" not in high
        or low.get("code", low.get("unit")) != high.get("code", high.get("unit"))
    ):
        return True
    return bool(Decimal(low["value"]) <= Decimal(high["value"]))


def _bounds_are_simple(item: Item) -> bool:
    return all("comparator" not in item.get(name, {}) for name in ("low", "high"))


def _ratio_is_whole(item: Item) -> bool:
    return ("numerator" in item) == ("denominator" in item) and ("numerator" in item or "extension" in item)


def _no_home_use(name: str) -> Callable[[Item], bool]:
    return lambda item: all(part.get("use") != "home" for part in item.get(name, ()))


def _abated_is_inactive(item: Item) -> bool:
    allowed = {"inactive", "resolved", "remission"}
    return not _has_choice(item, "abatement") or bool(_words(item.get("clinicalStatus")) & allowed)


def _error_has_no_status(item: Item) -> bool:
    return "entered-in-error" not in _words(item.get("verificationStatus")) or "clinicalStatus" not in item


def _absent_has_no_value(item: Item) -> bool:
    return "dataAbsentReason" not in item or not _has_choice(item, "value")


def _component_does_not_repeat(item: Item) -> bool:
    own = _codes(item.get("code"))
    parts = item.get("component", ())
    return not _has_choice(item, "value") or not any(own & _codes(part.get("code")) for part in parts)


def _detail_has_measure(item: Item) -> bool:
    return "measure" in item or not _has_choice(item, "detail")


def _task_in_order(item: Item) -> bool:
    return _ordered(item.get("authoredOn"), item.get("lastModified"))


def _appointment_timed(item: Item) -> bool:
    return "start" in item or item.get("status") in ("proposed", "cancelled", "waitlist")


def _cancelled_for_reason(item: Item) -> bool:
    return "cancelationReason" not in item or item.get("status") in ("cancelled", "noshow")


def _actual_has_members(item: Item) -> bool:
    return "member" not in item or item.get("actual") is True


def _total_of_search(item: Item) -> bool:
    return "total" not in item or item.get("type") in ("searchset", "history")


def _entries_have(part: str, *types: str) -> Callable[[Item], bool]:
    return lambda item: all((part in entry) == (item.get("type") in types) for entry in item.get("entry", ()))


def _search_of_searchset(item: Item) -> bool:
    return item.get("type") == "searchset" or all("search" not in entry for entry in item.get("entry", ()))


def _urls_differ(item: Item) -> bool:
    if item.get("type") == "history":
        return True
    named = [
        (entry["fullUrl"], entry.get("resource", {}).get("meta", {}).get("versionId"))
        for entry in item.get("entry", ())
        if "fullUrl" in entry
    ]
    return len(named) == len(set(named))


def _url_has_no_version(item: Item) -> bool:
    return "/_history/" not in item.get("fullUrl", "")


def _time_or_when(item: Item) -> bool:
    return "timeOfDay" not in item or "when" not in item


def _system_of_concepts(item: Item) -> bool:
    return not ({"concept", "filter"} & item.keys()) or "system" in item


def _link_ids_differ(item: Item) -> bool:
    found = [one["linkId"] for one in _nested(item) if "linkId" in one]
    return len(found) == len(set(found))


def _nested(item: Item) -> Iterator[Item]:
    """The items of a questionnaire, at every depth."""
    for one in item.get("item", ()):
        yield one
        yield from _nested(one)


def _nested_as_its_type(item: Item) -> bool:
    return ("item" in item) if item.get("type") == "group" else not (item.get("type") == "display" and "item" in item)


def _not_of(types: tuple[str, ...], *names: str) -> Callable[[Item], bool]:
    """Items of these types have none of these elements."""
    return lambda item: item.get("type") not in types or not any(name in item for name in names)


def _only_of(types: tuple[str, ...], *names: str) -> Callable[[Item], bool]:
    """Items of no other types have one of these elements."""
    return lambda item: item.get("type") in types or not any(name in item for name in names)


def _one_initial(item: Item) -> bool:
    return item.get("repeats") is True or len(item.get("initial", ())) <= 1


def _behaviour_told(item: Item) -> bool:
    """More than two in R4's expression, more than one in its words: the expression is what validators ask."""
    return len(item.get("enableWhen", ())) <= 2 or "enableBehavior" in item


def _exists_is_asked(item: Item) -> bool:
    return item.get("operator") != "exists" or "answerBoolean" in item


def _collected_without_score(item: Item) -> bool:
    return item.get("type") != "data-collection" or "group" not in item


def _strata_are_single(item: Item) -> bool:
    return ("value" in item) != ("component" in item)


_BATCH = ("batch", "transaction", "history")
_ANSWER = ("batch-response", "transaction-response", "history")
_CHOSEN = (*("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity"),)
_WRITTEN = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")

INVARIANTS: dict[str, tuple[Invariant, ...]] = {
    "Period": (Invariant("per-1", "start is not after end", _period_in_order),),
    "Range": (
        Invariant("rng-2", "low is not above high", _range_in_order),
        Invariant("sqty-1", "a bound has no comparator", _bounds_are_simple),
    ),
    "Quantity": (Invariant("qty-3", "a code has its system", _needs("code", "system")),),
    "Ratio": (Invariant("rat-1", "numerator and denominator, or neither", _ratio_is_whole),),
    "ContactPoint": (Invariant("cpt-2", "a value has its system", _needs("value", "system")),),
    "Attachment": (Invariant("att-1", "data has its contentType", _needs("data", "contentType")),),
    "Expression": (Invariant("exp-1", "an expression or a reference", _given("expression", "reference")),),
    "TimingRepeat": (
        Invariant("tim-1", "a duration has its unit", _needs("duration", "durationUnit")),
        Invariant("tim-2", "a period has its unit", _needs("period", "periodUnit")),
        Invariant("tim-6", "periodMax comes with period", _needs("periodMax", "period")),
        Invariant("tim-7", "durationMax comes with duration", _needs("durationMax", "duration")),
        Invariant("tim-8", "countMax comes with count", _needs("countMax", "count")),
        Invariant("tim-10", "timeOfDay or when, not both", _time_or_when),
    ),
    "PatientContact": (
        Invariant("pat-1", "a contact can be reached", _given("name", "telecom", "address", "organization")),
    ),
    "Organization": (
        Invariant("org-1", "an identifier or a name", _given("identifier", "name")),
        Invariant("org-2", "no address of use home", _no_home_use("address")),
        Invariant("org-3", "no telecom of use home", _no_home_use("telecom")),
    ),
    "Condition": (
        Invariant("con-4", "abated: inactive, resolved or remission", _abated_is_inactive),
        Invariant("con-5", "entered in error: no clinicalStatus", _error_has_no_status),
    ),
    "ConditionStage": (Invariant("con-1", "summary or assessment", _given("summary", "assessment")),),
    "ConditionEvidence": (Invariant("con-2", "code or detail", _given("code", "detail")),),
    "Observation": (
        Invariant("obs-6", "dataAbsentReason only without a value", _absent_has_no_value),
        Invariant("obs-7", "no component repeats the code of the value", _component_does_not_repeat),
    ),
    "ObservationReferenceRange": (
        Invariant("obs-3", "low, high or text", _given("low", "high", "text")),
        Invariant("sqty-1", "a bound has no comparator", _bounds_are_simple),
    ),
    "GoalTarget": (Invariant("gol-1", "a detail has its measure", _detail_has_measure),),
    "CarePlanActivity": (Invariant("cpl-3", "detail or reference, not both", _not_both("detail", "reference")),),
    "ServiceRequest": (Invariant("prr-1", "orderDetail comes with code", _needs("orderDetail", "code")),),
    "Task": (Invariant("inv-1", "lastModified is not before authoredOn", _task_in_order),),
    "ImmunizationEducation": (Invariant("imm-1", "documentType or reference", _given("documentType", "reference")),),
    "Appointment": (
        Invariant("app-2", "start and end, or neither", lambda item: ("start" in item) == ("end" in item)),
        Invariant("app-3", "start and end, unless proposed, cancelled or on a waiting list", _appointment_timed),
        Invariant("app-4", "cancelationReason only when cancelled or noshow", _cancelled_for_reason),
    ),
    "AppointmentParticipant": (Invariant("app-1", "type or actor", _given("type", "actor")),),
    "Group": (Invariant("grp-1", "members only of an actual group", _actual_has_members),),
    "Questionnaire": (Invariant("que-2", "every linkId is given once", _link_ids_differ),),
    "QuestionnaireItem": (
        Invariant("que-1", "a group has items, a display none", _nested_as_its_type),
        Invariant("que-3", "a display has no code", _not_of(("display",), "code")),
        Invariant("que-4", "answerOption or answerValueSet, not both", _not_both("answerOption", "answerValueSet")),
        Invariant("que-5", "answers to choose from suit the type", _only_of(_CHOSEN, "answerOption", "answerValueSet")),
        Invariant("que-6", "a display neither is required nor repeats", _not_of(("display",), "required", "repeats")),
        Invariant("que-8", "a group or display has no initial value", _not_of(("group", "display"), "initial")),
        Invariant("que-9", "a display is not readOnly", _not_of(("display",), "readOnly")),
        Invariant("que-10", "maxLength suits the type", _only_of(_WRITTEN, "maxLength")),
        Invariant("que-11", "answerOption or initial, not both", _not_both("answerOption", "initial")),
        Invariant("que-12", "several enableWhen come with enableBehavior", _behaviour_told),
        Invariant("que-13", "several initial values only where it repeats", _one_initial),
    ),
    "QuestionnaireItemEnableWhen": (Invariant("que-7", "exists is answered by a boolean", _exists_is_asked),),
    "MeasureReport": (Invariant("mrp-1", "data collection has no group", _collected_without_score),),
    "MeasureReportGroupStratifierStratum": (Invariant("mrp-2", "a value or components, not both", _strata_are_single),),
    "SearchParameter": (
        Invariant("spd-1", "an xpath has its xpathUsage", _needs("xpath", "xpathUsage")),
        Invariant("spd-2", "chain only of a reference", _only_of(("reference",), "chain")),
    ),
    "OperationDefinitionParameter": (
        Invariant("opd-1", "a type or parts", _given("type", "part")),
        Invariant("opd-2", "searchType only of a string", _only_of(("string",), "searchType")),
        Invariant("opd-3", "targetProfile only of references", _only_of(("Reference", "canonical"), "targetProfile")),
    ),
    "Consent": (Invariant("ppc-1", "policy or policyRule", _given("policy", "policyRule")),),
    "QuestionnaireResponseItem": (Invariant("qrs-1", "answer or item, not both", _not_both("answer", "item")),),
    "Bundle": (
        Invariant("bdl-1", "total only of a search or a history", _total_of_search),
        Invariant("bdl-2", "entry.search only in a searchset", _search_of_searchset),
        Invariant(
            "bdl-3", "request in a batch, transaction or history, and only there", _entries_have("request", *_BATCH)
        ),
        Invariant("bdl-4", "response in an answer or history, and only there", _entries_have("response", *_ANSWER)),
        Invariant("bdl-7", "each fullUrl once", _urls_differ),
    ),
    "BundleEntry": (
        Invariant("bdl-5", "resource, request or response", _given("resource", "request", "response")),
        Invariant("bdl-8", "fullUrl has no version", _url_has_no_version),
    ),
    "ValueSetComposeInclude": (
        Invariant("vsd-1", "system or valueSet", _given("system", "valueSet")),
        Invariant("vsd-2", "concepts and filters come with system", _system_of_concepts),
        Invariant("vsd-3", "concepts or filters, not both", _not_both("concept", "filter")),
    ),
}
"""Type or backbone class of `models.shape` → its invariants."""

KEYS = frozenset(invariant.key for listed in INVARIANTS.values() for invariant in listed) | {
    *("ext-1", "ref-1", "dom-2", "dom-4", "txt-1", "txt-2"),
    "con-3",  # a best-practice warning in R4
    *("ppc-2", "ppc-3", "ppc-4", "ppc-5"),  # they ask for a scope of the system `something`, which no consent has
}
"""The keys of R4 that need no checking by a profile which repeats them."""
