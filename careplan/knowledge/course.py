"""`courses/<id>.toml` → CourseType: the tjekliste of a course that a municipality gives, for some kinds of offer.

One file without offers is for all the rest. Not here: how the list is answered (`careplan.interactions.course_check`).
"""

from dataclasses import dataclass

from careplan.domain.guideline import CourseType
from careplan.knowledge.entry import Entry
from careplan.knowledge.plan import checks_from_entry
from careplan.knowledge.target import version_from_entry
from careplan.knowledge.term import review_from_entry


@dataclass(frozen=True, slots=True)
class Given:
    """A course type and its place."""

    course: CourseType
    place: Entry


def course_from_entry(entry: Entry) -> Given:
    """The one course type of a file."""
    course = CourseType(
        id=entry.text("id"),
        version=version_from_entry(entry),
        name=entry.text("name"),
        offers=entry.texts("offers"),
        checks=checks_from_entry(entry),
        review=review_from_entry(entry),
    )
    entry.close()
    return Given(course, entry)
