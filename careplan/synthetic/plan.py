"""The forløbsplaner of an invented person: plans, agreements, care team, referral to the municipality.

Shapes: design §2; https://hl7.org/fhir/R4/careplan.html, /task.html, /servicerequest.html.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from careplan.domain.referral import ANSWER_WITHIN, PHASE_OF, PHASES
from careplan.domain.workday import add_workdays
from careplan.fhir import systems
from careplan.fhir.case import CASE
from careplan.synthetic.course import Story
from careplan.synthetic.goal import Recommend, WrittenGoal, write_goals, write_personal_goal
from careplan.synthetic.history import days_after
from careplan.synthetic.observation import Record, Resource, concept
from careplan.synthetic.person import HEART_PLAN, Person
from careplan.synthetic.referring import MUNICIPALITY, write_cases
from careplan.synthetic.visit import Visit, local_time, working_day

KNOWLEDGE_VERSION = "2026.1"

PLAN_CODES = {"diabetes": ("T90",), "kol": ("R95",), "hjerte": HEART_PLAN}
TITLES = {
    "diabetes": "Forløbsplan for type 2-diabetes",
    "kol": "Forløbsplan for KOL",
    "hjerte": "Forløbsplan for hjertesygdom",
}

WISHES = (
    "Jeg vil kunne lege med mine børnebørn.",
    "Jeg vil blive ved med at bo i mit eget hus.",
    "Jeg vil kunne gå en tur med hunden hver dag.",
    "Jeg vil have luft nok til at passe min have.",
    "Jeg vil sove bedre om natten.",
    "Jeg vil kunne rejse og besøge min søster.",
    "Jeg vil undgå at skulle have mere medicin.",
    "Jeg vil kunne synge i kor igen.",
    "Jeg vil passe mit arbejde.",
    "Jeg vil være med, når familien holder fest.",
)
PROMISES = (
    "Jeg går en tur på 30 minutter hver dag.",
    "Jeg cykler, når jeg handler ind.",
    "Jeg spiser grøntsager til alle måltider.",
    "Jeg drikker vand i stedet for sodavand.",
    "Jeg tager min medicin hver morgen.",
    "Jeg går til gymnastik hver onsdag.",
)
PROMISES_BY_PLAN = {
    "diabetes": "Jeg ser mine fødder efter hver aften.",
    "kol": "Jeg bruger min inhalator, som jeg har lært.",
    "hjerte": "Jeg måler mit blodtryk hjemme før næste kontrol.",
}
STOP_SMOKING = "Jeg ringer til Stoplinien og aftaler en dag, hvor jeg holder op med at ryge."


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who does what by when.

    activity  the activity of the plan type it is, or empty for the person's own
    """

    words: str
    status: str
    due: str
    owner: Resource
    activity: str = ""


def write_plans(
    story: Story, record: Record, diagnoses: dict[str, Resource], visit: Visit, recommend: Recommend
) -> None:
    """Write all that belongs to the plans as they were agreed at this årskontrol."""
    person = story.person
    status, pursued = {"closed": ("completed", "completed"), "draft": ("draft", "proposed")}.get(
        person.plan, ("active", "active")
    )
    reasons = {kind: _reason(diagnoses, kind) for kind in person.plan_types}
    team = _write_team(record)
    activities = list(_write_tasks(story, record, visit))
    if person.referral != "none":
        activities.append(_write_referral(story, record, list(reasons.values())))
    activities += write_cases(record, person.cases, list(reasons.values()), story.on)
    agreed_on, due = visit.on.isoformat(), days_after(visit.on, 365)
    proposals = recommend(list(record.resources), story.on)
    goals = write_goals(
        record,
        proposals,
        deviation=person.deviation,
        agreed_on=agreed_on,
        due=due,
        status=pursued,
        ended=_closed_on(story, visit),
    )
    wish = write_personal_goal(record, story.rng.choice(WISHES), agreed_on, pursued)
    for kind in person.plan_types:
        period = _period(story, kind, visit)
        content = {
            "meta": {"profile": [systems.PROFILE_CAREPLAN]},
            "extension": [{"url": systems.EXT_LAST_REVIEWED, "valueDateTime": visit.at}],
            "instantiatesCanonical": [f"{systems.CANONICAL}/PlanDefinition/{kind}|{KNOWLEDGE_VERSION}"],
            "status": status,
            "intent": "plan",
            "category": [concept((systems.PLAN_TYPE, kind))],
            "title": TITLES[kind],
            "subject": record.subject,
            "period": period,
            "created": period["start"],
            "author": record.organization,
            "careTeam": [team],
            "addresses": [reasons[kind]],
            "goal": [*_followed(goals, kind, person.plan_types), wish],
            "activity": [{"reference": one} for one in activities],
        }
        record.add("CarePlan", f"plan-{kind}", content)


def _reason(diagnoses: dict[str, Resource], kind: str) -> Resource:
    return next(diagnoses[code] for code in PLAN_CODES[kind] if code in diagnoses)


def _followed(goals: Iterable[WrittenGoal], kind: str, kinds: tuple[str, ...]) -> list[Resource]:
    """The Goals a plan follows; one that none of the person's plans follows stands in all of them."""
    chosen = ((goal, [one for one in kinds if one in goal.plans] or kinds) for goal in goals)
    return [goal.reference for goal, plans in chosen if kind in plans]


