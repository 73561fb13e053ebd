"""What C3 says of several plans together: what is one thing for them all, and which targets do not fit together.

Both are read from the drafts (`fhir.merging`); nothing is picked here. Not for making plans: `establish`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careplan.domain.guideline import Knowledge
from careplan.fhir.draft import Draft
from careplan.fhir.merging import Conflict, Merged, conflicts, merged
from careplan.interactions.overview import Overview
from careplan.interactions.person import Person
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of


@dataclass(frozen=True, slots=True)
class Clash:
    """Two targets for one measure: the agreed, with the reason and author there may be, and today's recommendation."""

    name: str
    agreed: str
    recommended: str
    reason: str
    author: str
    href: str


def merged_lines(made: Sequence[Draft], person: Person, knowledge: Knowledge, t: Catalogue) -> tuple[str, ...]:
    """«LDL-kolesterol: slået sammen for Type 2-diabetes og Hjertesygdom.», each shared thing once."""
    return tuple(_line(one, knowledge, t) for one in merged(made, person.active_plans, knowledge))


def _line(one: Merged, knowledge: Knowledge, t: Catalogue) -> str:
    names = [knowledge.plans[kind].name if kind in knowledge.plans else kind for kind in one.plans]
    plans = wording.list_text(names, t)
    said = t("establish.one-sample" if one.samples else "establish.merged-one", plans=plans)
    parts = [f"{one.name}: {said}"]
    if one.samples:
        parts.append(t("establish.samples", measures=wording.list_text(one.samples, t)))
    if one.existing:
        parts.append(t("establish.merged-existing"))
    return " ".join(parts)


def clashes(made: Sequence[Draft], overview: Overview, t: Catalogue) -> tuple[Clash, ...]:
    """The goals whose earlier agreement and today's recommendation differ."""
    patient = str(overview.patient["id"])
    return tuple(_clash(one, patient, overview, t) for one in conflicts(made))


def _clash(one: Conflict, patient: str, overview: Overview, t: Catalogue) -> Clash:
    deviation = one.deviation
    coded = f"reason.{deviation.reason}" if deviation is not None else ""
    reasons = [t(coded)] if coded and t.has(coded) else []
    reasons += [deviation.text.strip()] if deviation is not None and deviation.text else []
    return Clash(
        name=one.measure.name,
        agreed=wording.target_with_unit(one.measure, one.agreed, t),
        recommended=wording.target_with_unit(one.measure, one.recommended, t),
        reason=": ".join(reasons),
        author=contact_of(overview.directory, deviation.author).name if deviation is not None else "",
        href=f"/patient/{patient}/maal/{one.goal}",
    )
