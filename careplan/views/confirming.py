"""A page that asks once more before something about sharing is done, and says in plain words what follows from it.

One template for all of them. Not here: what is done, and the words (each form's own).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response

from careplan.interactions.access import Forbidden
from careplan.views.page import Opened

SURE, BACK = "bekraeft", "tilbage"
"""Fields: «yes, do it», and «let me change it first»."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    lines   what follows from it, each a sentence or two
    action  where the answer goes; fields: what it carries along
    button  says what is done; back: whether the form before may be changed
    danger  what to think of first, where there is something
    """

    title: str
    lines: Sequence[str]
    action: str
    button: str
    fields: Mapping[str, str] = field(default_factory=dict)
    back: bool = False
    danger: str = ""


def ask(opened: Opened, question: Question) -> Response:
    """The page; nothing is done yet."""
    return opened.page("confirming.html", question.title, ask=question)


def is_sure(opened: Opened) -> bool:
    """Whether the page was answered with yes."""
    return opened.posted and opened.form.text(SURE) == "ja"


def check_own(opened: Opened) -> None:
    """Raises Forbidden for a relative: nobody but the patient decides who sees the plan."""
    if opened.acting is not None:
        raise Forbidden("the patient decides alone who sees the plan")
