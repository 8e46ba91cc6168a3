"""Views that are remembered between batches are the ones in the store, whoever else writes."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from casetrail_audit.domain.folding import Entry, Key, Origin, View, Views
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import Advance, FinalRecord, Place, Standing
from casetrail_audit.use_cases import FoldViews
from casetrail_audit.use_cases.known_views import KnownViews
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.audit.history import folded, origin_of, records_of
from tests.unit.audit.random_history import STEPS, Step, history_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Shelf:
    """Views in memory, as MongoDB keeps them; what was asked for is counted."""

    views: dict[Key, View] = field(default_factory=dict)
    at: int = 0
    asked: list[Key] = field(default_factory=list)
    lost: bool = False
    """The next commit is done and its answer is lost."""
    complete_through: int = 0
    """What the book says."""

    async def as_of(self) -> int:
        return self.at

    async def load(self, keys: Collection[Key]) -> Views:
        self.asked += keys
        return {key: self.views[key] for key in keys if key in self.views}

    async def commit(
        self,
        before: int,
        after: int,
        at: datetime,
        changed: Mapping[Key, View],
        along: Advance | None = None,
    ) -> bool:
        if before != self.at or (along is not None and along.after != self.complete_through):
            return False
        if along is not None:
            self.complete_through = along.through
        self.views |= changed
        self.at = after
        if self.lost:
            self.lost = False
            raise ConnectionError("the answer is lost")
        return True

    async def clear(self) -> None:
        self.views.clear()
        self.at = 0


class Log:
    """The final records of a history."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    async def finals(self, after: int, through: int) -> list[FinalRecord]:
        return [
            FinalRecord(
                record["_id"],
                orjson.loads(record["leaf_input"]),
                record["leaf"],
                record["recorded_at"],
                record["event_id"],
            )
            for record in self._records[after:through]
        ]

    async def origin(self, entry: Entry) -> Origin:
        return origin_of(self._records, entry)


def step_to(through: int, records: list[Record], shelf: Shelf) -> Advance:
    """The records that the book does not count yet."""
    after = shelf.complete_through
    places = [Place(one["_id"], one["kind"], one["recorded_at"]) for one in records[after:through]]
    return Advance(Standing(1, after), places)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(STEPS, min_size=1, max_size=40),
    st.lists(
        st.tuples(st.sampled_from("aabr"), st.integers(1, 8), st.booleans(), st.booleans()),
        max_size=30,
    ),
    st.integers(1, 40),
)
def test_the_views_are_those_of_the_records_whoever_folds_them(
    steps: list[Step], turns: list[tuple[str, int, bool, bool]], most: int
) -> None:
    """Two followers in any order, with the book or after it, answers lost, rebuilds, any room.

    Views that moved along never leave the book behind or run ahead of it.
    """
    records = records_of(history_of(steps).events)
    shelf = Shelf()
    followers = {who: FoldViews(Log(records), KnownViews(shelf, most)) for who in "ab"}

    async def all_turns() -> None:
        for who, count, lost, along in turns:
            if who == "r":
                await shelf.clear()
                continue
            through = min(len(records), shelf.complete_through + count)
            step = step_to(through, records, shelf)
            shelf.lost = lost
            try:
                if along and step.places:
                    views_before = shelf.at
                    moved = await followers[who].along(step)
                    assert shelf.complete_through == (through if moved else step.after)
                    assert shelf.at == (through if moved else views_before)
            except ConnectionError:
                assert shelf.complete_through == shelf.at == through
            shelf.complete_through = through
            try:
                await followers[who](through)
            except ConnectionError:
                await followers[who](through)
        shelf.lost = False
        for fold in followers.values():
            assert await fold(len(records)) == len(records)

    asyncio.run(all_turns())
    assert shelf.views == folded(records)


async def test_what_was_written_last_is_not_asked_for_again() -> None:
    """Only what nobody has seen yet; and everything again once somebody else has written."""
    shelf = Shelf()
    views = KnownViews(shelf)
    first: Key = ("cases", "main:CASE-1")
    other: Key = ("cases", "main:CASE-2")
    assert await views.as_of() == 0
    assert await views.commit(0, 1, NOW, {first: {"_id": first[1], "n": 1}})
    assert await views.load([first, other]) == {first: {"_id": first[1], "n": 1}}
    assert shelf.asked == [other]
    assert await shelf.commit(1, 2, NOW, {first: {"_id": first[1], "n": 2}})
    assert not await views.commit(1, 2, NOW, {first: {"_id": first[1], "n": 9}})
    assert await views.as_of() == 2
    assert await views.load([first]) == {first: {"_id": first[1], "n": 2}}


async def test_no_more_is_remembered_than_there_is_room_for() -> None:
    """What was used longest ago goes first."""
    shelf = Shelf()
    views = KnownViews(shelf, most=2)
    keys: list[Key] = [("cases", f"main:CASE-{n}") for n in range(3)]
    for n, key in enumerate(keys):
        assert await views.commit(n, n + 1, NOW, {key: {"_id": key[1]}})
    await views.load(keys)
    assert shelf.asked == [keys[0]]
