"""What a browser carries to the issuer and back: sealed, so that it can neither be read nor changed there.

A JWE with a key of the service's own secret. https://www.rfc-editor.org/rfc/rfc7516
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

LONGEST = 2048
_HEADER = {"alg": "dir", "enc": "A256GCM"}


@dataclass(frozen=True, slots=True)
class Errand:
    """One sign-in under way.

    state, nonce  random; come back in the address and in the id_token
    verifier      what proves to the issuer that the code is fetched by whoever asked (PKCE)
    answer_to     where the issuer sends the browser; back: the path it goes to after that
    at            when it began, seconds since 1970
    """

    state: str
    nonce: str
    verifier: str
    answer_to: str
    back: str
    at: int


class Seal:
    """Seals and opens errands with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = OctKey.import_key(hmac.digest(secret, b"careplan.sign-in", "sha256"))

    def close(self, errand: Errand) -> str:
        return jwe.encrypt_compact(dict(_HEADER), json.dumps(asdict(errand)).encode(), self._key)

    def open(self, text: str) -> Errand | None:
        """None for what was not sealed here."""
        if not text or len(text) > LONGEST:
            return None
        try:
            said = json.loads(jwe.decrypt_compact(text, self._key, algorithms=list(_HEADER.values())).plaintext or b"")
            return _errand(said)
        except (JoseError, ValueError, TypeError, KeyError):
            return None


def _errand(said: Mapping[str, object]) -> Errand:
    names = ("state", "nonce", "verifier", "answer_to", "back")
    return Errand(**{name: str(said[name]) for name in names}, at=int(str(said["at"])))
