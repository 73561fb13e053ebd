"""The signed cookie of somebody signed in: which session, since when, and when last seen.

Not here: whose session it is (`presence`), how people show who they are (`signin`), and what they may do
(`interactions.access`). The clock is the caller's, so that time limits can be tested.
https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from itsdangerous import BadSignature, Signer, URLSafeSerializer

NAME, UNDER_WAY = "forloebsplan", "forloebsplan-log-ind"
"""The session, and a sign-in under way."""
OWN = "*"
"""That a patient has chosen their own plan; no logical id."""
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser between two sign-ins.

    id       random, new at every sign-in; the form token hangs on it
    persona  key of who is signed in, in the demo; else empty
    started, seen  seconds since 1970
    acting   whose plan a patient has chosen to see: OWN, the id of the RelatedPerson they act as, or nothing yet
    """

    id: str
    persona: str
    started: int
    seen: int
    acting: str = ""

    def at(self, now: datetime) -> "Session":
        """The same session, seen now."""
        return replace(self, seen=int(now.timestamp()))


class Sessions:
    """Signs and reads session cookies and form tokens with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._cookies = URLSafeSerializer(secret, salt="careplan.session")
        self._forms = Signer(secret, salt="careplan.form")

    def text(self, session: Session) -> str:
        """The cookie's value."""
        written = self._cookies.dumps([session.id, session.persona, session.started, session.seen, session.acting])
        return written if isinstance(written, str) else written.decode()

    def find(self, text: str | None, now: datetime) -> Session | None:
        """The session of a cookie; None when it is not ours, idle for half an hour, or eight hours old."""
        if not text:
            return None
        try:
            id, persona, started, seen, acting = self._cookies.loads(text)
            session = Session(str(id), str(persona), int(started), int(seen), str(acting))
        except (BadSignature, ValueError, TypeError):
            return None
        idle, age = now.timestamp() - session.seen, now.timestamp() - session.started
        return None if idle > IDLE.total_seconds() or age > ABSOLUTE.total_seconds() else session

    def form_token(self, session: Session, salt: str = "") -> str:
        """What every form of this session carries: another text each time, so that compressed pages give none away.

        It holds for the person whose plan was open, so that a form never ends up in somebody else's.
        """
        salt = salt or secrets.token_hex(8)
        signed = f"{salt}{session.id}.{session.acting}" if session.acting not in ("", OWN) else salt + session.id
        return f"{salt}.{self._forms.get_signature(signed).decode()}"

    def is_form_token(self, session: Session, token: str) -> bool:
        """Whether a token was given to this session."""
        salt = token.partition(".")[0]
        return bool(salt) and hmac.compare_digest(self.form_token(session, salt).encode(), token.encode())
