"""The registers of holds, erasures and archives, made anew from what the log tells of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Event, MalformedEvent, parse_event
from casetrail_contracts.registry.privacy import (
    Erased,
    ErasureRequested,
    HoldPlaced,
    HoldReleased,
    HoldReleaseRequested,
)
from casetrail_contracts.registry.retention import RetentionArchived
from casetrail_runtime.mongo import Database, ensure_indexes

from casetrail_audit.archiving.model import ARCHIVED, LEFT, seqs_of
from casetrail_audit.archiving.mongo_records import RecordsWithArchives
from casetrail_audit.archiving.mongo_register import ARCHIVES
from casetrail_audit.archiving.mongo_register import REGISTER_INDEXES as ARCHIVES_INDEXES
from casetrail_audit.archiving.reading import ArchiveReader
from casetrail_audit.archiving.recall import state_of
from casetrail_audit.domain.envelope import is_ours, type_of
from casetrail_audit.privacy.model import (
    ACTIVE,
    DONE,
    RELEASE_REQUESTED,
    RELEASED,
    REQUESTED,
    STOPPED,
    Document,
)
from casetrail_audit.privacy.mongo_registers import ERASURES, HOLDS, REGISTER_INDEXES

TOLD: Final = (
    "privacy.hold_placed",
    "privacy.hold_release_requested",
    "privacy.hold_released",
    "privacy.erasure_requested",
    "privacy.erased",
    "retention.archived",
)
_ENDED: Final = {"complete": DONE, "stopped": STOPPED}


class RestoreRegisters:
    """Writes the registers into a database whose records are made anew.

    A hold stands again before anything can be erased or archived there, an erasure that was under
    way is carried on, and the versions of all three go on where the log has them.
    """

    def __init__(self, db: Database, reader: ArchiveReader) -> None:
        self._db = db
        self._records = RecordsWithArchives(db, reader)

    async def __call__(self) -> Mapping[str, int]:
        """How many of each are there: `holds`, `erasures`, `archives`; again is harmless."""
        await ensure_indexes(self._db, {**REGISTER_INDEXES, **ARCHIVES_INDEXES})
        registers: dict[str, dict[str, Document]] = {HOLDS: {}, ERASURES: {}, ARCHIVES: {}}
        for event in await self._told():
            name = _register_of(event)
            if name is not None and event.version is not None:
                fold(registers[name], event)
        for each in registers[ARCHIVES].values():
            each["state"]["status"] = await self._status(each["state"])
        for name, documents in registers.items():
            for id_, document in documents.items():
                await self._db[name].replace_one({"_id": id_}, document, upsert=True)
        return {name: len(documents) for name, documents in registers.items()}

    async def _told(self) -> Sequence[Event]:
        """The events of ours that tell of registers, in log order."""
        query = {"kind": "event", "action": {"$in": list(TOLD)}}
        found = self._db["records"].find(query, {"_id": 1}).sort("_id", 1)
        events = []
        async for record in found:
            [final] = await self._records.finals(record["_id"] - 1, record["_id"])
            told = final.content["event"]
            if not is_ours(type_of(told, final.content["subject"]), final.content["subject"]):
                continue
            try:
                events.append(parse_event(json.dumps(told).encode()))
            except MalformedEvent:
                continue  # it is recorded as it is, and says nothing
        return events

    async def _status(self, state: Document) -> str:
        """Whether every record of an archive has left, as the records themselves say."""
        query = {"_id": {"$in": seqs_of(state["ranges"])}, "archived.file": {"$gt": ""}}
        gone = await self._db["records"].count_documents(query)
        return LEFT if gone == state["records"] else ARCHIVED


def fold(documents: dict[str, Document], event: Event) -> None:
    """One more event of an erasure, a hold or an archive; one that came again changes nothing."""
    name = event.subject.partition("/")[2]
    id_ = f"{event.workspace}:{name}"
    known = documents.get(id_)
    version = event.version or 0
    if known is not None and known["version"] >= version:
        return
    state = _state(None if known is None else known["state"], event)
    if state is None:
        return
    mark = {"id": event.causationid or event.id, "result": _reply(event, state), "version": version}
    documents[id_] = {
        "_id": id_,
        "workspace": event.workspace,
        "version": version,
        "revision": version,
        "writer": f"rebuild/{version}",
        "state": state,
        "applied": [*(() if known is None else known["applied"]), mark],
        "outbox": [],
    }


def _register_of(event: Event) -> str | None:
    match event.data:
        case HoldPlaced() | HoldReleaseRequested() | HoldReleased():
            return HOLDS
        case ErasureRequested() | Erased():
            return ERASURES
        case RetentionArchived():
            return ARCHIVES
    return None


def _state(state: Document | None, event: Event) -> Document | None:
    """The state after the event; None when what came before it is not known."""
    match event.data:
        case HoldPlaced() as data:
            scope = _scope(data.scope.model_dump())
            return {"hold_id": data.hold_id, "status": ACTIVE, "scope": scope}
        case ErasureRequested() as data:
            return _asked(data, event)
        case RetentionArchived() as data:
            told = state_of(json.loads(event.to_bytes()), event.id)
            return {**(state or told), "sha256": data.sha256, "bytes": data.bytes}
    return None if state is None else _after(state, event)


def _after(state: Document, event: Event) -> Document:
    match event.data:
        case HoldReleaseRequested() as data:
            by = data.actor.model_dump(mode="json")
            return {**state, "status": RELEASE_REQUESTED, "requested_by": by}
        case HoldReleased():
            return {**state, "status": RELEASED}
        case Erased() as data:
            return _certified(state, data, event.time)
    return state


def _asked(data: ErasureRequested, event: Event) -> Document:
    return {
        "erasure_id": data.erasure_id,
        "status": REQUESTED,
        "scope": _scope(data.scope.model_dump()),
        "policy": data.policy,
        "policy_version": data.policy_version,
        "fields": data.fields,
        "requested_by": data.actor.model_dump(mode="json"),
        "requested_at": event.time,
        "request_event_id": event.id,
        "correlation_id": event.correlationid,
        "done_at": None,
        "listed": [],
    }


def _certified(state: Document, data: Erased, at: datetime) -> Document:
    status = _ENDED.get(data.stage)
    ended = {} if status is None else {"status": status, "done_at": at}
    return {**state, "listed": [record.seq for record in data.records], **ended}


def _scope(told: Mapping[str, Any]) -> Document:
    return {name: told.get(name) for name in ("kind", "conversation_id", "case_id", "seq")}


def _reply(event: Event, state: Document) -> Document:
    """What whoever asked for it was answered, so that the same command again has no effect."""
    named = {name: state[name] for name in ("hold_id", "erasure_id") if name in state}
    if not named or isinstance(event.data, Erased):
        return {}
    return {"status": "ok", "result": {**named, "status": state["status"]}}
