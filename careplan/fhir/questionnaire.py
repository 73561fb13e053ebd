"""A FHIR Questionnaire as the questions it asks, and an installation's own wording of it held against ours.

The points of an answer are R4's `ordinalValue` on its answerOption, so what a score is counted from is data. Questions
in groups are read in their order; what is only shown is the lead of all that follow. Not here: what was answered
(`questionnaire_response`), and how a score is counted (`careplan.domain.questionnaire`).
https://hl7.org/fhir/R4/questionnaire.html · https://hl7.org/fhir/R4/extension-ordinalvalue.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from careplan.domain.errors import CareplanError
from careplan.domain.questionnaire import Instrument
from careplan.fhir import systems
from careplan.fhir.text import Json

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
MOST = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs"


class QuestionnaireFaulty(CareplanError):
    """A Questionnaire that the service cannot ask: it is missing, or counts otherwise than what it replaces."""

    code = "questionnaire-faulty"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose; `points` where it counts."""

    system: str
    code: str
    says: str
    points: int | None = None

    @property
    def coding(self) -> dict[str, str]:
        return {"system": self.system, "code": self.code, "display": self.says}


@dataclass(frozen=True, slots=True)
class Question:
    """One item that is answered.

    type    of the item: `choice`, `text`, …
    lead    what is shown before it: «Tænk på de sidste to uger.»
    most    how many answers it takes
    length  of a text, at most; 0: as R4 has it
    """

    id: str
    type: str
    says: str
    lead: str = ""
    options: tuple[Option, ...] = ()
    most: int = 1
    required: bool = False
    length: int = 0

    @property
    def counts(self) -> bool:
        """Whether its answers have points."""
        return any(option.points is not None for option in self.options)

    def find_option(self, system: str, code: str) -> Option | None:
        return next((one for one in self.options if (one.system, one.code) == (system, code)), None)


@dataclass(frozen=True, slots=True)
class Form:
    """A Questionnaire that is asked.

    shown  linkIds of what is only shown, or groups
    own    whether the wording is ours and not the official one
    """

    id: str
    url: str
    version: str
    title: str
    questions: tuple[Question, ...]
    shown: frozenset[str] = frozenset()
    own: bool = False

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def counted(self) -> tuple[Question, ...]:
        return tuple(one for one in self.questions if one.counts)

    def question(self, id: str) -> Question | None:
        return next((one for one in self.questions if one.id == id), None)


def form_from_questionnaire(resource: Json) -> Form:
    """The questions of a valid Questionnaire."""
    shown: set[str] = set()
    questions = tuple(_questions(resource.get("item", ()), "", shown))
    return Form(
        id=resource["id"],
        url=resource["url"],
        version=resource.get("version", ""),
        title=resource.get("title", ""),
        questions=questions,
        shown=frozenset(shown),
        own=_extended(resource, systems.EXT_OWN_WORDING) is True,
    )


def _questions(items: Iterable[Json], lead: str, shown: set[str]) -> Iterator[Question]:
    for item in items:
        if item["type"] in ("display", "group"):
            shown.add(item["linkId"])
            lead = item.get("text", lead)
        else:
            yield _question(item, lead)
        yield from _questions(item.get("item", ()), lead, shown)


def _question(item: Json, lead: str) -> Question:
    options = tuple(_option(one) for one in item.get("answerOption", ()))
    repeats = item.get("repeats") is True
    most = _extended(item, MOST)
    return Question(
        id=item["linkId"],
        type=item["type"],
        says=item.get("text", ""),
        lead=lead,
        options=options,
        most=int(most) if isinstance(most, int | Decimal) else max(len(options), 1) if repeats else 1,
        required=item.get("required") is True,
        length=int(item.get("maxLength", 0)),
    )


def _option(one: Json) -> Option:
    coding = one.get("valueCoding", {})
    points = _extended(one, ORDINAL)
    whole = int(points) if isinstance(points, int | Decimal) else None
    return Option(coding.get("system", ""), coding.get("code", ""), coding.get("display", ""), whole)


def _extended(element: Json, url: str) -> object:
    """The value of an extension; None where it is not there."""
    for one in element.get("extension", ()):
        if one.get("url") == url:
            return next((value for name, value in one.items() if name.startswith("value")), None)
    return None


# ── what is asked here ───────────────────────────────────────────────────────────────────────────


def with_wording(ours: Sequence[Json], theirs: Sequence[Json]) -> tuple[Json, ...]:
    """Our conformance resources, with the Questionnaires that an installation has the right to in the place of ours.

    Raises QuestionnaireFaulty where one replaces nothing, or has other questions, answers or points
    """
    own = {one["url"]: one for one in ours if one["resourceType"] == "Questionnaire"}
    for one in theirs:
        if one.get("resourceType") != "Questionnaire" or one.get("url") not in own:
            raise QuestionnaireFaulty("a resource of the folder `questionnaires` has the url of no Questionnaire here")
        _check_same(own[one["url"]], one)
    chosen = {one["url"]: {**one, "id": own[one["url"]]["id"]} for one in theirs}
    return tuple(chosen.get(one.get("url", ""), one) for one in ours)


def _check_same(ours: Json, theirs: Json) -> None:
    url = ours["url"]
    here, there = _counted(form_from_questionnaire(ours)), _counted(form_from_questionnaire({"id": "", **theirs}))
    if list(here) != list(there):
        raise QuestionnaireFaulty(f"{url} is replaced by one with other linkIds; they are {', '.join(here)}")
    for id, options in here.items():
        if there[id] != options:
            raise QuestionnaireFaulty(f"{url} is replaced by one whose answers to {id} have other codes or points")


def _counted(form: Form) -> dict[str, frozenset[tuple[str, str, int | None]]]:
    return {
        one.id: frozenset((option.system, option.code, option.points) for option in one.options)
        for one in form.questions
    }


def forms_from_resources(resources: Iterable[Json], instruments: Iterable[Instrument]) -> Mapping[str, Form]:
    """The Questionnaires among conformance resources, by url.

    Raises QuestionnaireFaulty where an instrument's is missing, or cannot come to the scores that it tells of
    """
    found = [one for one in resources if one["resourceType"] == "Questionnaire"]
    forms = {form.url: form for form in map(form_from_questionnaire, found)}
    for instrument in instruments:
        _check_counted(instrument, forms.get(instrument.url))
    return forms


def _check_counted(instrument: Instrument, form: Form | None) -> None:
    name = f"questionnaires/{instrument.id}.toml"
    if form is None:
        raise QuestionnaireFaulty(f"{name} counts {instrument.url}, which is not among the profiles; add it")
    ends = [max(option.points or 0 for option in one.options) for one in form.counted]
    if sum(ends) * instrument.factor != instrument.bands[-1].up_to:
        raise QuestionnaireFaulty(f"the last band of {name} is not the highest score of {instrument.url}; correct one")
    unknown = {alarm.question for alarm in instrument.alarms} - {one.id for one in form.counted}
    if unknown:
        raise QuestionnaireFaulty(f"{name} has contact for {', '.join(sorted(unknown))}, which {form.url} does not ask")
