"""Advice → the cards of CDS Hooks: Danish sentences, where they come from, and where to go on.

A card holds no name and no number of a person. One card tells of all measures of a kind, so that nobody must click
through ten. https://cds-hooks.hl7.org/2.0/#cds-service-response
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from careplan.api.markdown import linked, listed, one_line, plain
from careplan.domain.account import known_of
from careplan.domain.chart import Fact
from careplan.domain.danish import UNITS, danish_date, danish_list, fact_name, since_text, target_text
from careplan.domain.evaluation import Eligibility, Recommendation
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.source import Source
from careplan.fhir.systems import ADVICE, EXCLUSION_REASON
from careplan.fhir.text import Json, dump
from careplan.fhir.vocabulary import ADVICE_KINDS
from careplan.interactions.advice import Advice, Expired, Outside, Overdue, PlanOffer
from careplan.interactions.context import Context
from careplan.interactions.person import Person
from careplan.interactions.renewal import Renewal

MOST = 139
"""Characters of a summary."""

INDICATORS = MappingProxyType(
    {
        "plan-duty": "warning",
        "plan-offer": "info",
        "plan-overdue": "warning",
        "out-of-target": "warning",
        "new-recommendation": "info",
        "target-expired": "warning",
    }
)
"""How urgent each kind is. Nothing is `critical`: that is for what must stop a clinician, and nothing here must."""


REASONS = MappingProxyType(
    {
        "patient-wish": "Ønsker ikke plan",
        "not-now": "Ikke lige nu",
        "unsuited": "Planen passer ikke til patienten",
        "followed-elsewhere": "Følges et andet sted",
        "diagnosis-unsure": "Diagnosen er ikke sikker",
        "other": "Andet",
    }
)
"""Why no plan is made, when a card that offers one is put aside: the codes of `careplan.fhir.exclusion`."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every card of an answer is made with."""

    context: Context
    person: Person

    @property
    def knowledge(self) -> Knowledge:
        return self.context.knowledge

    def opens(self, screen: str, label: str, path: str, **more: str) -> list[Json]:
        """The link to a screen of this patient; none for one who is not known here."""
        if not self.person.versions:
            return []
        url = f"{self.context.base.removesuffix('/fhir')}/patient/{self.person.id}/{path}"
        told = {"patient": self.person.id, "screen": screen, **more}
        return [{"label": label, "url": url, "type": "smart", "appContext": dump(told).decode()}]

    def opens_review(self) -> list[Json]:
        return self.opens("C2", "Åbn årskontrollen", "aarskontrol")


def cards_from_advice(context: Context, person: Person, advice: Advice) -> list[Json]:
    """A card for each plan to offer, and one for each other kind that there is anything of, whatever it lists."""
    desk = Desk(context, person)
    made = [_offered(desk, one) for one in advice.offers]
    made += [_overdue(desk, advice.overdue)] if advice.overdue else []
    made += [_outside(desk, advice.outside)] if advice.outside else []
    made += [_renewed(desk, advice.renewals)] if advice.renewals else []
    made += [_expired(desk, advice.expired)] if advice.expired else []
    return made


# ── a card of each kind ──────────────────────────────────────────────────────────────────────────


def _offered(desk: Desk, offer: PlanOffer) -> Json:
    plan, found = offer.plan, offer.eligibility
    must = found.must_offer is True
    paragraphs = [
        f"**Hvorfor:** {plain(found.row.says)}" if found.row else "",
        f"**Tilbud:** {_duty(found)} Reglen: {plain(plan.offer.says)}",
        _because(desk, found.because),
        _missing(desk, found.missing),
        _unverified([found.row] if found.row else [], plan.offer.unverified),
    ]
    source = plan.offer.source or (found.row.source if found.row else None)
    links = desk.opens("C3", "Opret planen", "opret-plan", plan=plan.id)
    summary = f"{plan.title}: klinikken {'skal' if must else 'kan'} tilbyde planen"
    card = _card(desk, "plan-duty" if must else "plan-offer", summary, paragraphs, [source], links)
    reasons = [{"system": EXCLUSION_REASON, "code": code, "display": says} for code, says in REASONS.items()]
    return {**card, "overrideReasons": reasons}


def _duty(found: Eligibility) -> str:
    """What the plan's own rule of offering comes to for this person."""
    if found.must_offer is True:
        return "Klinikken skal tilbyde denne patient planen."
    if found.must_offer is False and found.missing:
        return "Klinikken kan tilbyde denne patient planen; om den skal, kan ikke afgøres."
    return "Klinikken kan tilbyde denne patient planen."


def _overdue(desk: Desk, overdue: Sequence[Overdue]) -> Json:
    first = min(one.since for one in overdue)
    lines = [
        f"**{plain(one.plan.name)}**: sidst gennemgået {danish_date(one.saved)}; "
        f"skulle være gennemgået igen senest {danish_date(one.since)}."
        for one in overdue
    ]
    rows = [one.eligibility.row for one in overdue if one.eligibility.row]
    sources = [*(one.plan.offer.source for one in overdue), *(row.source for row in rows)]
    summary = f"Årskontrol overskredet siden {danish_date(first)}: {', '.join(one.plan.name for one in overdue)}"
    return _card(desk, "plan-overdue", summary, [listed(lines)], sources, desk.opens_review())


