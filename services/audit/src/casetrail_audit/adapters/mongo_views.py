"""The views in MongoDB: every batch of records is one transaction.

A writer that is killed within a transaction leaves it open: MongoDB ends it after a minute or more
(`transactionLifetimeLimitSeconds`), and until then nobody else can move the views, or the book that
moves along with them. So a writer writes down its session, and the next one ends what that session
left before it does anything else.

The steps of a transaction follow each other, so they are taken in one go in a thread, by the driver
that Motor wraps: each would wait for the event loop in between.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast, get_args

from bson.binary import Binary
from casetrail_runtime.mongo import DURABLE_READ, DURABLE_WRITE, Client, Database, Document
from motor.motor_asyncio import AsyncIOMotorClientSession as Session
from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database as SyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from casetrail_audit.adapters.indexes import LEASES, LOG, PROJECTIONS
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.domain.folding import Key, Kind, View, Views
from casetrail_audit.ports import Advance

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
WRITE_CONFLICT: Final = 112
NAME: Final = "views"


class MongoViews:
    """The collections of the views; with a `prefix` a second set beside them, to be compared.

    A set that moves along with the log's book is given that.
    """

    def __init__(
        self, client: Client, db: Database, book: MongoLogBook | None = None, *, prefix: str = ""
    ) -> None:
        self._client = client
        self._db = db
        self._book = book
        self._prefix = prefix
        self._session: Session | None = None
        self._cleared: str | None = None

    async def as_of(self) -> int:
        """The last record the views know; 0 after a clearing that was cut short, finished here.

        Who asks is about to write: what another writer left open is ended first.
        """
        await self._own_session()
        found = await self._db[PROJECTIONS].find_one({"_id": self._prefix + NAME})
        self._cleared = None if found is None else found.get("cleared")
        if found is None:
            return 0
        if found.get("clearing"):
            await self.clear()
            return 0
        as_of: int = found["as_of_seq"]
        return as_of

    async def load(self, keys: Some[Key]) -> Views:
        """The views of these keys that exist."""
        ids: defaultdict[Kind, list[str]] = defaultdict(list)
        for kind, id_ in keys:
            ids[kind].append(id_)
        loaded = await asyncio.gather(*(self._load(kind, wanted) for kind, wanted in ids.items()))
        return {key: view for part in loaded for key, view in part.items()}

    async def _load(self, kind: Kind, ids: list[str]) -> Views:
        cursor = self._db[self._prefix + kind].find({"_id": {"$in": ids}})
        return {(kind, view["_id"]): view async for view in cursor}

    async def commit(
        self,
        before: int,
        after: int,
        at: datetime,
        changed: Mapping[Key, View],
        along: Advance | None = None,
    ) -> bool:
        """Writes all of it, if the views still are as of `before`; else nothing, and False.

        With `along` the book advances in the same transaction, or nothing is written. Views that
        were cleared since `as_of` was asked are other views, as of whatever they are.
        """
        writes: defaultdict[Kind, list[ReplaceOne[View]]] = defaultdict(list)
        for (kind, id_), view in changed.items():
            writes[kind].append(ReplaceOne({"_id": id_}, view, upsert=True))
        same = {"as_of_seq": before, "clearing": None, "cleared": self._cleared}
        projection = {"_id": self._prefix + NAME, **same}
        moved = {"$set": {"as_of_seq": after, "as_of_time": at}}
        moves = [(PROJECTIONS, projection, moved, before == 0)]
        if along is not None:
            if self._book is None:
                return False
            moves.append((LOG, *self._book.update_for(along), False))
        session = await self._own_session()
        try:
            done = await asyncio.to_thread(self._transaction, session.delegate, moves, writes)
        except asyncio.CancelledError:
            self._session = None  # its thread may be in the middle of it
            raise
        except DuplicateKeyError:  # the first batch of all, twice
            return False
        except OperationFailure as error:
            await self._leave_session()
            await self._own_session()  # what stood in the way may be a dead writer's
            if error.code == WRITE_CONFLICT:
                return False
            raise
        except PyMongoError:
            await self._leave_session()
            raise
        return done

    def _transaction(
        self,
        session: ClientSession,
        moves: Some[tuple[str, Document, Document, bool]],
        writes: Mapping[Kind, list[ReplaceOne[View]]],
    ) -> bool:
        """Whether every one of `moves` found its document as it must be; then all is written."""
        db: SyncDatabase[Document] = self._db.delegate
        with session.start_transaction(DURABLE_READ, DURABLE_WRITE):
            for collection, as_it_is, change, upsert in moves:
                moved = db[collection].update_one(as_it_is, change, upsert=upsert, session=session)
                if moved.matched_count == 0 and moved.upserted_id is None:
                    session.abort_transaction()
                    return False
            for kind, batch in writes.items():
                db[self._prefix + kind].bulk_write(batch, ordered=False, session=session)
        return True

    async def _own_session(self) -> Session:
        """The session of this writer; when it is new, the one before it is ended."""
        if self._session is None:
            leases, mine = self._db[LEASES], {"_id": f"{self._prefix}{NAME} writer"}
            session = await self._client.start_session()
            before = await leases.find_one(mine)
            if before is not None:
                left = [{"id": Binary.from_uuid(before["session"])}]
                await self._client.admin.command({"killSessions": left})
            identity = cast("Mapping[str, Any]", session.session_id)  # its types say a function
            own = {"$set": {"session": identity["id"]}}
            await leases.update_one(mine, own, upsert=True)
            self._session = session
        return self._session

    async def _leave_session(self) -> None:
        """The next batch begins a new one, and ends whatever stood in the way of this one."""
        session, self._session = self._session, None
        if session is not None:
            await session.end_session()

    async def clear(self) -> None:
        """Makes all views empty, as of 0; finished by the next reader if it is cut short."""
        mine = {"_id": self._prefix + NAME}
        self._cleared = uuid.uuid4().hex
        begun = {"as_of_seq": 0, "as_of_time": None, "clearing": True, "cleared": self._cleared}
        await self._db[PROJECTIONS].update_one(mine, {"$set": begun}, upsert=True)
        for kind in KINDS:
            await self._db[self._prefix + kind].delete_many({})
        await self._db[PROJECTIONS].update_one(mine, {"$unset": {"clearing": ""}})
