"""`questionnaires/<id>.toml` → Instrument: how a questionnaire is counted, and what its scores mean to the person.

The questions themselves are a FHIR Questionnaire of `profiles/`. Not here: whether the measure exists (`consistency`).
"""

from dataclasses import dataclass

from careplan.domain.questionnaire import Alarm, Ask, Band, Instrument
from careplan.knowledge.entry import Entry
from careplan.knowledge.term import source_from_entry


@dataclass(frozen=True, slots=True)
class Counted:
    """An instrument and the places of what it says."""

    instrument: Instrument
    place: Entry
    bands: tuple[Entry, ...]


def instrument_from_entry(entry: Entry) -> Counted:
    """The one instrument of a file."""
    bands = entry.entries("band", required=True)
    instrument = Instrument(
        id=entry.text("id"),
        url=entry.text("questionnaire"),
        measure=entry.text("measure"),
        factor=entry.whole("factor", 1),
        bands=tuple(_band(one) for one in bands),
        alarms=tuple(_alarm(one) for one in entry.entries("contact")),
    )
    entry.close()
    limits = [band.up_to for band in instrument.bands]
    if limits != sorted(set(limits)):
        entry.refuse("the bands stand lowest first, each with a higher `up-to`; put them in order", "band")
    if instrument.factor < 1:
        entry.refuse("`factor` is 1 or more", "factor")
    return Counted(instrument, entry, bands)


def _band(entry: Entry) -> Band:
    band = Band(
        up_to=entry.whole("up-to"),
        says=entry.text("says"),
        contact=entry.flag("contact", False),
        source=source_from_entry(entry),
        unverified=entry.flag("unverified", False),
    )
    entry.close()
    return band


def _alarm(entry: Entry) -> Alarm:
    ends = {key: entry.whole(key) for key in ("at-least", "at-most") if entry.has(key)}
    alarm = Alarm(
        question=entry.text("question"),
        at_least=ends.get("at-least"),
        at_most=ends.get("at-most"),
        source=source_from_entry(entry),
        unverified=entry.flag("unverified", False),
    )
    entry.close()
    if not ends:
        entry.refuse("an answer that needs contact has `at-least` or `at-most`: the points it begins with")
    return alarm


def asks_from_entry(entry: Entry) -> tuple[Ask, ...]:
    """The questionnaires of a plan type, in the order in which they are asked."""
    found: dict[str, Ask] = {}
    for one in entry.entries("ask"):
        ask = Ask(one.text("questionnaire"), source_from_entry(one), one.flag("unverified", False))
        one.close()
        if ask.questionnaire in found:
            one.refuse(f"`{ask.questionnaire}` stands here twice; keep one", "questionnaire")
        found[ask.questionnaire] = ask
    return tuple(found.values())
