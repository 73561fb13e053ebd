"""The table of operations: name, level, whether it changes state. The registry names them by type."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from careplan.fhir import registry
from careplan.fhir.page_link import PAGE
from careplan.interactions.context import Context
from careplan.interactions.operations import everything, expand, lastn, lookup, validate
from careplan.interactions.operations.asked import Asked
from careplan.interactions.operations.eligible import eligible
from careplan.interactions.operations.emergency_access import emergency_access, emergency_accesses
from careplan.interactions.operations.establish import apply, establish
from careplan.interactions.operations.exclude import end_exclusion, exclude
from careplan.interactions.operations.individual_target import follow_recommendation, set_individual_target
from careplan.interactions.operations.overview import overview
from careplan.interactions.operations.recommended_targets import recommended_targets

Handler = Callable[[Context, Asked], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation is called.

    methods  GET only where nothing changes
    takes    the parameters it knows; others are passed over, or refused under `handling=strict`. None: the
             operation looks at them itself
    bare     the parameter that a body which is no Parameters stands for; empty: there is none
    sound    whether a resource among the parameters must be valid
    """

    run: Handler
    methods: frozenset[str]
    takes: frozenset[str] | None = frozenset()
    bare: str = ""
    sound: bool = True


_LOOKS = frozenset({"GET", "POST"})
_CHANGES = frozenset({"POST"})

_ELIGIBLE = frozenset({"clinic", "plan-type", "state", "on", "_count", PAGE})
_EXCLUDE = frozenset({"plan-type", "reason", "text", "until"})
_EMERGENCY = frozenset({"reason", "identifier"})
_ESTABLISH = frozenset({"subject", "definition", "exclude", "reason"})
_TARGET = frozenset(
    {"low", "high", "unit", "comparator", "strict", "reason", "text", "valid-until", "author", "instruction"}
)

_OWN: Mapping[tuple[str, str, str], Operation] = {
    ("Patient", "type", "eligible"): Operation(eligible, _LOOKS, _ELIGIBLE),
    ("Patient", "instance", "recommended-targets"): Operation(recommended_targets, _LOOKS, frozenset({"on"})),
    ("Patient", "instance", "overview"): Operation(overview, _LOOKS, frozenset({"audience", "on"})),
    ("Patient", "instance", "exclude"): Operation(exclude, _CHANGES, _EXCLUDE),
    ("Patient", "instance", "end-exclusion"): Operation(end_exclusion, _CHANGES, frozenset({"plan-type"})),
    ("Patient", "type", "emergency-access"): Operation(emergency_access, _CHANGES, _EMERGENCY),
    ("Patient", "instance", "emergency-access"): Operation(emergency_access, _CHANGES, _EMERGENCY),
    ("Organization", "instance", "emergency-accesses"): Operation(emergency_accesses, _LOOKS),
    ("PlanDefinition", "instance", "apply"): Operation(apply, _LOOKS, frozenset({"subject"})),
    ("CarePlan", "type", "establish"): Operation(establish, _CHANGES, _ESTABLISH),
    ("Goal", "instance", "set-individual-target"): Operation(set_individual_target, _CHANGES, _TARGET),
    ("Goal", "instance", "follow-recommendation"): Operation(follow_recommendation, _CHANGES),
}
_EXPAND = Operation(expand.expand_value_set, _LOOKS, expand.TAKES, bare="valueSet")
_LOOKUP = Operation(lookup.lookup, _LOOKS, lookup.TAKES)

_STANDARD: Mapping[tuple[str, str, str], Operation] = {
    ("Patient", "instance", "everything"): Operation(everything.everything, _LOOKS, everything.TAKES),
    ("Observation", "type", "lastn"): Operation(lastn.lastn, _LOOKS, takes=None),
    ("ValueSet", "type", "expand"): _EXPAND,
    ("ValueSet", "instance", "expand"): _EXPAND,
    ("CodeSystem", "type", "lookup"): _LOOKUP,
    ("CodeSystem", "instance", "lookup"): _LOOKUP,
}


def _validations() -> dict[tuple[str, str, str], Operation]:
    """`$validate` of every type, on both levels."""
    made = {
        name: Operation(validate.validate(name), _LOOKS, validate.TAKES, bare="resource", sound=False)
        for name in registry.TYPES
    }
    return {(name, level, "validate"): one for name, one in made.items() for level in ("type", "instance")}


OPERATIONS: Mapping[tuple[str, str, str], Operation] = {**_OWN, **_STANDARD, **_validations()}