def _period(story: Story, kind: str, visit: Visit) -> Resource:
    """From some time after the diagnosis, at the latest the årskontrol, to a closing after it."""
    onset = story.onset(*PLAN_CODES[kind]) or visit.time
    began = max(onset, visit.time - story.rng.uniform(0, 4))
    start = min(visit.on, story.on + timedelta(days=round(began * 365.25)))
    end = _closed_on(story, visit)
    return {"start": start.isoformat(), **({"end": end} if end else {})}


def _closed_on(story: Story, visit: Visit) -> str:
    """The date of a plan's closing; empty while it goes on."""
    return min(days_after(visit.on, 60), story.on.isoformat()) if story.person.plan == "closed" else ""


def _write_team(record: Record) -> Resource:
    content: Resource = {
        "status": "active",
        "name": "Behandlerteam",
        "subject": record.subject,
        "participant": [
            {"role": [concept(text="Tovholder")], "member": record.nurse},
            {"role": [concept(text="Egen læge")], "member": record.doctor},
            {"role": [concept(text="Patient")], "member": record.subject},
        ],
        "managingOrganization": [record.organization],
    }
    return record.add("CareTeam", "team", content)


def _write_tasks(story: Story, record: Record, visit: Visit) -> Iterator[Resource]:
    """The next steps, and the person's own promises."""
    person, rng, closed = story.person, story.rng, story.person.plan == "closed"
    planned = "cancelled" if closed else "draft" if person.plan == "draft" else "requested"
    responsible = record.nurse if rng.random() < 0.9 else record.organization
    blood = Agreement("Tag blodprøve", planned, days_after(visit.on, 351), record.subject, "blodproeve")
    control = Agreement("Årskontrol", planned, days_after(visit.on, 365), responsible, "aarskontrol")
    promised = []
    for words in _promises(story):
        done = closed or rng.random() < 0.3
        state = "draft" if person.plan == "draft" else "completed" if done else "in-progress"
        promised.append(Agreement(words, state, days_after(visit.on, 182), record.subject))
    plans = [{"reference": f"CarePlan/{person.id}-plan-{kind}"} for kind in person.plan_types]
    for nth, agreement in enumerate((blood, control, *promised), 1):
        yield _write_task(record, f"t{nth}", agreement, visit, plans)


def _promises(story: Story) -> list[str]:
    person, rng = story.person, story.rng
    own = [STOP_SMOKING] if person.smoking == "current" and rng.random() < 0.7 else []
    own += [PROMISES_BY_PLAN[kind] for kind in person.plan_types if rng.random() < 0.4]
    return own + rng.sample(PROMISES, rng.choice((1, 1, 2)))


def _write_task(record: Record, suffix: str, agreement: Agreement, visit: Visit, plans: list[Resource]) -> Resource:
    activity = [(systems.ACTIVITY, agreement.activity)] if agreement.activity else []
    content: Resource = {
        "basedOn": plans,
        "status": agreement.status,
        "intent": "plan",
        "code": concept(*activity, text=agreement.words),
        "description": agreement.words,
        "for": record.subject,
        "authoredOn": visit.at,
        "requester": record.nurse,
        "owner": agreement.owner,
        "restriction": {"period": {"end": agreement.due}},
    }
    return record.add("Task", suffix, content)


def _write_referral(story: Story, record: Record, reasons: list[Resource]) -> Resource:
    """A referral to the municipality: it opens the plan to them until its period ends."""
    rng, active = story.rng, story.person.referral == "active"
    ago = rng.randrange(2, 120) if active else rng.randrange(200, 420)
    sent = working_day(story.on - timedelta(days=ago))
    end = days_after(sent, 184 if active else 150)
    content: Resource = {
        "status": "active" if active else "completed",
        "intent": "order",
        "category": [concept((systems.SNOMED, "658151000005105"))],
        "priority": "routine",
        "code": concept(text="Afklarende samtale"),
        "subject": record.subject,
        "occurrencePeriod": {"start": sent.isoformat(), "end": end},
        "authoredOn": local_time(sent, 9 * 60 + rng.randrange(360)),
        "requester": record.doctor,
        "performer": [MUNICIPALITY],
        "reasonReference": reasons,
    }
    referral = record.add("ServiceRequest", "r1", content)
    answered = not active or rng.random() < 0.75 or story.person.id == "carl"
    state = "completed" if not active else _case_state(ago) if answered else "requested"
    _write_case(record, referral, content["authoredOn"], sent, state)
    return referral


def _case_state(ago: int) -> str:
    return "requested" if ago < 7 else "accepted" if ago < 30 else "in-progress"


def _write_case(record: Record, referral: Resource, at: str, sent: date, status: str) -> None:
    phase = PHASE_OF[status]
    handler = {"reference": "PractitionerRole/visitator-nord"} if status != "requested" else MUNICIPALITY
    content: Resource = {
        "basedOn": [referral],
        "status": status,
        "businessStatus": concept((systems.REFERRAL_PHASE, phase), text=PHASES[phase]),
        "intent": "order",
        "code": concept((systems.ACTIVITY, CASE), text="Visitation"),
        "focus": referral,
        "for": record.subject,
        "authoredOn": at,
        "requester": record.doctor,
        "owner": handler,
        "restriction": {"period": {"start": sent.isoformat(), "end": add_workdays(sent, ANSWER_WITHIN).isoformat()}},
    }
    record.add("Task", "case", content)


def is_planned(person: Person) -> bool:
    """Whether there is a plan to write."""
    return person.plan != "none" and bool(person.plan_types)
