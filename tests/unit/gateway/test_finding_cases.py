"""Cases that say something frequent: asked of the newest, and none is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from casetrail_gateway.domain.log import Case, CaseFilter, Episode, Hit, Page, RecordFilter
from casetrail_gateway.domain.search import Words
from casetrail_gateway.ports import Log, WordIndex
from casetrail_gateway.use_cases import searching
from casetrail_gateway.use_cases.searching import FindCases

MESSAGES = 10
"""Of each case; its conversation has nothing else."""


def case(number: int) -> Case:
    """`CASE-<n>`, of the messages n0 to n9."""
    episode = Episode(f"cv_{number}", number * MESSAGES, None)
    return Case(
        case_id=f"CASE-{number}",
        conversation_id=f"cv_{number}",
        status="open",
        opened_seq=number * MESSAGES + 1,
        episodes=(episode,),
    )


@dataclass
class Cases:
    """So many cases, the newest first, and every message that says the word."""

    count: int
    silent: frozenset[int] = frozenset()
    """Cases in which nobody says it."""
    asked: list[tuple[int, int | None]] = field(default_factory=list)
    """How many conversations were asked for, and above which sequence."""

    async def cases(self, _: str, wanted: CaseFilter, page: Page) -> Sequence[Case]:
        newest_first = [case(number) for number in range(self.count, 0, -1)]
        left = [c for c in newest_first if page.after is None or c.opened_seq < page.after]
        return left[: page.limit]

    async def hits(self, _: str, words: Words, wanted: RecordFilter, page: Page) -> Sequence[Hit]:
        within = wanted.conversation_ids
        self.asked.append((len(within or ()), page.after))
        found = [
            Hit(seq, f"cv_{seq // MESSAGES}", None)
            for seq in range(MESSAGES, (self.count + 1) * MESSAGES)
            if seq // MESSAGES not in self.silent
            and (within is None or f"cv_{seq // MESSAGES}" in within)
            and (page.order == "desc" or page.after is None or seq > page.after)
        ]
        return (found if page.order == "asc" else found[::-1])[: page.limit]


async def numbers(world: Cases, limit: int, after: int | None = None) -> tuple[list[int], Any]:
    """The numbers of the cases found, and where to go on."""
    find = FindCases(cast("Log", world), cast("WordIndex", world), "main")
    found = await find(CaseFilter(), Words(("koi",)), limit, after, 10**9)
    return [int(each.case_id.partition("-")[2]) for each in found.cases], found.go_on_after


async def test_a_frequent_word_is_asked_of_the_newest_cases_from_where_they_begin() -> None:
    """Nothing older than the oldest of them is looked at."""
    world = Cases(300)
    assert await numbers(world, 20) == (list(range(300, 280, -1)), 281 * MESSAGES + 1)
    everywhere, theirs = world.asked
    assert everywhere == (0, None)
    assert theirs == (21, 280 * MESSAGES - 1)


async def test_no_case_is_left_out_when_its_neighbours_say_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More hits than are read at once: half of the cases at a time, down to one."""
    monkeypatch.setattr(searching, "HITS_OF_A_CHUNK", 25)
    world = Cases(200, silent=frozenset({195, 197}))
    found, _ = await numbers(world, 10)
    assert found == [200, 199, 198, 196, 194, 193, 192, 191, 190, 189]
    assert {count for count, _ in world.asked[1:]} >= {11, 5, 6, 2, 3}
    monkeypatch.setattr(searching, "HITS_OF_A_CHUNK", 3)
    again, _ = await numbers(world, 10)
    assert again == found


async def test_pages_of_a_frequent_word_follow_each_other() -> None:
    """The cursor of a page is where the next one begins; together they are all of them."""
    world, seen, after = Cases(120, silent=frozenset(range(50, 60))), list[int](), None
    while True:
        found, after = await numbers(world, 30, after)
        seen += found
        if after is None:
            break
    assert seen == [number for number in range(120, 0, -1) if not 50 <= number < 60]
