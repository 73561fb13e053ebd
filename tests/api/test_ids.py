"""Ids of our own: never the same twice, rising with time, not to be guessed."""

import time
from uuid import RFC_4122, UUID

from careplan.api.door import new_id


def test_an_id_is_a_uuid_of_version_7_that_says_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = [UUID(new_id()) for _ in range(2000)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert all(before <= one.int >> 80 <= after for one in made)


def test_the_random_bits_of_ids_are_used_once() -> None:
    random = {UUID(new_id()).int & ((1 << 62) - 1) for _ in range(2000)}
    assert len(random) == 2000
    assert all(any(one >> bit & 1 for one in random) and any(not one >> bit & 1 for one in random) for bit in range(62))
