"""The targets of the shipped rows as Goals hold them: read back as written, and told apart by one rule everywhere."""

from itertools import combinations_with_replacement

from careplan.domain.guideline import Knowledge
from careplan.domain.target import is_reason, same_target
from careplan.fhir.goal import AGREED, target_entry, target_from_entry
from careplan.fhir.invariant import bounds_of


def test_profile_and_rules_agree_on_which_targets_are_the_same(knowledge: Knowledge) -> None:
    """What a Goal may hold without a reason is what the clinic is shown as no difference."""
    for name, guideline in knowledge.guidelines.items():
        measure = knowledge.measures[name]
        for one, other in combinations_with_replacement([row.target for row in guideline.rows], 2):
            entries = [target_entry(target, measure, AGREED) for target in (one, other)]
            told_apart = bounds_of(entries[0]) != bounds_of(entries[1])
            read = [target_from_entry(entry) for entry in entries]
            assert same_target(one, other) is not told_apart, name
            assert same_target(read[0], read[1]) is not told_apart, name
            assert same_target(one, read[0]), name


def test_a_reason_for_having_no_number_is_a_sentence(knowledge: Knowledge) -> None:
    rows = [row for guideline in knowledge.guidelines.values() for row in guideline.rows]
    assert all(is_reason(row.target.why) for row in rows if row.target.why is not None)
    assert not any(is_reason(row.target.value) for row in rows if isinstance(row.target.value, str))
