"""Reads of cases and conversations."""

from dataclasses import replace
from typing import Any

from casetrail_contracts.api import CaseAnswer, CasePage, CaseView, Hole, Timeline, Tree
from pydantic import TypeAdapter

from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.customers import CustomerKey
from casetrail_gateway.domain.errors import Fault, NotFound
from casetrail_gateway.domain.log import (
    Among,
    Case,
    CaseFilter,
    CaseNow,
    Head,
    Kinds,
    Page,
    Scope,
)
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.search import CaseSearch
from casetrail_gateway.ports import Clock, Customers, Log, WordIndex
from casetrail_gateway.use_cases.clocks import TellClocks
from casetrail_gateway.use_cases.finding import Finder, Found, not_theirs
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.searching import FindCases, may_search_words, told_parts
from casetrail_gateway.use_cases.timelines import Stretch, TellTimeline

_HOLES = TypeAdapter(list[Hole])


class ListCases:
    """A page of cases, the newest first; an agent's page holds only cases they may open."""

    def __init__(
        self,
        *,
        log: Log,
        index: WordIndex,
        customers: Customers,
        caller: Caller,
        search: CaseSearch,
        limit: int,
        cursor: str | None,
    ) -> None:
        self._log = log
        self._index = index
        self._customers = customers
        self._caller = caller
        self._search = search
        self._limit = limit
        wanted = search.wanted
        self._filters = {
            name: value
            for name, value in (
                ("status", wanted.status),
                ("owner", wanted.owner),
                ("held", wanted.held_by),
                ("ticket", wanted.ticket_id),
                ("case", wanted.case_id),
                ("customer", wanted.conversation_id),
                ("escalated", wanted.escalated),
                ("tags", list(wanted.tags) or None),
                ("opened_from", None if not wanted.opened_from else wanted.opened_from.isoformat()),
                ("opened_to", None if not wanted.opened_to else wanted.opened_to.isoformat()),
            )
            if value is not None
        }
        said = {"words": search.words.terms, "beginnings": search.words.beginnings}
        asked = {**self._filters, **(said if search.words else {}), "phone": search.phone}
        self._list = cursors.fingerprint("cases", asked)
        self._after = None if cursor is None else cursors.decode(self._list, cursor)

    async def look(self) -> Look:
        """A search in the cases."""
        query = {"q": self._search.typed, "phone": self._search.phone}
        return Look(
            what="cases",
            filters=self._filters,
            query={name: value for name, value in query.items() if value is not None},
            fault=may_search_words(self._caller, self._search.words),
        )

    async def answer(self) -> CasePage:
        """The page."""
        head = await self._log.head()
        through = head.complete_through
        if self._search.words or self._search.phone:
            through = min(through, await self._index.as_of())
        find = FindCases(self._log, self._index, self._caller.workspace)
        wanted = await self._narrowed()
        found = await find(wanted, self._search.words, self._limit, self._after, through)
        after = found.go_on_after
        return CasePage(
            items=[CaseView.model_validate(case) for case in found.cases],
            next_cursor=None if after is None else cursors.encode(self._list, after),
            complete_through=through,
            understood=told_parts(self._search.parts),
        )

    async def _narrowed(self) -> CaseFilter:
        """The filter with what depends on who asks, and with a number turned into its customer."""
        open_to = self._caller.ref if self._caller.role == "agent" else None
        wanted = replace(self._search.wanted, open_to=open_to)
        if self._search.phone is None:
            return wanted
        key = CustomerKey("phone", self._search.phone)
        found = await self._customers.conversations(self._caller.workspace, key)
        return replace(wanted, among=(Among(conversation_ids=tuple(found)),))


