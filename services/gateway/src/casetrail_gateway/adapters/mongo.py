"""The log in the audit database, read only."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from casetrail_contracts.api import Cause
from casetrail_contracts.clocks import Group
from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.mongo import Database
from pymongo.errors import PyMongoError

from casetrail_gateway.adapters.mongo_documents import (
    ENTRY_FIELDS,
    FOOTPRINT_FIELDS,
    RECORD_FIELDS,
    case_from,
    episodes_from,
    footprint_from,
    head_from,
    link_from,
    record_from,
    ticket_from,
)
from casetrail_gateway.adapters.mongo_queries import (
    UNMARKED,
    beside_pipeline,
    case_now_pipeline,
    case_query,
    head_pipeline,
    record_query,
    timeline_query,
)
from casetrail_gateway.domain.errors import LogUnavailable
from casetrail_gateway.domain.lateness import Footprint
from casetrail_gateway.domain.log import (
    Case,
    CaseFilter,
    CaseNow,
    Counts,
    Head,
    Kinds,
    Page,
    Record,
    RecordFilter,
    Scope,
    Ticket,
)

_GAPS: Final = 100
_SHIFT_EVENTS: Final = 20
"""More than a shift has: a start, an end, and its hand-over with two signatures."""
_DIRECTION: Final = {"asc": 1, "desc": -1}


class MongoLog:
    """The collections `records`, `cases`, `tickets`, `users`, `projections`, `log`, `tree`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._all_records = database["records"]
        self._projections = database["projections"]

    async def case(self, workspace: str, case_id: str) -> Case | None:
        """The view of a case."""
        document = await self._view("cases", workspace, case_id)
        return None if document is None else await self._whole(workspace, document)

    async def case_now(self, workspace: str, case_id: str) -> CaseNow:
        """The view of a case with what goes with it, in one question."""
        pipeline = case_now_pipeline(workspace, case_id)
        with answering():
            found = await self._projections.aggregate(pipeline).to_list(None)
        parts = {document["part"]: document for document in found}
        document = parts.get("case")
        if document is None:
            return CaseNow(head_from(parts), None, ())
        concerning = tuple(ticket["ticket_id"] for ticket in document["concerning"])
        case = await self._whole(workspace, document)
        return CaseNow(head_from(parts), case, concerning)

    async def _whole(self, workspace: str, document: Mapping[str, Any]) -> Case:
        """A case with the episodes of those that were merged into it."""
        case = case_from(document)
        if not case.merged_case_ids:
            return case
        query = {"_id": {"$in": [f"{workspace}:{merged}" for merged in case.merged_case_ids]}}
        with answering():
            found = (
                await self._db["cases"].find(query, {"episodes": 1}).sort("_id", 1).to_list(None)
            )
        merged = tuple(episode for each in found for episode in episodes_from(each))
        return replace(case, merged_episodes=merged)

    async def cases(self, workspace: str, wanted: CaseFilter, page: Page) -> Sequence[Case]:
        """Cases by the sequence that opened them."""
        query = case_query(workspace, wanted, page)
        with answering():
            found = self._db["cases"].find(query)
            found = found.sort("opened_seq", _DIRECTION[page.order]).limit(page.limit)
            return [case_from(document) for document in await found.to_list(page.limit)]

    async def cases_of(self, workspace: str, conversation_id: str) -> Sequence[Case]:
        """The cases of a conversation, the newest first."""
        query = {
            "workspace": {"$eq": workspace},
            "conversation_ids": {"$eq": conversation_id},
        }
        with answering():
            found = self._db["cases"].find(query).sort("opened_seq", -1)
            return [case_from(document) for document in await found.to_list(None)]

    async def linked(self, workspace: str, conversation_id: str) -> Group:
        """The conversations that are led as one with this one, and since when."""
        ids, asking = {conversation_id}, {conversation_id}
        while asking:
            wanted = {"_id": {"$in": [f"{workspace}:{id_}" for id_ in sorted(asking)]}}
            fields = {"linked_to": 1, "linked": 1}
            with answering():
                views = await self._db["conversations"].find(wanted, fields).to_list(None)
            told = {id_ for view in views for id_ in (view.get("linked") or [])}
            told |= {view["linked_to"] for view in views if view.get("linked_to")}
            asking = told - ids
            ids |= asking
        if len(ids) == 1:
            return Group([])
        query: dict[str, Any] = {
            "workspace": {"$eq": workspace},
            "conversation_id": {"$in": sorted(ids)},
            "action": {"$eq": "conversation.linked"},
            "look": UNMARKED,
        }
        with answering():
            records = await self._all_records.find(query).sort("_id", 1).to_list(None)
        return Group(link_from(record_from(document)) for document in records)

    async def ticket(self, workspace: str, ticket_id: str) -> Ticket | None:
        """The view of a ticket."""
        document = await self._view("tickets", workspace, ticket_id)
        return None if document is None else ticket_from(document)

    async def tickets_concerning(self, workspace: str, case_id: str) -> Sequence[str]:
        """Ids of the tickets of other cases that are linked to this one."""
        query = {
            "workspace": {"$eq": workspace},
            "links.target": {"$eq": f"case/{case_id}"},
        }
        with answering():
            found = self._db["tickets"].find(query, {"ticket_id": 1}).sort("first_seq", 1)
            return [document["ticket_id"] for document in await found.to_list(None)]

    async def knows_user(self, workspace: str, user_id: str) -> bool:
        """True when the log has a user of this id."""
        return await self._view("users", workspace, user_id) is not None

    async def timeline(
        self, workspace: str, scope: Scope, kinds: Kinds, page: Page
    ) -> Sequence[Record]:
        """Events of a timeline in this order."""
        query = timeline_query(workspace, scope, kinds, page)
        return await self._records(query, page, ENTRY_FIELDS)

    async def last_known(self, moment: datetime) -> int:
        """The last sequence that had been recorded by then; 0 when there was none."""
        query = {"recorded_at": {"$lte": moment}, "kind": {"$ne": "gap"}}
        with answering():
            found = self._all_records.find(query, {"_id": 1}).sort("recorded_at", -1).limit(100)
            return max([row["_id"] for row in await found.to_list(None)], default=0)

    async def footprints(self, workspace: str, scope: Scope, through: int) -> Sequence[Footprint]:
        """What lateness needs of all events of a timeline up to a sequence, in log order."""
        query = timeline_query(workspace, scope, Kinds(), Page(0, "asc", None, through))
        with answering():
            found = self._all_records.find(query, FOOTPRINT_FIELDS).sort("_id", 1)
            return [footprint_from(document) for document in await found.to_list(None)]

    async def beside(
        self, workspace: str, seqs: Sequence[int], event_ids: Sequence[str]
    ) -> tuple[Mapping[int, int], Mapping[str, Cause]]:
        """How many duplicates these records have, and the records of these events."""
        pipeline = beside_pipeline(workspace, seqs, event_ids)
        copies: dict[int, int] = {}
        causes: dict[str, Cause] = {}
        with answering():
            for row in await self._all_records.aggregate(pipeline).to_list(None):
                if "copies" in row:
                    copies[row["_id"]] = row["copies"]
                else:
                    event_id = row["event_id"]
                    cause = Cause(event_id=event_id, seq=row["_id"], action=row.get("action"))
                    causes[event_id] = cause
        return copies, causes

    async def records(self, workspace: str, wanted: RecordFilter, page: Page) -> Sequence[Record]:
        """Records of any kind in this order."""
        return await self._records(record_query(workspace, wanted, page), page, RECORD_FIELDS)

    async def record(self, workspace: str, seq: int) -> Record | None:
        """One record; a gap, which belongs to nobody, is everybody's."""
        query = {
            "_id": {"$eq": seq},
            "$or": [{"workspace": {"$eq": workspace}}, {"workspace": None, "kind": "gap"}],
        }
        with answering():
            document = await self._all_records.find_one(query, RECORD_FIELDS)
        return None if document is None else record_from(document)

    async def stretch(self, workspace: str, page: Page) -> Sequence[Record]:
        """Every record of a stretch of the log, looks and copies too."""
        between = {"_id": {"$gt": page.after or 0, "$lte": page.through}}
        return await self._records({"workspace": {"$eq": workspace}, **between}, page, ENTRY_FIELDS)

    async def records_of(self, workspace: str, seqs: Sequence[int]) -> Sequence[Record]:
        """The records of these sequences, in order of theirs."""
        query = {"_id": {"$in": list(seqs)}, "workspace": {"$eq": workspace}}
        with answering():
            found = await self._all_records.find(query, RECORD_FIELDS).to_list(None)
        place = {seq: number for number, seq in enumerate(seqs)}
        return [record_from(d) for d in sorted(found, key=lambda d: place[d["_id"]])]

    async def records_about(self, workspace: str, targets: Sequence[str]) -> Sequence[Record]:
        """Every event whose target is one of these, in log order."""
        query = {
            "target": {"$in": list(targets), "$gt": ""},
            "workspace": {"$eq": workspace},
            "kind": {"$eq": "event"},
        }
        with answering():
            found = self._all_records.find(query, dict(ENTRY_FIELDS)).sort("_id", 1)
            return [record_from(document) for document in await found.to_list(None)]

    async def shift(self, workspace: str, shift_id: str) -> Sequence[Record]:
        """The events of a shift and of its hand-over, in log order."""
        query = {
            "data.shift_id": {"$eq": shift_id},
            "workspace": {"$eq": workspace},
            "kind": {"$eq": "event"},
        }
        return await self._records(query, Page(_SHIFT_EVENTS), ENTRY_FIELDS)

    async def erasure(self, workspace: str, erasure_id: str) -> Record | None:
        """The record of the request of an erasure."""
        query = {
            "workspace": {"$eq": workspace},
            "target": {"$eq": f"erasure/{erasure_id}"},
            "action": {"$eq": "privacy.erasure_requested"},
        }
        with answering():
            document = await self._all_records.find_one(query, RECORD_FIELDS)
        return None if document is None else record_from(document)

    async def head(self) -> Head:
        """How far the log is complete: as far as the views, which follow its unbroken prefix."""
        with answering():
            found = await self._projections.aggregate(head_pipeline()).to_list(None)
        return head_from({document["part"]: document for document in found})

    async def counts(self) -> Counts:
        """What of the complete part of the log is not an event."""
        with answering():
            log = await self._log()
            gaps = self._all_records.find({"kind": "gap"}, {"problem": 1})
            newest = await gaps.sort("_id", -1).limit(_GAPS).to_list(_GAPS)
        return Counts(
            duplicates=int(log.get("duplicates") or 0),
            poison=int(log.get("poison") or 0),
            gaps=tuple((gap["_id"], gap.get("problem")) for gap in newest),
        )

    async def _log(self) -> dict[str, Any]:
        return await self._db["log"].find_one({"_id": SUPPORT}) or {}

    async def _view(self, collection: str, workspace: str, name: str) -> dict[str, Any] | None:
        query = {"_id": {"$eq": f"{workspace}:{name}"}, "workspace": {"$eq": workspace}}
        with answering():
            document: dict[str, Any] | None = await self._db[collection].find_one(query)
            return document

    async def _records(
        self, query: dict[str, Any], page: Page, fields: Mapping[str, int]
    ) -> Sequence[Record]:
        with answering():
            found = self._all_records.find(query, dict(fields))
            found = found.sort("_id", _DIRECTION[page.order]).limit(page.limit)
            return [record_from(document) for document in await found.to_list(page.limit)]


@contextmanager
def answering() -> Iterator[None]:
    """Makes a database that does not answer a fact of the gateway."""
    try:
        yield
    except PyMongoError as error:
        raise LogUnavailable(
            "The database of the log does not answer; nothing was read. Try again."
        ) from error
