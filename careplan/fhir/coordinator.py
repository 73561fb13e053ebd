"""The tovholder: the one member of a patient's CareTeam who is responsible, and the team with another one.

https://hl7.org/fhir/R4/careteam.html
"""

from collections.abc import Iterable
from typing import Any

from careplan.fhir.text import Json

COORDINATOR = "Tovholder"
"""What the role is called; R4 binds no code for it."""

TEAM = "Behandlerteam"


def find_coordinator(teams: Iterable[Json]) -> str | None:
    """Reference of whoever is named; None where nobody is, or the team is no longer one."""
    current = (team for team in teams if team.get("status", "active") == "active")
    named = (one for team in current for one in team.get("participant", ()) if is_coordinator(one))
    return next((str(one["member"]["reference"]) for one in named if "reference" in one.get("member", {})), None)


def is_coordinator(participant: Json) -> bool:
    return any(role.get("text") == COORDINATOR for role in participant.get("role", ()))


def with_coordinator(team: Json, reference: str) -> dict[str, Any]:
    """The team with this tovholder instead of any other; everybody else stays."""
    others = [one for one in team.get("participant", ()) if not is_coordinator(one)]
    return {**team, "participant": [_named(reference), *others]}


def team_of(patient: str, organization: str | None, reference: str) -> dict[str, Any]:
    """A new team of one: the tovholder."""
    team: dict[str, Any] = {
        "resourceType": "CareTeam",
        "status": "active",
        "name": TEAM,
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [_named(reference)],
    }
    return {
        **team,
        **({"managingOrganization": [{"reference": f"Organization/{organization}"}]} if organization else {}),
    }


def _named(reference: str) -> Json:
    return {"role": [{"text": COORDINATOR}], "member": {"reference": reference}}
