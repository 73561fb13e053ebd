"""Any run of writes on a store equals a plain dict: versions, history, search, feed. On both stores."""

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storing import NOON, Home, both, coded, dated, fed, walked, where, write

from careplan.fhir.query import Order, Query, TokenIs
from careplan.fhir.value import SearchValues
from careplan.store.protocol import Guard, GuardFailed, Past, Store, VersionConflict, Write

IDS = ("a", "b", "c", "d")
CODES = ("x", "y")
RUN = itertools.count()

Step = tuple[tuple[tuple[str, int, str | None, int | None], ...], str | None]
"""A commit: (id, how far `expects` is off, code or None to delete, day) for each write; and a code to guard."""

steps = st.lists(
    st.tuples(
        st.lists(
            st.tuples(
                st.sampled_from(IDS),
                st.sampled_from((0, 0, 0, 0, 0, 1, -1)),
                st.sampled_from((*CODES, None)),
                st.sampled_from((None, 1, 2, 3)),
            ),
            min_size=1,
            max_size=4,
        ).map(tuple),
        st.sampled_from((None, None, *CODES)),
    ),
    max_size=12,
)


@dataclass
class Model:
    """What a store should hold: for each id its versions, as (body, code, day)."""

    versions: dict[str, list[tuple[bytes | None, str | None, int | None]]] = field(default_factory=dict)
    feed: list[tuple[str, int]] = field(default_factory=list)
    refused: bool = False

    def current(self, code: str) -> list[str]:
        return sorted(id for id, some in self.versions.items() if some[-1][0] is not None and some[-1][1] == code)

    def newest(self) -> list[str]:
        live = {id: some[-1][2] for id, some in self.versions.items() if some[-1][0] is not None}
        return sorted(live, key=lambda id: (live[id] is None, -(live[id] or 0), id))

    def writes(self, type: str, step: Step) -> list[Write]:
        """The writes of a step; `refused` says whether the store has to refuse them."""
        numbers = {id: len(some) for id, some in self.versions.items()}
        made, good = [], True
        for id, off, code, day in step[0]:
            current = numbers.get(id, 0)
            expects = max(current + off, 0)
            good &= expects == current
            numbers[id] = current + 1
            values = SearchValues() if code is None else both(coded(code), *([] if day is None else [dated_on(day)]))
            whole = write(id, values, type=type, expects=expects)
            made.append(whole if code is not None else replace(whole, body=None))
        self.refused = not good or (step[1] is not None and bool(self.current(step[1])))
        return made

    def take(self, step: Step, made: list[Write]) -> None:
        for (id, _, code, day), one in zip(step[0], made, strict=True):
            self.versions.setdefault(id, []).append((one.body, code, day))
            self.feed.append((id, len(self.versions[id])))


def dated_on(day: int) -> SearchValues:
    return dated(NOON + timedelta(days=day))


async def run(store: Store, commits: list[Step]) -> None:
    """Write, then compare all that can be asked. Each run has a type of its own, so runs share a store."""
    type, model = f"Run{next(RUN)}", Model()
    before = await store.changes(0, 10**6)
    for step in commits:
        made = model.writes(type, step)
        guards = [] if step[1] is None else [Guard("k", Query(type, (where("code", "token", TokenIs("s", step[1])),)))]
        try:
            await store.commit(made, guards)
        except (VersionConflict, GuardFailed):
            assert model.refused
        else:
            assert not model.refused
            model.take(step, made)
    await compare(store, type, model)
    after = before[-1].position if before else 0
    assert [(version.id, version.number) for version in await fed(store, after, limit=3)] == model.feed


async def compare(store: Store, type: str, model: Model) -> None:
    for id in IDS:
        expected = model.versions.get(id, [])
        read = await store.read(type, id)
        assert (None if read is None else (read.number, read.body)) == (
            (len(expected), expected[-1][0]) if expected else None
        )
        page = await store.history(Past(type, id))
        assert [version.body for version in reversed(page.versions)] == [body for body, _, _ in expected]
        assert [version.number for version in page.versions] == list(range(len(expected), 0, -1))
    whole = await store.history(Past(type, count=10**6))
    assert [(version.id, version.number) for version in reversed(whole.versions)] == model.feed
    assert whole.total == len(model.feed)
    for code in CODES:
        asked = Query(type, (where("code", "token", TokenIs(None, code)),), count=2)
        assert await walked(store, asked) == model.current(code)
    assert await walked(store, Query(type, orders=(Order("date", "date", True),), count=2)) == model.newest()


def each(home: Home, examples: int) -> None:
    """Run the property on one store, all examples in one event loop."""
    with asyncio.Runner() as runner:
        store = runner.run(home())

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(steps)
        def property(commits: list[Step]) -> None:
            runner.run(run(store, commits))

        property()
        runner.run(store.close())


@pytest.mark.parametrize("home", ["sqlite", "mongo", "pymongo"], indirect=True)
def test_any_run_of_writes_equals_a_plain_dict(home: Home, request: pytest.FixtureRequest) -> None:
    each(home, 120 if request.node.callspec.params["home"] == "sqlite" else 25)
