"""A page that asks once more before something about sharing is done, and says in plain words what follows from it.

One template for all of them. Not here: what is done, and the words (each form's own).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response

from careplan.interactions.access import Forbidden
from careplan.interactions.agreed_consent import Said
from careplan.interactions.context import Context
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient

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


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that a patient has agreed to and may take back.

    find      what stands by an id; None: no more
    end       ends it, and says whether it stood until now
    question  what is asked first
    page      where one goes on to; done, already: what is told there
    """

    find: Callable[[Context, str, str], Awaitable[Said | None]]
    end: Callable[[Context, str, str], Awaitable[bool]]
    question: Callable[[Opened, str, Said], Awaitable[Question]]
    page: str
    done: str
    already: str


async def take_back(opened: Opened, standing: Standing) -> Response:
    """The question, and once it is answered the end. Raises Forbidden, NotFound."""
    check_own(opened)
    patient, id = await own_patient(opened.context), opened.path("id")
    if is_sure(opened):
        stood = await standing.end(opened.context, patient, id)
        return go(standing.page, besked=standing.done if stood else standing.already)
    said = await standing.find(opened.context, patient, id)
    if said is None:
        return go(standing.page, besked=standing.already)
    return ask(opened, await standing.question(opened, patient, said))


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
