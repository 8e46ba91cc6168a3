"""Reads of the log itself: records, and what one person did."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from casetrail_contracts.api import ActivityAnswer, RecordPage, RecordView

from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.customers import CustomerKey
from casetrail_gateway.domain.errors import Fault, NotFound, NotPermitted
from casetrail_gateway.domain.log import Case, Head, Kinds, Order, Page, Record, RecordFilter, Scope
from casetrail_gateway.domain.masking import masked_private
from casetrail_gateway.domain.people import Caller, reviews_shown
from casetrail_gateway.domain.search import RecordSearch
from casetrail_gateway.domain.summaries import summary
from casetrail_gateway.ports import Customers, Log, WordIndex
from casetrail_gateway.use_cases.finding import Finder, Found, caseless, not_theirs
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.searching import may_search_words, told_parts
from casetrail_gateway.use_cases.timelines import TellTimeline, plain, told_changes

_OF_AN_ERASURE: Final = ("erasure_id", "policy", "policy_version", "at", "fields")


class SearchRecords:
    """A page of records. An agent searches one case or ticket of theirs, or their own acts."""

    def __init__(
        self,
        *,
        log: Log,
        index: WordIndex,
        customers: Customers,
        finder: Finder,
        caller: Caller,
        search: RecordSearch,
        limit: int,
        order: Order,
        cursor: str | None,
    ) -> None:
        self._log = log
        self._index = index
        self._customers = customers
        self._finder = finder
        self._caller = caller
        self._search = search
        self._wanted = replace(search.wanted, reviews_of=reviews_shown(caller))
        self._limit = limit
        self._order: Order = order
        self._filters = told_filters(search.wanted)
        said = {"words": search.words.terms, "beginnings": search.words.beginnings}
        asked = {**self._filters, **(said if search.words else {}), "phone": search.phone}
        self._list = cursors.fingerprint("records", {**asked, "order": order})
        self._after = None if cursor is None else cursors.decode(self._list, cursor)

    async def look(self) -> Look:
        """A search in the records; refused to an agent who does not narrow it to their own."""
        found = await narrowed_to(self._finder, self._caller, self._wanted)
        if found.case is not None and self._wanted.case_id == found.case.case_id:
            self._wanted = replace(self._wanted, episodes=found.case.episodes)
        refused = found.fault if isinstance(found.fault, NotPermitted) else None
        query = {"q": self._search.typed, "phone": self._search.phone}
        return Look(
            what="records",
            filters=self._filters,
            query={name: value for name, value in query.items() if value is not None},
            case_id=found.case_id,
            ticket_id=None if found.ticket is None else found.ticket.ticket_id,
            conversation_id=found.conversation_id,
            fault=refused or may_search_words(self._caller, self._search.words),
        )

    async def answer(self) -> RecordPage:
        """The page."""
        head = await self._log.head()
        through = head.complete_through
        workspace = self._caller.workspace
        if self._search.phone is not None:
            key = CustomerKey("phone", self._search.phone)
            known = await self._customers.conversations(workspace, key)
            self._wanted = replace(self._wanted, conversation_ids=tuple(known))
        if not self._search.words:
            page = Page(self._limit + 1, self._order, self._after, through)
            records = await self._log.records(workspace, self._wanted, page)
        else:
            through = min(through, await self._index.as_of())
            page = Page(self._limit + 1, self._order, self._after, through)
            hits = await self._index.hits(workspace, self._search.words, self._wanted, page)
            records = await self._log.records_of(workspace, [hit.seq for hit in hits])
        shown = records[: self._limit]
        more = len(records) > self._limit
        return RecordPage(
            items=[record_view(record, self._caller, head) for record in shown],
            next_cursor=cursors.encode(self._list, shown[-1].seq) if more else None,
            complete_through=through,
            understood=told_parts(self._search.parts),
        )


def told_filters(wanted: RecordFilter) -> dict[str, Any]:
    """A filter of records in public words: ids of the log's own making only."""
    actor = ":".join(part for part in (wanted.actor_kind, wanted.actor_id) if part)
    return {
        name: value
        for name, value in (
            ("actor", actor or None),
            ("action", wanted.action),
            ("target", wanted.target),
            ("case", wanted.case_id),
            ("ticket", wanted.ticket_id),
            ("customer", wanted.conversation_id),
            ("from", None if not wanted.occurred_from else wanted.occurred_from.isoformat()),
            ("to", None if not wanted.occurred_to else wanted.occurred_to.isoformat()),
        )
        if value is not None
    }


async def narrowed_to(finder: Finder, caller: Caller, wanted: RecordFilter) -> Found:
    """The case or ticket a filter names; a fault for an agent whose it is not."""
    if wanted.ticket_id is not None:
        found = await finder.ticket(caller, wanted.ticket_id)
        if wanted.case_id is None or found.fault is not None:
            return found
    if wanted.case_id is not None:
        return await finder.case(caller, wanted.case_id)
    if caller.role != "agent":
        return Found()
    if wanted.actor_id == caller.id and wanted.actor_kind == "agent":
        return Found()
    return Found(
        fault=NotPermitted(
            "An agent searches the records of a case or ticket of theirs (case=, ticket=) or "
            f"their own acts (actor={caller.ref})."
        )
    )


