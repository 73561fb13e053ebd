"""B7, the upper half of «Deling og adgang»: who can see the plan, relatives, blocks, and when it was urgent.

Each with what it is for and until when, and the way to end it. Not here: the forms (`attorney_form`, `block_form`,
`stop_sharing`) and the log below (`access_log`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from careplan.fhir.case import receivers_of
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.agreed_consent import Said
from careplan.interactions.block import kind_of
from careplan.interactions.emergency import Emergency
from careplan.interactions.sharing import Opening, Sharing, read_sharing
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import Contact, contact_of, person_name
from careplan.views.directory import directory_of
from careplan.views.page import Opened

PAGE = "/plan/adgang"


@dataclass(frozen=True, slots=True)
class Seer:
    """Somebody who can see the plan: who, what for, until when; where one reads more, and what the link says."""

    who: str
    why: str
    until: str
    link: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A power of attorney or a block, in words. `id` is empty where the clinic has to end it."""

    id: str
    who: str
    what: str
    until: str


@dataclass(frozen=True, slots=True)
class Urgent:
    """One emergency access."""

    who: str
    at: str
    until: str
    reason: str
    reviewed: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The sections, in the brief's order. `may_give`: there is a relative to choose."""

    seers: tuple[Seer, ...]
    attorneys: tuple[Given, ...]
    may_give: bool
    blocks: tuple[Given, ...]
    urgent: tuple[Urgent, ...]


async def shown_sharing(opened: Opened, patient: str) -> Shown:
    """Raises NotFound, Forbidden."""
    found = await read_sharing(opened.context, patient)
    directory = await directory_of(opened.context, _references(found))
    t = opened.t
    return Shown(
        seers=tuple(_seers(found, directory, t)),
        attorneys=tuple(_attorney(one, found.relatives, t) for one in found.attorneys),
        may_give=bool(found.relatives),
        blocks=tuple(_block(one, directory, t) for one in found.blocks),
        urgent=tuple(_urgent(one, directory, found.reviewed, t) for one in found.emergencies),
    )


def _references(found: Sharing) -> list[str]:
    actors = [actor for one in (*found.permits, *found.blocks) for actor in one.rule.actors]
    receivers = [one for opening in found.openings for one in receivers_of(opening.referral)]
    people = [name for one in found.emergencies for name in (one.person, one.organization)]
    return [*_practices(found.patient), *actors, *receivers, *people]


def _practices(patient: Json) -> list[str]:
    return [str(one.get("reference", "")) for one in patient.get("generalPractitioner", ())]


def _seers(found: Sharing, directory: Mapping[str, Json], t: Catalogue) -> Iterable[Seer]:
    for practice in _practices(found.patient):
        name = contact_of(directory, practice).name
        if name:
            yield Seer(name, t("sharing.why.clinic"), t("sharing.until.clinic"))
    for opening in found.openings:
        yield _receiver(opening, directory, t)
    for one in found.permits:
        yield Seer(_actors(one, directory, t), t("sharing.why.permit"), until_text(one.until, t))


def _receiver(opening: Opening, directory: Mapping[str, Json], t: Catalogue) -> Seer:
    referral = opening.referral
    why = t("sharing.why.referral", offer=offer_of(referral)) if offer_of(referral) else t("sharing.why.referral-bare")
    end = find_date((referral.get("occurrencePeriod") or {}).get("end"))
    if opening.stopped is not None:
        link = f"{PAGE}/spaerring/{opening.stopped.id}/ophaev"
        return Seer(
            receiver_name(referral, directory, t), why, t("sharing.until.stopped"), link, t("sharing.share-again")
        )
    until = t("sharing.until.referral") if end is None else until_text(end, t)
    link = f"{PAGE}/henvisning/{referral['id']}"
    return Seer(receiver_name(referral, directory, t), why, until, link, t("sharing.see-slice"))


def offer_of(referral: Json) -> str:
    """What is asked for, in the words of the referral."""
    return str(referral.get("code", {}).get("text", ""))


def receiver_name(referral: Json, directory: Mapping[str, Json], t: Catalogue) -> str:
    """Whom a referral was sent to."""
    names = [contact_of(directory, one).name for one in receivers_of(referral)]
    return ", ".join(one for one in names if one) or t("sharing.somebody")


def until_text(until: date | None, t: Catalogue) -> str:
    """«til og med 01.06.2027»."""
    return t("sharing.until.open") if until is None else t("sharing.until.day", day=wording.danish_date(until))


def _actors(one: Said, directory: Mapping[str, Json], t: Catalogue) -> str:
    if not one.rule.actors:
        return t("sharing.everybody")
    names = [named(contact_of(directory, actor)) for actor in sorted(one.rule.actors)]
    return t.danish(", ".join(name for name in names if name)) or t("sharing.somebody")


def named(contact: Contact) -> str:
    """«Mette Test Holm, praktiserende læge, Lægehuset Nord»; an organisation by its name."""
    return ", ".join(one for one in (contact.name, contact.title.lower(), contact.organization) if one)


def _attorney(one: Said, relatives: Iterable[Json], t: Catalogue) -> Given:
    who = ", ".join(relative_name(two) for two in relatives if f"RelatedPerson/{two['id']}" in one.rule.actors)
    what = t("attorney.writes" if one.rule.writes else "attorney.reads")
    return Given(one.id if one.own else "", t.danish(who) or t("sharing.somebody"), what, until_text(one.until, t))


def relative_name(relative: Json) -> str:
    """A relative's name, and what they are to the patient where the record says it."""
    words = next((str(one["text"]).lower() for one in relative.get("relationship", ()) if one.get("text")), "")
    name = person_name(relative)
    return f"{name} ({words})" if name and words else name


def _block(one: Said, directory: Mapping[str, Json], t: Catalogue) -> Given:
    kind = kind_of(one.rule)
    what = t(f"block.kind.{kind}") if kind else t("block.kind.other")
    until = "" if one.until is None else until_text(one.until, t)
    return Given(one.id if one.own else "", _actors(one, directory, t), what, until)


def _urgent(one: Emergency, directory: Mapping[str, Json], reviewed: frozenset[str], t: Catalogue) -> Urgent:
    title, place = contact_of(directory, one.person).title.lower(), contact_of(directory, one.organization).name
    who = ", ".join(part for part in (place, title) if part)
    at, until = wording.time_text(one.at, t), wording.time_text(one.until, t)
    return Urgent(t.danish(who), at, until, one.reason, one.reference in reviewed)
