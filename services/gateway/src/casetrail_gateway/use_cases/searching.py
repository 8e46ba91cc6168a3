"""Cases and records found by what was said in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from casetrail_contracts.api import QueryPart

from casetrail_gateway.domain.errors import NotPermitted
from casetrail_gateway.domain.log import Among, Case, CaseFilter, Hit, Page, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.search import Part, Words
from casetrail_gateway.ports import Log, WordIndex

FEW: Final = 1_000
"""Hits up to which all of them are read; with more, cases are gone through, some at a time."""
CHUNK: Final = 100
MOST_CHUNKS: Final = 10
"""Cases gone through for one page: a page of frequent words and rare filters may be short."""
HITS_OF_A_CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True)
class Found:
    """Cases in order, and where to go on; None when there are no more."""

    cases: list[Case]
    go_on_after: int | None


class FindCases:
    """Cases that match a filter and say something, the newest first.

    What is rare is read whole, and its cases are looked up. What is frequent is asked of the newest
    cases, a hundred at a time: such a page fills soon. Either way a page never lacks a case: it may
    be shorter than asked for and still have a cursor.
    """

    def __init__(self, log: Log, index: WordIndex, workspace: str) -> None:
        self._log = log
        self._index = index
        self._workspace = workspace

    async def __call__(
        self, wanted: CaseFilter, words: Words, limit: int, after: int | None, through: int
    ) -> Found:
        """A page; without words it is the filter's alone."""
        if not words:
            page = Page(limit + 1, "desc", after)
            cases = list(await self._log.cases(self._workspace, wanted, page))
            more = len(cases) > limit
            return Found(cases[:limit], cases[limit - 1].opened_seq if more else None)
        everything = RecordFilter()
        page = Page(FEW + 1, "desc", None, through)
        hits = await self._index.hits(self._workspace, words, everything, page)
        rare = len(hits) <= FEW
        if rare:
            wanted = replace(wanted, among=(*wanted.among, _places(hits)))
        found: list[Case] = []
        at_once = CHUNK if rare else min(CHUNK, limit + 1)
        for _ in range(MOST_CHUNKS):
            page = Page(at_once, "desc", after)
            chunk = await self._log.cases(self._workspace, wanted, page)
            if not rare:
                hits = await self._hits_in(chunk, words, through)
            for case in chunk:
                if any(case.has(hit) for hit in hits):
                    if len(found) == limit:
                        return Found(found, found[-1].opened_seq)
                    found.append(case)
                after = case.opened_seq
            if len(chunk) < at_once:
                return Found(found, None)
        return Found(found, after)

    async def _hits_in(self, cases: Sequence[Case], words: Words, through: int) -> Sequence[Hit]:
        """The hits of these cases, from where the first of them begins.

        So many that some would be left out are asked for again, of half of the cases each.
        """
        conversations = {e.conversation_id for case in cases for e in case.episodes}
        conversations |= {case.conversation_id for case in cases if case.conversation_id}
        if not conversations:
            return []
        within = RecordFilter(conversation_ids=tuple(sorted(conversations)))
        begins = min(
            [case.opened_seq for case in cases]
            + [episode.from_seq for case in cases for episode in case.episodes]
        )
        page = Page(HITS_OF_A_CHUNK, "asc", begins - 1, through)
        hits = await self._index.hits(self._workspace, words, within, page)
        if len(hits) < HITS_OF_A_CHUNK or len(cases) == 1:
            return hits
        half = len(cases) // 2
        return [
            *await self._hits_in(cases[:half], words, through),
            *await self._hits_in(cases[half:], words, through),
        ]


def _places(hits: Sequence[Hit]) -> Among:
    cases = {hit.case_id for hit in hits if hit.case_id is not None}
    conversations = {
        hit.conversation_id
        for hit in hits
        if hit.case_id is None and hit.conversation_id is not None
    }
    return Among(tuple(sorted(cases)), tuple(sorted(conversations)))


def may_search_words(caller: Caller, words: Words) -> NotPermitted | None:
    """The refusal of who does not read text: asking for words would tell it word by word."""
    if not words or caller.reads_text:
        return None
    return NotPermitted(
        f"The role {caller.role} is not shown what people wrote, so it cannot search in it; search "
        "by filters."
    )


def told_parts(parts: Sequence[Part]) -> list[QueryPart]:
    """The parts of the search box, as the API shows them."""
    return [QueryPart.model_validate(part) for part in parts]
