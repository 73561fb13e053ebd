"""The table of operations: name, level, whether it changes state. The registry names them by type."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked
from careplan.interactions.operations.eligible import eligible
from careplan.interactions.operations.establish import apply, establish
from careplan.interactions.operations.individual_target import follow_recommendation, set_individual_target
from careplan.interactions.operations.overview import overview
from careplan.interactions.operations.recommended_targets import recommended_targets

Handler = Callable[[Context, Asked], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation is called. `methods`: GET only where nothing changes."""

    run: Handler
    methods: frozenset[str]


_LOOKS = frozenset({"GET", "POST"})
_CHANGES = frozenset({"POST"})

OPERATIONS: Mapping[tuple[str, str, str], Operation] = {
    ("Patient", "type", "eligible"): Operation(eligible, _LOOKS),
    ("Patient", "instance", "recommended-targets"): Operation(recommended_targets, _LOOKS),
    ("Patient", "instance", "overview"): Operation(overview, _LOOKS),
    ("PlanDefinition", "instance", "apply"): Operation(apply, _LOOKS),
    ("CarePlan", "type", "establish"): Operation(establish, _CHANGES),
    ("Goal", "instance", "set-individual-target"): Operation(set_individual_target, _CHANGES),
    ("Goal", "instance", "follow-recommendation"): Operation(follow_recommendation, _CHANGES),
}
