"""Conversations, users and case numbers in MongoDB.

Beside the runtime's fields a conversation document has `state.waiting` and `state.held`, and a user
document `state.on_shift`: derived from the state when it is written, read by queries only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Event
from casetrail_runtime.mongo import Collection, Document
from casetrail_runtime.numbers import NUMBER_INDEXES, NumberSeries
from casetrail_runtime.outbox import AggregateCollection, Codec, Loaded
from pymongo import ASCENDING, IndexModel

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.handover import EndedShift
from casetrail_routing.domain.user import User
from casetrail_routing.ports import Key, ProcessedStore, Slot

CONVERSATIONS: Final = "conversations"
USERS: Final = "users"
PROCESSED: Final = "processed"
NUMBERS: Final = "numbers"

INDEXES: Final[Mapping[str, Sequence[IndexModel]]] = {
    CONVERSATIONS: [
        IndexModel(
            [("workspace", ASCENDING), ("state.queued_at", ASCENDING), ("_id", ASCENDING)],
            name="waiting",
            partialFilterExpression={"state.waiting": True},
        ),
        IndexModel(
            [("workspace", ASCENDING), ("state.owner", ASCENDING), ("state.slot", ASCENDING)],
            name="held",
            partialFilterExpression={"state.held": True},
        ),
        IndexModel(
            [("state.accept_by", ASCENDING)],
            name="offers",
            partialFilterExpression={"state.offered": True},
        ),
    ],
    USERS: [
        IndexModel(
            [
                ("workspace", ASCENDING),
                ("load", ASCENDING),
                ("last_assigned_at", ASCENDING),
                ("_id", ASCENDING),
            ],
            name="least_loaded",
            partialFilterExpression={"state.on_shift": True},
        ),
        IndexModel(
            [("workspace", ASCENDING), ("last_assigned_at", ASCENDING), ("_id", ASCENDING)],
            name="longest_idle",
            partialFilterExpression={"state.on_shift": True},
        ),
        IndexModel([("slots.name", ASCENDING)], name="slot_name"),
    ],
    NUMBERS: NUMBER_INDEXES,
}


def _encode_conversation(state: Conversation) -> Document:
    held = state.is_open and state.owner is not None
    derived = {"waiting": state.is_waiting, "held": held, "offered": state.is_offered}
    return {**asdict(state), **derived}


def _decode_conversation(document: Document) -> Conversation:
    fields = {k: v for k, v in document.items() if k not in {"waiting", "held", "offered"}}
    return Conversation(**{**fields, "tags": tuple(fields.get("tags", ()))})


USER_LISTS: Final = ("skills", "languages", "teams")


def _encode_user(state: User) -> Document:
    lists = {name: list(getattr(state, name)) for name in USER_LISTS}
    shifts = [{**asdict(shift), "signed": list(shift.signed)} for shift in state.shifts]
    return {**asdict(state), **lists, "shifts": shifts, "on_shift": state.on_shift}


def _decode_user(document: Document) -> User:
    fields = {name: value for name, value in document.items() if name != "on_shift"}
    lists = {name: tuple(fields.get(name, ())) for name in USER_LISTS}
    shifts = tuple(
        EndedShift(**{**shift, "signed": tuple(shift["signed"])})
        for shift in fields.get("shifts", ())
    )
    return User(**{**fields, **lists, "shifts": shifts})


CONVERSATION_CODEC: Final = Codec(encode=_encode_conversation, decode=_decode_conversation)
USER_CODEC: Final = Codec(encode=_encode_user, decode=_decode_user)


def user_store(
    collection: Collection, processed: ProcessedStore | None = None
) -> AggregateCollection[User]:
    """The users of one collection."""
    return AggregateCollection(collection, codec=USER_CODEC, processed=processed)


class MongoConversationStore:
    """Conversations in one collection, and the queue as a query over it."""

    def __init__(self, collection: Collection, processed: ProcessedStore | None = None) -> None:
        self._collection = collection
        self._aggregates = AggregateCollection(
            collection, codec=CONVERSATION_CODEC, processed=processed
        )

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._aggregates.name

    async def load(self, id: str) -> Loaded[Conversation] | None:  # noqa: A002 - the port's word
        """The conversation, or None when nothing was ever committed to it."""
        return await self._aggregates.load(id)

    async def commit(
        self,
        current: Loaded[Conversation],
        state: Conversation | None,
        events: Sequence[Event],
        applied_id: str,
        result: Mapping[str, Any],
    ) -> int:
        """The new version; raises VersionConflict when `current` is no longer current."""
        return await self._aggregates.commit(current, state, events, applied_id, result)

    async def waiting(self, workspace: str, limit: int) -> list[Key]:
        """Open cases without owner, longest waiting first."""
        found = (
            self._collection.find({"workspace": workspace, "state.waiting": True}, {"_id": 1})
            .sort([("state.queued_at", ASCENDING), ("_id", ASCENDING)])
            .limit(limit)
        )
        return [key_of(document["_id"]) async for document in found]

    async def workspaces_waiting(self) -> list[str]:
        """The workspaces in which a case waits."""
        found: list[str] = await self._collection.distinct("workspace", {"state.waiting": True})
        return found

    async def held(self) -> list[Slot]:
        """The slot that must be reserved for each open case with an owner."""
        fields = {"state.owner": 1, "state.slot": 1}
        slots = []
        async for document in self._collection.find({"state.held": True}, fields):
            key = key_of(document["_id"])
            owner = Key(key.workspace, document["state"]["owner"])
            slots.append(Slot(owner, document["state"]["slot"], key.id))
        return slots

    async def held_by(self, user: Key) -> list[Key]:
        """The open cases this user owns."""
        where = {"workspace": user.workspace, "state.owner": user.id, "state.held": True}
        found = self._collection.find(where, {"_id": 1}).sort("_id", ASCENDING)
        return [key_of(document["_id"]) async for document in found]

    async def linked_to(self, id: str) -> str | None:  # noqa: A002 - the port's word
        """The conversation that leads this one; None when it leads itself, or is unknown."""
        found = await self._collection.find_one({"_id": id}, {"_id": 0, "state.linked_to": 1})
        to: str | None = None if found is None else found["state"].get("linked_to")
        return to

    async def overdue_offers(self, at: datetime, limit: int) -> list[Key]:
        """Cases whose offer should have been answered by this time, longest overdue first."""
        found = (
            self._collection.find({"state.offered": True, "state.accept_by": {"$lte": at}})
            .sort("state.accept_by", ASCENDING)
            .limit(limit)
        )
        return [key_of(document["_id"]) async for document in found]


class MongoCaseNumbers:
    """A series of case numbers for each workspace, from 1001."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._series: dict[str, NumberSeries] = {}

    async def take(self, workspace: str, cause_id: str) -> int:
        """The next number of the workspace; the same one again for the same cause."""
        series = self._series.get(workspace)
        if series is None:
            series = NumberSeries(self._collection, f"{workspace}:case")
            self._series[workspace] = series
        return await series.take(cause_id)


def key_of(document_id: str) -> Key:
    """The key in a document's id: a workspace has no colon, an id may have one."""
    workspace, _, id_ = document_id.partition(":")
    return Key(workspace, id_)
