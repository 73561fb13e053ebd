"""How many requests are at work at once: one more is asked to come again, before it costs anything.

The answer is 503 and not 429: it is the service that is full, not this caller who asked too often (R4-12).
https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from careplan.domain.errors import CareplanError


class Busy(CareplanError):
    """As many requests are at work as the service lets in at once."""

    code = "busy"


class Gate:
    """`with gate:` is to be one of those inside; one event loop enters and leaves, so a plain number will do."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.inside = 0

    def __enter__(self) -> None:
        """Raises Busy."""
        if self.inside >= self.most:
            raise Busy(f"{self.most} requests are at work here, which is the most; send it again in a moment")
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        self.inside -= 1
