"""`plans/<type>.toml` → PlanType: who is eligible, what is followed, and what a new plan holds.

Adding a disease is one such file, and rows in the tables whose targets it changes.
"""

from dataclasses import dataclass

from careplan.domain.guideline import CONTROL, Activity, Check, Every, Monitor, Offer, PlanType, Row
from careplan.knowledge.entry import Entry
from careplan.knowledge.questionnaire import asks_from_entry
from careplan.knowledge.target import version_from_entry
from careplan.knowledge.term import also_from_entry, review_from_entry, source_from_entry, terms_from_entry

ACTIVITY_KINDS = ("Task", "ServiceRequest")
"""Somebody does a Task; a ServiceRequest orders something that is done to the person."""

WHO = ("clinic", "patient")


@dataclass(frozen=True, slots=True)
class Template:
    """A plan type and the places of what it names."""

    plan: PlanType
    place: Entry
    eligible: tuple[Entry, ...]
    offer: Entry
    monitors: tuple[Entry, ...]
    activities: tuple[Entry, ...]


def template_from_entry(entry: Entry) -> Template:
    """The one plan type of a file."""
    eligible, monitors = entry.entries("eligible", required=True), entry.entries("monitor", required=True)
    activities = entry.entries("activity", required=True)
    offer = entry.entry("offer", required=True) or Entry(entry.file, {}, ("offer",))
    plan = PlanType(
        id=entry.text("id"),
        version=version_from_entry(entry),
        name=entry.text("name"),
        title=entry.text("title"),
        eligible=tuple(_eligible(one) for one in eligible),
        offer=_offer(offer),
        maintained_months=_maintained(entry),
        follows=entry.texts("follows", required=True),
        review=review_from_entry(entry),
        addresses=entry.texts("addresses", required=True),
        monitors=tuple(_monitor(one) for one in monitors),
        activities=_activities(activities),
        checks=checks_from_entry(entry),
        ahead_with=entry.texts("ahead_with"),
        asks=asks_from_entry(entry),
    )
    entry.close()
    return Template(plan, entry, eligible, offer, monitors, activities)


def _eligible(entry: Entry) -> Row:
    row = Row(
        id=entry.text("id"),
        when=terms_from_entry(entry, "when"),
        says=entry.text("says"),
        source=source_from_entry(entry),
        unverified=entry.flag("unverified", False),
        note=entry.text("note", ""),
        also=also_from_entry(entry),
    )
    entry.close()
    return row


def _offer(entry: Entry) -> Offer:
    offer = Offer(
        id=entry.text("id"),
        says=entry.text("says"),
        must=terms_from_entry(entry, "must", required=False),
        allowed=entry.flag("allowed", False),
        source=source_from_entry(entry),
        note=entry.text("note", ""),
        unverified=entry.flag("unverified", False),
    )
    entry.close()
    if offer.allowed == bool(offer.must):
        entry.refuse("an offer is either `must = [ … ]`, the conditions that oblige, or `allowed = true`")
    return offer


def _maintained(entry: Entry) -> int:
    found = entry.entry("maintained", required=True)
    if found is None:
        return 0
    months = found.whole("months")
    found.close()
    return months


def _every(entry: Entry) -> Every | None:
    found = entry.entry("every")
    if found is None:
        return None
    every = Every(found.whole("months"))
    found.close()
    if every.months < 1:
        entry.refuse("`every` counts months from 1; leave it out for what has no interval", "every")
    return every


def _monitor(entry: Entry) -> Monitor:
    monitor = Monitor(
        label=entry.text("label"),
        says=entry.text("says"),
        measure=entry.text("measure", "") or None,
        every=_every(entry),
        source=source_from_entry(entry),
        unverified=entry.flag("unverified", False),
    )
    entry.close()
    return monitor


def _activities(entries: tuple[Entry, ...]) -> tuple[Activity, ...]:
    activities: dict[str, Activity] = {}
    for one in entries:
        activity = Activity(
            id=one.text("id"),
            kind=one.word("kind", ACTIVITY_KINDS),
            title=one.text("title"),
            who=one.word("who", WHO),
            says=one.text("says", ""),
            every=_every(one),
            when=terms_from_entry(one, "when", required=False),
            serves=one.texts("serves"),
            performer=one.text("performer", ""),
            goes_with=one.text("with", ""),
        )
        one.close()
        _check_kind(one, activity)
        if activity.id in activities:
            one.refuse(f"the activity `{activity.id}` stands here twice; join the two", "id")
        activities[activity.id] = activity
    for one in entries:
        _check_with(one, activities)
    return tuple(activities.values())


def _check_with(entry: Entry, activities: dict[str, Activity]) -> None:
    """What goes with the årskontrol names it, is none itself, and comes as often at least."""
    activity, control = activities.get(str(entry.table.get("id"))), activities.get(CONTROL)
    if activity is None or not activity.goes_with:
        return
    if activity.goes_with != CONTROL:
        entry.refuse(f'`with` names what an activity is done for, which is the control: `with = "{CONTROL}"`', "with")
    elif activity.every is None or _months(activity) > _months(control or activity):
        entry.refuse("what goes with the yearly control has an `every`, no longer than that of the control", "with")


def _months(activity: Activity) -> int:
    return activity.every.months if activity.every is not None else 0


def _check_kind(entry: Entry, activity: Activity) -> None:
    if (activity.kind == "ServiceRequest") != bool(activity.performer):
        entry.refuse("an order (`ServiceRequest`) names who does it in `performer`, a `Task` does not", "kind")
    if activity.review and activity.kind != "Task":
        entry.refuse("the yearly control is a `Task`: its checklist is kept in it", "kind")


def checks_from_entry(entry: Entry) -> tuple[Check, ...]:
    """The lines of a tjekliste, in their order, each once."""
    checks: dict[str, Check] = {}
    for one in entry.entries("check", required=True):
        check = Check(one.text("id"), one.text("says"), one.flag("mandatory", False))
        one.close()
        if check.id in checks:
            one.refuse(f"the check `{check.id}` stands here twice; join the two", "id")
        checks[check.id] = check
    return tuple(checks.values())
