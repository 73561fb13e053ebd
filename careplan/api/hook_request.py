"""What a CDS client sends: the call of a service, and feedback on its cards; checked here, field by field.

Fields that the specification does not know are passed over. https://cds-hooks.hl7.org/2.0/#http-request_1
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from careplan.api.prefetch import HookFaulty
from careplan.domain.errors import Fault
from careplan.fhir.reference import CPR, ID
from careplan.fhir.text import Json

HOOK = "patient-view"
_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"


def _without_number(text: str) -> str:
    if CPR.search(text):
        raise ValueError("a person number is never an id")
    return text


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("an instant says its offset")
    return text


Uuid = Annotated[str, StringConstraints(pattern=_UUID)]
Id = Annotated[str, StringConstraints(pattern=f"^{ID}$"), AfterValidator(_without_number)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$", max_length=2048)]
User = Annotated[str, StringConstraints(pattern=f"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/{ID}$")]
Instant = Annotated[str, StringConstraints(max_length=64), AfterValidator(_instant)]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class HookAuthorization(_Sent):
    """A token for the client's FHIR server; checked for form, never used, kept or logged."""

    access_token: Text
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(ge=0)]
    scope: str
    subject: Text
    patient: Id | None = None


class HookContext(_Sent):
    """What `patient-view` is called with. https://cds-hooks.hl7.org/hooks/patient-view/STU1/patient-view/"""

    userId: User
    patientId: Id
    encounterId: Id | None = None


class HookRequest(_Sent):
    """A call of the service."""

    hook: Literal["patient-view"]
    hookInstance: Uuid
    context: HookContext
    fhirServer: Url | None = None
    fhirAuthorization: HookAuthorization | None = None
    prefetch: dict[str, Any] | None = None
    extension: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _names_the_server_of_a_token(self) -> "HookRequest":
        if self.fhirAuthorization is not None and self.fhirServer is None:
            raise ValueError("fhirServer is required with fhirAuthorization")
        return self


class AcceptedSuggestion(_Sent):
    id: Uuid


class Reason(_Sent):
    """A Coding."""

    code: Text
    system: Text | None = None
    display: Text | None = None


class OverrideReason(_Sent):
    reason: Reason | None = None
    userComment: str | None = None


class Feedback(_Sent):
    """What became of one card. https://cds-hooks.hl7.org/2.0/#feedback"""

    card: Uuid
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: Instant
    acceptedSuggestions: list[AcceptedSuggestion] | None = None
    overrideReason: OverrideReason | None = None

    @model_validator(mode="after")
    def _names_what_was_accepted(self) -> "Feedback":
        if self.outcome == "accepted" and not self.acceptedSuggestions:
            raise ValueError("acceptedSuggestions is required when the outcome is accepted")
        return self


class FeedbackRequest(_Sent):
    feedback: Annotated[list[Feedback], Field(min_length=1, max_length=1000)]


Sent = TypeVar("Sent", bound=BaseModel)

_EXPECTED: Mapping[str, str] = {
    "hook": f"must be {HOOK}, which is what this service is called for",
    "hookInstance": "must be a UUID",
    "fhirServer": "must be the absolute base URL of a FHIR server; it is required with fhirAuthorization",
    "userId": "must be [ResourceType]/[id] of a Practitioner, PractitionerRole, Patient or RelatedPerson",
    "patientId": "must be the FHIR id of the patient, and never a person number",
    "encounterId": "must be the FHIR id of an encounter, and never a person number",
    "token_type": "must be Bearer",
    "expires_in": "must be a whole number of seconds",
    "card": "must be the uuid of a card",
    "outcome": "must be accepted or overridden",
    "acceptedSuggestions": "must list what was accepted; it is required when the outcome is accepted",
    "outcomeTimestamp": "must be an instant like 2026-11-22T10:03:00Z",
    "feedback": "must be an array of one feedback or more",
}
"""What is expected of a field, said without what was sent."""


def sent_from_body(model: type[Sent], body: Json) -> Sent:
    """The body as this model. Raises HookFaulty with every fault, each with its field."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        faults = tuple(_fault(one["type"], one["loc"]) for one in error.errors(include_url=False, include_input=False))
    raise HookFaulty(f"{len(faults)} field(s) are not as CDS Hooks 2.0 has them", faults)


def _fault(kind: str, place: tuple[int | str, ...]) -> Fault:
    """A fault at a field. A rule of a whole object names the field it asks for."""
    names = [one for one in place if isinstance(one, str)]
    if kind == "value_error" and (not names or names[-1] == "feedback"):
        place = (*place, "acceptedSuggestions" if names else "fhirServer")
    field = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in place).lstrip(".")
    name = next((one for one in reversed(place) if isinstance(one, str)), "")
    if kind == "missing":
        return Fault(field, "element-missing", "is required")
    return Fault(field, "value-invalid", _EXPECTED.get(name, "is not what CDS Hooks 2.0 has here"))
