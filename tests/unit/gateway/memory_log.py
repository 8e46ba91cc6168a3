"""The log in memory; it and the real `MongoLog` pass the same suite (integration/gateway)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from casetrail_contracts import Event
from casetrail_contracts.api import Cause
from casetrail_contracts.clocks import Group
from casetrail_gateway.adapters.mongo_documents import (
    act_from,
    case_from,
    custody_from,
    footprint_from,
    link_from,
    record_from,
    ticket_from,
)
from casetrail_gateway.domain.figures import Act
from casetrail_gateway.domain.lateness import Footprint
from casetrail_gateway.domain.log import (
    Case,
    CaseFilter,
    CaseNow,
    Counts,
    Head,
    Interval,
    Kinds,
    Page,
    Record,
    RecordFilter,
    Scope,
    Ticket,
)

from tests.unit.gateway.story import Document, record


class MemoryLog:
    """The log in memory; `journal` notes what was read, `away` makes every question fail."""

    def __init__(
        self,
        records: Sequence[Document],
        cases: Sequence[Document],
        tickets: Sequence[Document],
        users: Sequence[str] = (),
        journal: list[str] | None = None,
    ) -> None:
        self.documents = {document["_id"]: document for document in records}
        self.case_documents = {document["_id"]: document for document in cases}
        self.ticket_documents = {document["_id"]: document for document in tickets}
        self.users = set(users)
        self.journal: list[str] = [] if journal is None else journal
        self.complete_through = max(self.documents, default=0)
        self.away: Exception | None = None
        self.sealed: str | None = None
        """The root of the tree, once everything is sealed."""

    def add(self, event: Event) -> None:
        """An event recorded as audit would; what the gateway itself publishes."""
        seq = max(self.documents) + 1
        known = [d for d in self.documents.values() if d["event_id"] == event.id]
        if known:
            return
        self.documents[seq] = {
            **record(seq, event.noun_verb, target=event.subject, case_id=event.caseid),
            "conversation_id": event.conversationid,
            "sequence": event.version,
            "causation_id": event.causationid,
            "event_id": event.id,
            "workspace": event.workspace,
            "occurred_at": event.time,
            "actor": event.model_dump()["data"]["actor"],
            "data": event.model_dump()["data"],
            "private": event.private_values(),
        }
        self.complete_through = seq

    def _read(self, what: str) -> None:
        self.journal.append(what)
        if self.away is not None:
            raise self.away

    async def case(self, workspace: str, case_id: str) -> Case | None:
        self._read("case")
        found = self.case_documents.get(f"{workspace}:{case_id}")
        if found is None:
            return None
        case = case_from(found)
        merged = [self.case_documents[f"{workspace}:{id_}"] for id_ in case.merged_case_ids]
        episodes = tuple(episode for each in merged for episode in case_from(each).episodes)
        return replace(case, merged_episodes=episodes)

    async def case_now(self, workspace: str, case_id: str) -> CaseNow:
        case = await self.case(workspace, case_id)
        concerning = () if case is None else self._concerning(workspace, case_id)
        return CaseNow(self._head(), case, tuple(concerning))

    async def cases(self, workspace: str, wanted: CaseFilter, page: Page) -> Sequence[Case]:
        self._read("cases")
        found = sorted(
            (
                case_from(document)
                for document in self.case_documents.values()
                if document["workspace"] == workspace
            ),
            key=lambda case: -case.opened_seq,
        )
        return [
            case
            for case in found
            if wanted.status in {None, case.status}
            and wanted.owner in {None, case.owner}
            and wanted.case_id in {None, case.case_id}
            and (wanted.ticket_id is None or wanted.ticket_id in case.ticket_ids)
            and wanted.conversation_id in {None, case.conversation_id}
            and (wanted.held_by is None or wanted.held_by in case.held_by)
            and set(wanted.tags) <= set(case.tags)
            and all(
                case.case_id in among.case_ids
                or any(e.conversation_id in among.conversation_ids for e in case.episodes)
                for among in wanted.among
            )
            and wanted.escalated in {None, case.escalated}
            and (wanted.opened_from is None or _at(case) >= wanted.opened_from)
            and (wanted.opened_to is None or _at(case) < wanted.opened_to)
            and (page.after is None or case.opened_seq < page.after)
            and (
                wanted.open_to is None
                or case.owner in {None, wanted.open_to}
                or wanted.open_to in case.held_by
            )
        ][: page.limit]

    async def cases_of(self, workspace: str, conversation_id: str) -> Sequence[Case]:
        self._read("cases_of")
        return [
            case_from(document)
            for document in self.case_documents.values()
            if document["workspace"] == workspace
            and conversation_id in document["conversation_ids"]
        ]

    async def linked(self, workspace: str, conversation_id: str) -> Group:
        self._read("linked")
        return Group(
            link_from(record_from(document))
            for _, document in sorted(self.documents.items())
            if document["workspace"] == workspace and document["action"] == "conversation.linked"
        )

    async def ticket(self, workspace: str, ticket_id: str) -> Ticket | None:
        self._read("ticket")
        found = self.ticket_documents.get(f"{workspace}:{ticket_id}")
        return None if found is None else ticket_from(found)

    async def tickets_concerning(self, workspace: str, case_id: str) -> Sequence[str]:
        self._read("tickets_concerning")
        return self._concerning(workspace, case_id)

    def _concerning(self, workspace: str, case_id: str) -> Sequence[str]:
        return [
            document["ticket_id"]
            for document in self.ticket_documents.values()
            if document["workspace"] == workspace
            and any(link["target"] == f"case/{case_id}" for link in document.get("links", ()))
        ]

    async def knows_user(self, workspace: str, user_id: str) -> bool:
        self._read("user")
        return f"{workspace}:{user_id}" in self.users

    def _events(self, workspace: str, scope: Scope) -> list[Document]:
        return [
            document
            for _, document in sorted(self.documents.items())
            if document["workspace"] == workspace
            and document["kind"] == "event"
            and _in_scope(document, scope)
        ]

    async def timeline(
        self, workspace: str, scope: Scope, kinds: Kinds, page: Page
    ) -> Sequence[Record]:
        self._read("timeline")
        found = [
            document
            for document in self._events(workspace, scope)
            if _is_shown(document["action"], kinds)
            and _is_theirs(document, kinds.reviews_of)
            and (page.happened_by is None or document["occurred_at"] <= page.happened_by)
        ]
        return _page([record_from(document) for document in found], page)

    async def last_known(self, moment: datetime) -> int:
        self._read("last_known")
        known = [
            seq
            for seq, document in self.documents.items()
            if document["recorded_at"] <= moment and document["kind"] != "gap"
        ]
        return max(known, default=0)

    async def footprints(self, workspace: str, scope: Scope, through: int) -> Sequence[Footprint]:
        self._read("footprints")
        return [
            footprint_from(document)
            for document in self._events(workspace, scope)
            if document["_id"] <= through and _is_shown(document["action"], Kinds())
        ]

    async def beside(
        self, workspace: str, seqs: Sequence[int], event_ids: Sequence[str]
    ) -> tuple[Mapping[int, int], Mapping[str, Cause]]:
        self._read("beside")
        copies: dict[int, int] = {}
        for document in self.documents.values():
            if document["kind"] == "duplicate" and document["of"] in seqs:
                copies[document["of"]] = copies.get(document["of"], 0) + 1
        causes = {
            document["event_id"]: Cause(
                event_id=document["event_id"], seq=document["_id"], action=document["action"]
            )
            for document in self.documents.values()
            if document["event_id"] in event_ids and document["workspace"] == workspace
        }
        return copies, causes

    async def records(self, workspace: str, wanted: RecordFilter, page: Page) -> Sequence[Record]:
        self._read("records")
        actor = None if wanted.actor_id is None else f"{wanted.actor_kind}:{wanted.actor_id}"
        found = [
            record_from(document)
            for _, document in sorted(self.documents.items())
            if (document["workspace"] == workspace or (wanted.takes_all and _nobodys_gap(document)))
            and actor in {None, document["actor_ref"]}
            and wanted.target in {None, document["target"]}
            and (wanted.case_id is None or _of_case(document, wanted))
            and wanted.conversation_id in {None, document["conversation_id"]}
            and (
                wanted.conversation_ids is None
                or document["conversation_id"] in wanted.conversation_ids
            )
            and wanted.ticket_id in {None, document["ticket_id"]}
            and (wanted.action is None or _is_shown(document["action"], Kinds((wanted.action,))))
            and _is_theirs(document, wanted.reviews_of)
            and (wanted.occurred_from is None or document["occurred_at"] >= wanted.occurred_from)
            and (wanted.occurred_to is None or document["occurred_at"] < wanted.occurred_to)
        ]
        return _page(found, page)

    async def record(self, workspace: str, seq: int) -> Record | None:
        self._read("record")
        found = self.documents.get(seq)
        if found is None:
            return None
        mine = found["workspace"] == workspace or _nobodys_gap(found)
        return record_from(found) if mine else None

    async def stretch(self, workspace: str, page: Page) -> Sequence[Record]:
        self._read("stretch")
        found = [record_from(document) for _, document in sorted(self.documents.items())]
        return _page([record for record in found if record.workspace == workspace], page)

    async def records_of(self, workspace: str, seqs: Sequence[int]) -> Sequence[Record]:
        self._read("records")
        found = [self.documents[seq] for seq in seqs if seq in self.documents]
        return [record_from(each) for each in found if each["workspace"] == workspace]

    async def records_about(self, workspace: str, targets: Sequence[str]) -> Sequence[Record]:
        self._read("about")
        return [
            record_from(document)
            for _, document in sorted(self.documents.items())
            if document["workspace"] == workspace
            and document["kind"] == "event"
            and document["target"] in targets
        ]

    async def opened(
        self, workspace: str, start: datetime, end: datetime, *, through: int, limit: int
    ) -> Sequence[str]:
        self._read("records")
        found = [
            document["case_id"]
            for seq, document in sorted(self.documents.items())
            if document["workspace"] == workspace
            and document["action"] == "conversation.opened"
            and start <= document["occurred_at"] < end
            and seq <= through
        ]
        return found[:limit]

    async def happened(
        self, workspace: str, case_ids: Sequence[str], actions: Sequence[str], *, through: int
    ) -> Sequence[tuple[str, str, str | None]]:
        self._read("records")
        found = {
            (document["case_id"], document["action"], document["data"].get("owner"))
            for seq, document in self.documents.items()
            if document["workspace"] == workspace
            and document["case_id"] in case_ids
            and document["action"] in actions
            and seq <= through
        }
        return sorted(found, key=str)

    async def acts(
        self,
        workspace: str,
        actions: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        through: int,
        limit: int,
    ) -> Sequence[Act]:
        self._read("records")
        found = [
            act_from(document)
            for seq, document in sorted(self.documents.items())
            if document["workspace"] == workspace
            and document["action"] in actions
            and start <= document["occurred_at"] < end
            and seq <= through
        ]
        return found[:limit]

    async def custody_of(
        self, workspace: str, case_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Interval]]:
        self._read("cases")
        named = [self.case_documents.get(f"{workspace}:{case_id}") for case_id in case_ids]
        return {d["case_id"]: custody_from(d) for d in named if d is not None}

    async def shift(self, workspace: str, shift_id: str) -> Sequence[Record]:
        self._read("shift")
        return [
            record_from(document)
            for _, document in sorted(self.documents.items())
            if document["workspace"] == workspace
            and document["kind"] == "event"
            and document["data"].get("shift_id") == shift_id
        ]

    async def erasure(self, workspace: str, erasure_id: str) -> Record | None:
        self._read("erasure")
        mine = [
            document
            for document in self.documents.values()
            if document["workspace"] == workspace
            and document["target"] == f"erasure/{erasure_id}"
            and document["action"] == "privacy.erasure_requested"
        ]
        return record_from(mine[0]) if mine else None

    async def head(self) -> Head:
        self._read("head")
        return self._head()

    def _head(self) -> Head:
        size = 0 if self.sealed is None else self.complete_through
        copies = sum(document["kind"] == "duplicate" for document in self.documents.values())
        first = min(self.documents, default=1)
        return Head(self.complete_through, first, size, self.sealed, copies)

    async def counts(self) -> Counts:
        self._read("counts")
        kinds = [document["kind"] for document in self.documents.values()]
        gaps = [d for _, d in sorted(self.documents.items(), reverse=True) if d["kind"] == "gap"]
        return Counts(
            kinds.count("duplicate"),
            kinds.count("poison"),
            tuple((gap["_id"], gap["problem"]) for gap in gaps),
        )


def _at(case: Case) -> datetime:
    assert case.opened_at is not None
    return case.opened_at


def _in_scope(document: Document, scope: Scope) -> bool:
    if scope.case_id is not None:
        mine = document["case_id"] in {scope.case_id, *scope.merged_case_ids}
        linked = document["ticket_id"] in scope.linked_tickets
        return (
            mine
            or linked
            or any(
                document["case_id"] is None
                and document["conversation_id"] == episode.conversation_id
                and episode.from_seq <= document["_id"]
                and (episode.to_seq is None or document["_id"] <= episode.to_seq)
                for episode in scope.episodes
            )
        )
    if scope.ticket_id is not None:
        return bool(document["ticket_id"] == scope.ticket_id)
    if scope.conversation_id is not None:
        return bool(document["conversation_id"] == scope.conversation_id)
    actor = document["actor"] or {}
    return bool(actor.get("id") == scope.actor_id and actor.get("kind") != "customer")


def _of_case(document: Document, wanted: RecordFilter) -> bool:
    scope = Scope(case_id=wanted.case_id, episodes=wanted.episodes)
    return _in_scope(document, scope)


def _nobodys_gap(document: Mapping[str, Any]) -> bool:
    return document["kind"] == "gap" and document["workspace"] is None


def _is_shown(action: str | None, kinds: Kinds) -> bool:
    if not kinds.wanted:
        return (action or "").partition(".")[0] not in kinds.hides
    return action is not None and any(
        action == kind or action.startswith(f"{kind}.") for kind in kinds.wanted
    )


def _is_theirs(document: Document, about: str | None) -> bool:
    is_review = (document["action"] or "").startswith("review.")
    return about is None or not is_review or document["data"].get("about") == about


def _page(records: list[Record], page: Page) -> list[Record]:
    ordered = records if page.order == "asc" else list(reversed(records))
    return [
        r
        for r in ordered
        if (page.through is None or r.seq <= page.through)
        and (
            page.after is None
            or (r.seq > page.after if page.order == "asc" else r.seq < page.after)
        )
    ][: page.limit]
