"""Who calls: role, organisation and person, as a door has established them (design §7)."""

from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.interactions.smart import Scope


class TokenRefused(CareplanError):
    """The access token does not count; the message says why, and nothing of what stands in it."""

    code = "token-refused"


class IssuerUnavailable(CareplanError):
    """No token can be judged now, since its issuer's keys cannot be read."""

    code = "issuer-unavailable"


@dataclass(frozen=True, slots=True)
class Caller:
    """One person or system, in one role.

    role          `system`, `patient`, `clinic`, `municipality`, `hospital`, `lps`, `statistics`
    organization  logical id of the Organization acted for; None for patients and `system`
    patient       logical id of the caller's own Patient, for role `patient`; for others, of the one in context
    reference     the person as FHIR names them: `PractitionerRole/x`, `Patient/x`; None for systems
    name          shown on pages and in Provenance.agent.who.display
    scopes        what a client may do on behalf of the person; None where no client stands between
    within        logical id of the only patient that the scopes are about; None: as many as the caller may see
    purpose       v3-ActReason code of what it is for
    level         the assurance of the sign-in (NSIS)
    subject       who the issuer says it is; client: the system that asks
    """

    role: str
    name: str
    organization: str | None = None
    patient: str | None = None
    reference: str | None = None
    scopes: tuple[Scope, ...] | None = None
    within: str | None = None
    purpose: str = ""
    level: str = ""
    subject: str = ""
    client: str = ""


SYSTEM = Caller("system", "careplan")
