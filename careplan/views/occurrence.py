"""C5: what happened, in words, grouped by day; who did it, as staff know them.

What happened is `interactions.timeline`; the sentences stand in the catalogue under `history.what`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Target
from careplan.fhir.text import Json
from careplan.interactions.caller import SYSTEM
from careplan.interactions.timeline import Author, Event
from careplan.views import wording
from careplan.views.catalogue import LANGUAGES, Catalogue
from careplan.views.contact import contact_of


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One line of the timeline; `details` are the sentences under the first."""

    kind: str
    says: str
    details: tuple[str, ...]
    who: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day and what happened on it, the newest first."""

    on: date
    occurrences: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class Speaker:
    """What it takes to say an event: texts, names, the patient."""

    t: Catalogue
    knowledge: Knowledge
    directory: Mapping[str, Json]
    patient: str

    def says(self, event: Event) -> str:
        """«Målet for HbA1c er ændret fra under 48 mmol/mol til under 53 mmol/mol.»"""
        changed = event.what == "agreed" and event.before is not None
        key = "agreed-changed" if changed else event.what
        return self.t(f"history.what.{key}", **self._parts(event))

    def details(self, event: Event) -> Iterator[str]:
        """Reason, words and end of an individual target; the rule behind a recommendation; a value's source."""
        deviation = event.deviation
        if deviation is not None and event.what in ("individual-set", "individual-prolonged"):
            key = f"reason.{deviation.reason}"
            yield self.t("history.reason", reason=self.t(key) if self.t.has(key) else deviation.reason)
            if deviation.text:
                yield self.t("history.text", text=deviation.text)
            if deviation.valid_until:
                yield self.t("history.until", day=wording.danish_date(deviation.valid_until))
        if event.reason:
            key = f"exclusion.reason.{event.reason}"
            yield self.t("history.reason", reason=self.t(key) if self.t.has(key) else event.reason)
            if event.text:
                yield self.t("history.text", text=event.text)
        if event.row:
            yield self.t("history.rule", row=event.row, knowledge=event.knowledge.replace("|", " "))

    def who(self, author: Author) -> str:
        """The person's name, else the organisation's, else what was written down; empty where nobody did it."""
        if author.reference == f"Patient/{self.patient}":
            return self.t("word.patient")
        if author == Author("", SYSTEM.name):
            return self.t("history.system")
        found = contact_of(self.directory, author.reference)
        return found.name or found.organization or author.display

    def _parts(self, event: Event) -> dict[str, str]:
        measure, deviation = event.measure, event.deviation
        until = deviation.valid_until if deviation else None
        names = [self._named(one) for one in event.about]
        return {
            "measure": measure.name if measure else "",
            "before": _target(measure, event.before, self.t),
            "after": _target(measure, event.after, self.t),
            "was": _reading(measure, event.was, self.t),
            "value": _reading(measure, event.reading, self.t),
            "until": wording.danish_date(until) if until else "",
            "text": event.text or self.t("history.no-words"),
            "sheet": self._sheet(event.sheet),
            "about": ", ".join(one for one in names if one) or self.t("history.unknown"),
        }

    def _sheet(self, sheet: tuple[str, str]) -> str:
        """«Kort (1 side), Dansk»."""
        edition, language = sheet
        key, named = f"print.edition-{edition}", LANGUAGES.get(language)
        return f"{self.t(key) if self.t.has(key) else edition}, {named.name if named else language}"

    def _named(self, name: str) -> str:
        plan = self.knowledge.plans.get(name)
        return plan.name if plan else contact_of(self.directory, name).name


def days_of(events: Sequence[Event], speaker: Speaker) -> tuple[Day, ...]:
    """Events in words, by day; the new values of one day from one hand are one line."""
    return tuple(Day(on, tuple(_of_day(list(some), speaker))) for on, some in groupby(events, key=lambda one: one.on))


def references_in(events: Iterable[Event]) -> set[str]:
    """Everybody that the events name."""
    return {one for event in events for one in (event.author.reference, *event.about) if "/" in one}


def _of_day(events: Sequence[Event], speaker: Speaker) -> Iterator[Occurrence]:
    for (new, author), some in groupby(events, key=lambda one: (one.what == "value", one.author)):
        together = list(some)
        if new and len(together) > 1:
            values = tuple(_value_says(event, speaker) for event in together)
            yield Occurrence("value", speaker.t("history.what.values"), values, speaker.who(author))
            continue
        for event in together:
            details = [_source(event.reading, speaker)] if new and event.reading else [*speaker.details(event)]
            yield Occurrence(event.kind, speaker.says(event), tuple(one for one in details if one), speaker.who(author))


def _value_says(event: Event, speaker: Speaker) -> str:
    source = _source(event.reading, speaker) if event.reading else ""
    name = event.measure.name if event.measure else ""
    return f"{name}: {_reading(event.measure, event.reading, speaker.t)}{f' ({source})' if source else ''}"


def _source(reading: Reading | None, speaker: Speaker) -> str:
    return "" if reading is None or reading.source == "unknown" else speaker.t(f"source.{reading.source}")


def _target(measure: Measure | None, target: Target | None, t: Catalogue) -> str:
    return wording.target_with_unit(measure, target, t) if measure and target else ""


def _reading(measure: Measure | None, reading: Reading | None, t: Catalogue) -> str:
    return wording.value_with_unit(measure, reading, t) if measure and reading else ""
