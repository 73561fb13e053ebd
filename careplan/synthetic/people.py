"""Invented people from a seed, as transaction Bundles: the same seed and day give the same bytes.

The eight of the demo come first (`cast`), then people by chance. Person number n is the same however many
are asked for. Ids are fixed and opaque and entries are PUT, so loading twice changes nothing.
Not here: rules. What is recommended comes from the caller.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import blake2b
from random import Random

from careplan.fhir import systems
from careplan.synthetic.answer import write_answers
from careplan.synthetic.cast import cast
from careplan.synthetic.course import Story, write_laboratory
from careplan.synthetic.cpr import Register
from careplan.synthetic.examination import write_examinations
from careplan.synthetic.goal import Recommend
from careplan.synthetic.history import (
    write_bars,
    write_control,
    write_diagnoses,
    write_emergency,
    write_help,
    write_medicine,
    write_patient,
)
from careplan.synthetic.medicine import draw_medicine
from careplan.synthetic.message import write_messages
from careplan.synthetic.observation import Record, Resource
from careplan.synthetic.person import Person, draw_person
from careplan.synthetic.plan import is_planned, write_plans
from careplan.synthetic.situation import situations
from careplan.synthetic.surroundings import surroundings
from careplan.synthetic.visit import draw_visits


def clinic(
    seed: int, patients: int, *, on: date, recommend: Recommend, years: int = 10, states: bool = False
) -> Iterator[Resource]:
    """The surroundings, then one transaction Bundle a person; made one at a time.

    patients   how many people, the eight of the demo among them; they come even when fewer are asked for
    on         the day the record ends
    recommend  (one person's resources, day) → the Goals the rules propose, called for people with a plan.
               Decimals are Decimal; parts are shared, so nothing may be changed in place
    years      how far back values go
    states     whether those come too, beside the others, who each stand for a state of the pages (`situation`)
    """
    yield _transaction(surroundings())
    for rng, person in _people(seed, patients, on, states):
        yield _transaction(_resources(rng, person, on, years, recommend))


def _people(seed: int, patients: int, on: date, states: bool) -> Iterator[tuple[Random, Person]]:
    register = Register(str(seed))
    known = list(cast(register, on))
    for person in known:
        yield Random(f"cast/{person.id}"), person
    for nth in range(len(known), patients):
        rng = Random(f"{seed}/{nth}")
        yield rng, draw_person(rng, register, _id(seed, nth), on)
    for person in situations(register, on) if states else ():
        yield Random(f"cast/{person.id}"), person


def _id(seed: int, nth: int) -> str:
    return "p" + blake2b(f"{seed}/{nth}".encode(), digest_size=7).hexdigest()


def _resources(rng: Random, person: Person, on: date, years: int, recommend: Recommend) -> list[Resource]:
    """One person's whole record, each resource after those it was made from."""
    record = Record(person.id, "own" if person.own_clinic else "other")
    height = round(rng.gauss(166, 6) if person.sex == "female" else rng.gauss(179, 6.5))
    drugs = draw_medicine(rng, person, on)
    story = Story(rng, person, height, drugs, draw_visits(rng, person, on, years), on)
    write_patient(record, person, rng.randrange(1, 180))
    diagnoses = write_diagnoses(record, person)
    write_medicine(record, drugs)
    write_laboratory(story, record)
    write_examinations(story, record)
    write_control(record, story.newest, list(diagnoses.values()))
    write_bars(record, person, on)
    write_help(record, person, on)
    write_emergency(record, person, on)
    write_messages(record, person, on)
    write_answers(record, person, on)
    if is_planned(person):
        write_plans(story, record, diagnoses, story.newest, recommend)
    return record.resources


def _transaction(resources: Iterable[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(one) for one in resources]}


def _entry(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {
        "fullUrl": f"{systems.CANONICAL}/{url}",
        "resource": resource,
        "request": {"method": "PUT", "url": url},
    }
