"""«Hvorfor dette mål?»: one line's explanation in words for clinicians.

Everything is read from the evaluation of today; nothing is explained that the rules did not use. The words are
`domain.account`'s, the same as of the command line; what a patient reads is `basis`.
"""

from datetime import date

from careplan.domain.account import Account, account_of
from careplan.domain.guideline import Knowledge
from careplan.interactions.overview import Line


def why_of(line: Line, knowledge: Knowledge, on: date) -> Account | None:
    """Why the rules recommend what they do, or cannot yet; None where they do not speak of the measure."""
    if line.explanation is None:
        return None
    return account_of(line.explanation, knowledge, on, line.lapsed)
