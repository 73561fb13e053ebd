"""A Provenance as somebody sends it: everybody speaks for themselves, and of what the service has not witnessed.

Who made a version is written by the service in the same commit (`commit`); nobody writes another beside it. Systems are
let through: they load history. A review of an emergency access comes by its form alone (`emergency_review`).
https://hl7.org/fhir/R4/provenance.html
"""

from collections.abc import Iterator
from itertools import chain

from careplan.domain.errors import Fault
from careplan.fhir.consent import REVIEW
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.guest import references_of
from careplan.interactions.refusal import refuse


def check_sent_provenance(context: Context, change: Change) -> None:
    """Raises ResourceInvalid; a Provenance need not be valid yet."""
    if change.type == "Provenance" and change.value is not None and context.caller.role != "system":
        faults = (_agent_faults(context, change.value), _target_faults(context, change.value))
        refuse(change, [*chain.from_iterable(faults), *_activity_faults(change.value)])


def _agent_faults(context: Context, value: Json) -> Iterator[Fault]:
    caller = context.caller
    clinic = f"Organization/{caller.organization}" if caller.organization else None
    own = caller.reference or clinic
    agents = value.get("agent")
    for index, agent in enumerate(agents if isinstance(agents, list) else ()):
        who = references_of(agent, "who") if isinstance(agent, dict) else []
        behalf = references_of(agent, "onBehalfOf") if isinstance(agent, dict) else []
        if who != [own]:
            yield Fault(f"Provenance.agent[{index}].who", "agent-other", f"the agent is whoever sends it: {own}")
        if any(one != clinic for one in behalf):
            message = "somebody acts on behalf of the organisation that they call for"
            yield Fault(f"Provenance.agent[{index}].onBehalfOf", "agent-other", message)


def _activity_faults(value: Json) -> Iterator[Fault]:
    activity = value.get("activity")
    if isinstance(activity, dict) and activity.get("text") == REVIEW:
        message = "an emergency access is gone through by its organisation, on the page for that; nobody else writes it"
        yield Fault("Provenance.activity", "review-other", message)


def _target_faults(context: Context, value: Json) -> Iterator[Fault]:
    for index, reference in enumerate(references_of(value, "target")):
        target = find_target(reference, context.base)
        if "/_history/" in reference and target is not None and target.type:
            message = "who made a version of this service is written by the service; name the resource without version"
            yield Fault(f"Provenance.target[{index}]", "agent-other", message)
