"""How often one asker may come: the token bucket alone, with a clock of the test's own."""

import pytest
from starlette.types import Scope

from careplan.api.asker import Asker
from careplan.api.pace import Pace
from careplan.settings import networks_from_text


def test_a_burst_comes_through_and_then_the_pace_counts() -> None:
    pace = Pace(10, 3)
    assert [pace.wait("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert pace.wait("a", 0.0) == pytest.approx(0.1)
    assert pace.wait("a", 0.05) == pytest.approx(0.05)
    assert pace.wait("a", 0.1001) == 0.0
    assert pace.wait("a", 0.1002) > 0


def test_what_was_refused_does_not_count_and_one_asker_does_not_slow_another() -> None:
    pace = Pace(1, 1)
    assert pace.wait("a", 0.0) == 0.0
    assert {round(pace.wait("a", 0.0), 6) for _ in range(100)} == {1.0}
    assert pace.wait("b", 0.0) == 0.0
    assert pace.wait("a", 1.0001) == 0.0


def test_without_a_rate_everybody_comes_through_and_nobody_is_remembered() -> None:
    pace = Pace(0, 1)
    assert [pace.wait("a", 0.0) for _ in range(50)] == [0.0] * 50 and len(pace) == 0


def test_no_more_are_remembered_than_it_may_and_those_who_owe_most_stay() -> None:
    """A flood from many addresses does not forgive the one who floods most."""
    pace = Pace(1, 5, most=100)
    for _ in range(5):
        pace.wait("flood", 0.0)
    for number in range(10_000):
        assert pace.wait(f"a{number}", number / 1e6) == 0.0
        assert len(pace) <= 100
    assert pace.wait("flood", 0.02) > 0


def test_who_has_been_silent_is_forgotten_without_getting_more_for_it() -> None:
    pace = Pace(1, 2, most=10)
    for number in range(10):
        pace.wait(f"a{number}", 0.0)
    pace.wait("b", 100.0)
    assert len(pace) == 1


def scope(client: str, **headers: str) -> Scope:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (client, 1234), "headers": sent, "path": "/"}


TRUSTED = networks_from_text("127.0.0.0/8, 10.1.0.0/16")

PLACES = {
    "a client": (scope("192.0.2.7"), "at 192.0.2.7"),
    "a client that says it is another": (scope("192.0.2.7", x_forwarded_for="198.51.100.1"), "at 192.0.2.7"),
    "behind a proxy": (scope("127.0.0.1", x_forwarded_for="198.51.100.1"), "at 198.51.100.1"),
    "behind two proxies": (scope("127.0.0.1", x_forwarded_for="198.51.100.1, 10.1.2.3"), "at 198.51.100.1"),
    "lying to a proxy": (scope("127.0.0.1", x_forwarded_for="203.0.113.9, 198.51.100.1"), "at 198.51.100.1"),
    "the standard's way": (scope("127.0.0.1", forwarded='for="[2001:db8:1:2:3::4]:99"'), "at 2001:db8:1:2::/64"),
    "hidden by a proxy": (scope("127.0.0.1", forwarded="for=_hidden"), "at 127.0.0.1"),
    "nonsense to a proxy": (scope("127.0.0.1", x_forwarded_for="<script>"), "at 127.0.0.1"),
    "IPv6": (scope("2001:db8::1"), "at 2001:db8::/64"),
    "IPv4 in IPv6": (scope("::ffff:192.0.2.7"), "at 192.0.2.7"),
}


@pytest.mark.parametrize(("sent", "place"), PLACES.values(), ids=PLACES)
def test_an_address_is_the_one_that_a_trusted_proxy_forwards_for(sent: Scope, place: str) -> None:
    assert Asker(lambda scope: None, TRUSTED).name(sent) == place


def test_whoever_is_known_is_counted_by_that_wherever_they_ask_from() -> None:
    asker = Asker(lambda scope: "by lps nurse", TRUSTED)
    assert asker.name(scope("192.0.2.7")) == "by lps nurse"
    assert asker.place(scope("192.0.2.7")) == "at 192.0.2.7"
