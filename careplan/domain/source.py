"""Where a number, a sentence or a formula comes from: named wherever a reader would ask.

Not here: whether the source says so; that a second clinician signs (`careplan.domain.guideline.Review`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number or sentence comes from."""

    title: str
    publisher: str
    url: str
    year: int | None = None
    section: str = ""
