"""«Hvorfor dette mål?»: one line's explanation in words for clinicians.

Everything is read from the evaluation of today; nothing is explained that the rules did not use. The words are
`domain.account`'s, the same as of the command line; what a patient reads is `basis`.
"""

from datetime import date

from careplan.domain.account import Account, account_of
from careplan.domain.danish import undecided_plan_text
from careplan.domain.guideline import Knowledge
from careplan.interactions.overview import Line, Overview


def why_of(line: Line, knowledge: Knowledge, on: date) -> Account | None:
    """Why the rules recommend what they do, or cannot yet; None where they do not speak of the measure."""
    if line.explanation is None:
        return None
    return account_of(line.explanation, knowledge, on, line.lapsed)


def why_measure(measure: str, overview: Overview, knowledge: Knowledge) -> Account | None:
    """The same of a measure that the plan need not follow, as the time until the next årskontrol."""
    explained = overview.explained.get(measure)
    return None if explained is None else account_of(explained, knowledge, overview.on, overview.lapsed)


def undecided_plans(overview: Overview, knowledge: Knowledge) -> tuple[str, ...]:
    """«Type 2-diabetes: planen kan ikke afgøres, mangler: alder» of each plan that was neither given nor refused."""
    return tuple(
        f"{knowledge.plans[name].name}: {undecided_plan_text(plan.missing, knowledge)}"
        for name, plan in overview.answer.plans.items()
        if plan.row is None and plan.missing
    )