def _outside(desk: Desk, outside: Sequence[Outside]) -> Json:
    lines = [
        f"**{plain(one.measure.name)}**: {plain(_value(one))} den {danish_date(one.reading.on)}"
        f"{', gammelt tal' if one.old else ''}"
        f"{' (beregnet)' if one.reading.derived_from else ''}. "
        f"Aftalt mål: {plain(target_text(one.agreed, one.measure))}."
        for one in outside
    ]
    found = [one.recommendation for one in outside if one.recommendation is not None]
    told = (f"{one.measure.name} {_value(one)}{' (gammelt)' if one.old else ''}" for one in outside)
    summary = f"Uden for mål: {', '.join(told)}"
    paragraphs = [listed(lines), _missing(desk, _all_missing(found)), _unverified([one.row for one in found])]
    return _card(desk, "out-of-target", summary, paragraphs, [one.row.source for one in found], desk.opens_review())


def _value(one: Outside) -> str:
    """«90 mmol/mol», «<5 mg/L»; of an answer, which is a number against a target alone, its words."""
    unit = UNITS.get(one.measure.unit, one.measure.unit) if isinstance(one.reading.value, Decimal) else ""
    return f"{one.reading.comparator or ''}{one.measure.says(one.reading.value)} {unit}".strip()


def _renewed(desk: Desk, renewals: Sequence[Renewal]) -> Json:
    both = [(one, one.now) for one in renewals if one.now is not None]
    lines, found = [_change(desk, *pair) for pair in both], [now for _, now in both]
    summary = f"Ny anbefaling: {', '.join(_change_in_short(*pair) for pair in both)}"
    paragraphs = [
        listed(lines),
        "Det aftalte mål gælder, til I ændrer det.",
        _missing(desk, _all_missing(found)),
        _unverified([one.row for one in found]),
    ]
    return _card(
        desk, "new-recommendation", summary, paragraphs, [one.row.source for one in found], desk.opens_review()
    )


def _change_in_short(one: Renewal, now: Recommendation) -> str:
    return f"{one.measure.name} {now.target.says(one.measure.decimals)}"


def _change(desk: Desk, one: Renewal, now: Recommendation) -> str:
    """Which measure, from what to what, why, and what is agreed meanwhile."""
    before = "intet" if one.before is None else target_text(one.before, one.measure)
    cause = f"ny version af reglen ({now.version})" if one.cause == "version" else "ændrede oplysninger"
    agreed = "" if one.agreed is None else f" Aftalt: {plain(target_text(one.agreed, one.measure))}."
    because = _because(desk, now.because)
    return (
        f"**{plain(one.measure.name)}**: fra {plain(before)} til {plain(target_text(now.target, one.measure))}. "
        f"Årsag: {plain(cause)}. {plain(now.row.says)}{agreed}{f' {because}' if because else ''}"
    )


def _expired(desk: Desk, expired: Sequence[Expired]) -> Json:
    lines = [
        f"**{plain(one.measure.name)}**: "
        f"{plain(target_text(one.agreed, one.measure)) if one.agreed else 'intet tal'}, "
        f"aftalt til og med {danish_date(one.until)}."
        + (f" Anbefalet: {plain(target_text(one.recommendation.target, one.measure))}." if one.recommendation else "")
        for one in expired
    ]
    found = [one.recommendation for one in expired if one.recommendation is not None]
    summary = f"Individuelt mål udløbet: {', '.join(one.measure.name for one in expired)}"
    paragraphs = [listed(lines), _missing(desk, _all_missing(found))]
    return _card(desk, "target-expired", summary, paragraphs, [one.row.source for one in found], desk.opens_review())


# ── what they are made of ────────────────────────────────────────────────────────────────────────


def _card(
    desk: Desk, kind: str, summary: str, paragraphs: Sequence[str], sources: Sequence[Source | None], links: list[Json]
) -> Json:
    """One card; of several sources the first is the card's own, and each is linked once."""
    found = list(dict.fromkeys(one for one in sources if one is not None))
    topic = "plan-offer" if kind == "plan-duty" else kind
    source: Json = {"label": source_text(found[0]), "url": found[0].url} if found else {"label": "Forløbsplan"}
    references = [linked(source_text(one), one.url) for one in found]
    written = [one for one in paragraphs if one] + ([f"Kilde: {'; '.join(references)}"] if references else [])
    return {
        "uuid": desk.context.new_id(),
        "summary": brief(summary),
        "detail": "\n\n".join(written),
        "indicator": INDICATORS[kind],
        "source": source | {"topic": {"system": ADVICE, "code": topic, "display": ADVICE_KINDS[topic]}},
        "links": [*links, *({"label": brief(one.title), "url": one.url, "type": "absolute"} for one in found)],
    }


def brief(text: str) -> str:
    """Under 140 characters, cut at a word where it must be."""
    line = one_line(text)
    return line if len(line) <= MOST else f"{line[: MOST - 1].rpartition(' ')[0] or line[: MOST - 1]}…"


def source_text(source: Source) -> str:
    """«Titel. Udgiver, 2021»."""
    year = f", {source.year}" if source.year else ""
    return f"{source.title}. {source.publisher}{year}"


def _because(desk: Desk, facts: Sequence[Fact]) -> str:
    """The facts that decided, with their days; that something is not there needs no word."""
    shown = [known_of(one, desk.knowledge).says for one in facts if one.value is not False]
    return f"Bygger på: {plain('; '.join(shown))}." if shown else ""


def _all_missing(found: Sequence[Recommendation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in found for name in one.missing))


def _missing(desk: Desk, names: Sequence[str]) -> str:
    """What makes an answer provisional, and since when it is too old to count."""
    lapsed = desk.person.chart.lapsed
    since = ((fact_name(name, desk.knowledge), since_text(name, lapsed)) for name in dict.fromkeys(names))
    said = [f"{name} ({year})" if year else name for name, year in since]
    return f"**Foreløbigt:** {plain(danish_list(said))} mangler og kan ændre svaret." if said else ""


def _unverified(rows: Sequence[Row], also: bool = False) -> str:
    return "Ikke efterprøvet i kilden." if also or any(row.unverified for row in rows) else ""