class ReadCase:
    """One case as it stands."""

    def __init__(
        self, log: Log, finder: Finder, caller: Caller, case_id: str, clock: Clock
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._case_id = case_id
        self._clock = clock
        self._found = Found()

    async def look(self) -> Look:
        """The case, if it is theirs."""
        self._found = await self._finder.case_now(self._caller, self._case_id)
        return look_at("case", f"case/{self._case_id}", self._found)

    async def answer(self) -> CaseAnswer:
        """The view that the look was judged by."""
        now, case = await seen(self._log, self._caller, self._case_id, self._found)
        head = now.head
        tell = TellClocks(self._log, head.complete_through, self._clock.now())
        told = await tell(self._caller.workspace, case, case.ticket_ids)
        return CaseAnswer(
            **CaseView.model_validate(case).model_dump(),
            **vars(told),
            linked_ticket_ids=list(now.concerning),
            holes=_HOLES.validate_python(case.holes, from_attributes=True),
            complete_through=head.complete_through,
        )


class ReadCaseTimeline:
    """The history of a case: its conversation's part and its tickets', in log order."""

    def __init__(
        self,
        log: Log,
        finder: Finder,
        caller: Caller,
        case_id: str,
        *,
        kinds: Kinds,
        page: Page,
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._case_id = case_id
        self._kinds = kinds
        self._page = page
        self._found = Found()

    async def look(self) -> Look:
        """The case, if it is theirs."""
        self._found = await self._finder.case_now(self._caller, self._case_id)
        return look_at("case_timeline", f"case/{self._case_id}", self._found)

    async def answer(self) -> Timeline:
        """The stretch asked for, as far as the log was complete at the look."""
        now, case = await seen(self._log, self._caller, self._case_id, self._found)
        head = now.head
        scope = case.scope(now.concerning)
        tell = TellTimeline(self._log, head)
        told = await tell(self._caller, scope, self._kinds, self._page)
        return timeline(told, head, f"case/{case.case_id}", case=case)


class ReadConversationTimeline:
    """The history of a whole conversation, over all its cases."""

    def __init__(
        self, log: Log, caller: Caller, conversation_id: str, *, kinds: Kinds, page: Page
    ) -> None:
        self._log = log
        self._caller = caller
        self._conversation_id = conversation_id
        self._kinds = kinds
        self._page = page

    async def look(self) -> Look:
        """The conversation, if every case of it is theirs."""
        cases = await self._log.cases_of(self._caller.workspace, self._conversation_id)
        fault: Fault | None = None
        if not cases:
            fault = NotFound("conversation", f"There is no conversation {self._conversation_id}.")
        for case in cases:
            fault = fault or not_theirs(self._caller, case)
        return Look(
            what="conversation_timeline",
            target=f"conversation/{self._conversation_id}",
            conversation_id=self._conversation_id if cases else None,
            fault=fault,
        )

    async def answer(self) -> Timeline:
        """The stretch asked for."""
        head = await self._log.head()
        cases = await self._log.cases_of(self._caller.workspace, self._conversation_id)
        scope = Scope(conversation_id=self._conversation_id)
        tell = TellTimeline(self._log, head)
        told = await tell(self._caller, scope, self._kinds, self._page)
        holes = [hole for case in cases for hole in case.holes]
        return timeline(
            told,
            head,
            f"conversation/{self._conversation_id}",
            holes=holes,
            conversation_id=self._conversation_id,
        )


async def seen(log: Log, caller: Caller, case_id: str, found: Found) -> tuple[CaseNow, Case]:
    """The case that was looked at; asked for where the look was at something else of it."""
    now = found.now or await log.case_now(caller.workspace, case_id)
    if now.case is None:
        raise NotFound("case", f"There is no case {case_id}.")
    return now, now.case


def look_at(what: str, target: str, found: Found) -> Look:
    """The look at a case or ticket that was found, or was not."""
    return Look(
        what=what,
        target=target,
        case_id=found.case_id,
        ticket_id=None if found.ticket is None else found.ticket.ticket_id,
        conversation_id=found.conversation_id,
        fault=found.fault,
    )


def timeline(
    told: Stretch,
    head: Head,
    name: str,
    *,
    case: Case | None = None,
    holes: Any = None,
    **more: Any,
) -> Timeline:
    """A told stretch with everything that says how complete it is."""
    missing = (case.holes if case is not None else ()) if holes is None else holes
    after = told.go_on_after
    return Timeline(
        case=None if case is None else CaseView.model_validate(case),
        entries=told.entries,
        holes=_HOLES.validate_python(missing, from_attributes=True),
        complete_through=head.complete_through,
        tree=Tree(size=head.size, root=head.root),
        next_cursor=None if after is None else cursors.encode(timeline_list(name), after),
        **more,
    )


def timeline_list(name: str) -> str:
    """The fingerprint of a timeline's cursors, whatever is left out of it."""
    return cursors.fingerprint("timeline", {"of": name})
