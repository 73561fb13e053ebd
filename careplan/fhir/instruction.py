"""The agreed instruction of a Goal: what a person is to do when a value of their own lies outside the target.

It stands in Goal.note and is told word for word (B4). It is agreed beside the target and does not end with it: nothing
agreed changes by itself. Not here: who agrees on it (`interactions.operations.individual_target`).
https://hl7.org/fhir/R4/goal-definitions.html#Goal.note
"""

from collections.abc import Mapping
from datetime import datetime

from careplan.fhir.instant import instant_text
from careplan.fhir.text import Json

_AUTHORS = ("Practitioner/", "Organization/")
"""What Annotation.authorReference may name of whoever agrees; a role may not."""


def instructions_of(goal: Json | None) -> tuple[str, ...]:
    """The words that are agreed, in the order in which they stand."""
    notes = () if goal is None else goal.get("note", ())
    return tuple(str(one["text"]) for one in notes if one.get("text"))


def instruction_text(goal: Json | None) -> str:
    """All of them as one text; empty where nothing is agreed."""
    return "\n\n".join(instructions_of(goal))


def note_author(reference: str, name: str) -> dict[str, Json]:
    """Who agreed, as an Annotation names them: by reference where it can, else by name."""
    if reference.startswith(_AUTHORS):
        return {"authorReference": {"reference": reference}}
    return {"authorString": name or reference}


def with_instruction(goal: Json, text: str, author: Mapping[str, Json], at: datetime) -> Json:
    """The Goal with these words in place of those that stood; empty: with none. The same keep who agreed on them."""
    if text == instruction_text(goal):
        return goal
    bare = {name: value for name, value in goal.items() if name != "note"}
    return {**bare, "note": [{**author, "time": instant_text(at), "text": text}]} if text else bare