class ReadRecord:
    """One record with its leaf."""

    def __init__(self, log: Log, caller: Caller, seq: int) -> None:
        self._log = log
        self._caller = caller
        self._seq = seq
        self._record: Record | None = None

    async def look(self) -> Look:
        """The record, if it is of a case of theirs."""
        target = f"record/{self._seq}"
        record = self._record = await self._log.record(self._caller.workspace, self._seq)
        if record is None:
            fault = NotFound("record", f"There is no record {self._seq}.")
            return Look(what="record", target=target, fault=fault)
        return Look(
            what="record",
            target=target,
            case_id=record.case_id,
            ticket_id=record.ticket_id,
            conversation_id=record.conversation_id,
            fault=await self._refusal(record),
        )

    async def answer(self) -> RecordView:
        """The record; what is personal masked."""
        assert self._record is not None
        return record_view(self._record, self._caller, await self._log.head())

    async def _refusal(self, record: Record) -> Fault | None:
        if self._caller.role != "agent":
            return None
        if (record.actor or {}).get("id") == self._caller.id and (record.actor or {}).get(
            "kind"
        ) == self._caller.role:
            return None
        about = record.data.get("about")
        if (record.action or "").startswith("review.") and about != self._caller.ref:
            return NotPermitted("An agent sees the reviews of their own work only.")
        workspace = self._caller.workspace
        cases: list[Case] = []
        if record.case_id is not None:
            case = await self._log.case(workspace, record.case_id)
            cases = [] if case is None else [case]
        elif record.conversation_id is not None:
            every = list(await self._log.cases_of(workspace, record.conversation_id))
            cases = [case for case in every if _covers(case, record.seq)] or every
        if not cases:
            return caseless(self._caller, f"record {record.seq}")
        return next((fault for case in cases if (fault := not_theirs(self._caller, case))), None)


def _covers(case: Case, seq: int) -> bool:
    return any(
        episode.from_seq <= seq and (episode.to_seq is None or seq <= episode.to_seq)
        for episode in case.episodes
    )


class ReadActivity:
    """What one person did, in all cases and tickets."""

    def __init__(
        self,
        log: Log,
        finder: Finder,
        caller: Caller,
        user_id: str,
        *,
        kinds: Kinds,
        page: Page,
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._user_id = user_id
        self._kinds = kinds
        self._page = page

    async def look(self) -> Look:
        """The person; an agent reads their own activity only.

        An id nobody has may be anything somebody typed, a phone number too, so it is not put into
        the public part of the look.
        """
        fault: Fault | None = None
        if self._caller.role == "agent" and self._user_id != self._caller.id:
            fault = NotPermitted("An agent reads their own activity; a lead reads everybody's.")
        query: Mapping[str, Any] = {}
        target = f"user/{self._user_id}"
        if self._user_id != self._caller.id and not await self._finder.user(
            self._caller, self._user_id
        ):
            target, query = "user/unknown", {"user": self._user_id}
        return Look(what="activity", target=target, query=query, fault=fault)

    async def answer(self) -> ActivityAnswer:
        """The stretch asked for."""
        head = await self._log.head()
        scope = Scope(actor_id=self._user_id)
        kinds = replace(self._kinds, hides=("access",))  # a review is something one did
        tell = TellTimeline(self._log, head)
        told = await tell(self._caller, scope, kinds, self._page)
        after = told.go_on_after
        return ActivityAnswer(
            user_id=self._user_id,
            entries=told.entries,
            complete_through=head.complete_through,
            next_cursor=None
            if after is None
            else cursors.encode(activity_list(self._user_id), after),
        )


def activity_list(user_id: str) -> str:
    """The fingerprint of the cursors of a person's activity."""
    return cursors.fingerprint("activity", {"of": user_id})


def told_erasure(record: Record) -> Mapping[str, Any] | None:
    """By which erasure a record lost its personal values; None when it did not."""
    if record.erased is None:
        return None
    return {name: record.erased.get(name) for name in _OF_AN_ERASURE}


def told_archive(record: Record) -> Mapping[str, Any] | None:
    """Where the content of a record is, since when, and which record says so."""
    if record.archived is None:
        return None
    return {name: record.archived.get(name) for name in ("file", "by", "at")}


def record_view(record: Record, caller: Caller, head: Head) -> RecordView:
    """A record as it may be shown to the caller."""
    return RecordView.model_validate(
        {
            "seq": record.seq,
            "index": record.seq - head.first_seq,
            "kind": record.kind,
            "event_id": record.event_id,
            "type": record.type,
            "at": record.occurred_at,
            "recorded_at": record.recorded_at,
            "actor": plain(record.actor),
            "on_behalf_of": plain(record.on_behalf_of),
            "action": record.action,
            "target": record.target,
            "summary": summary(record, reads_text=caller.reads_text),
            "conversation_id": record.conversation_id,
            "case_id": record.case_id,
            "ticket_id": record.ticket_id,
            "version": record.version,
            "changes": told_changes(record),
            "reason": record.why(reads_text=caller.reads_text),
            "data": dict(record.data),
            "correlation_id": record.correlation_id,
            "causation_id": record.causation_id,
            "private": masked_private(record.private, reads_text=caller.reads_text),
            "erased": told_erasure(record),
            "archived": told_archive(record),
            "leaf": record.leaf,
            "leaf_input": record.leaf_input,
            "of": record.of,
            "problem": record.problem,
        }
    )
