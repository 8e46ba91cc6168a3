"""MongoDB as every service uses it: majority, journaled writes; times with a zone.

Motor is imported here, in a service's `main.py` and in its `adapters/`, nowhere else (ADR 0003).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pydantic import SecretStr
from pymongo import IndexModel
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Collection = AsyncIOMotorCollection[Document]

DURABLE_WRITE: Final = WriteConcern(w="majority", j=True)
"""Acknowledged means on the disks of a majority: neither a crash nor an election takes it back."""
DURABLE_READ: Final = ReadConcern("majority")
"""What is read cannot be rolled back, so nobody is told of an effect that then disappears."""

CONNECT_MS: Final = 3_000  # an election takes about a second; a caller waits no longer
SOCKET_MS: Final = 10_000  # a server that accepts and never answers is an error after this
PING_SECONDS: Final = 3.0
_INDEX_CONFLICTS: Final = {85, 86}  # IndexOptionsConflict, IndexKeySpecsConflict


class MongoSettings(Protocol):
    """What a client needs to know: `MongoServiceSettings` has it."""

    @property
    def mongo_url(self) -> SecretStr:
        """The URL, with the database in its path."""


class IndexDiffers(Exception):
    """An index of that name or those keys exists with other options; a person must decide."""


def make_client(settings: MongoSettings, service: str) -> Client:
    """A client that connects when it is first used; close it when the service ends.

    An absent server is an error within 3 s, a silent one within 10 s. Times come back with their
    zone, UUIDs in the standard form; a single failed read or write is tried again by the driver.
    """
    return AsyncIOMotorClient(
        settings.mongo_url.get_secret_value(),
        appname=f"casetrail-{service}",
        serverSelectionTimeoutMS=CONNECT_MS,
        connectTimeoutMS=CONNECT_MS,
        socketTimeoutMS=SOCKET_MS,
        tz_aware=True,
        uuidRepresentation="standard",
        retryWrites=True,
        retryReads=True,
    )


def database(client: Client) -> Database:
    """The database that the URL names: writes wait for a journaled majority, reads see only such.

    A read may be given a weaker concern by its adapter; a write never is.
    """
    return client.get_default_database().with_options(
        write_concern=DURABLE_WRITE, read_concern=DURABLE_READ
    )


def durable(collection: Collection) -> Collection:
    """The same collection with durable writes and reads, whatever its database was opened with."""
    return collection.with_options(write_concern=DURABLE_WRITE, read_concern=DURABLE_READ)


async def ensure_indexes(db: Database, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
    """Makes the indexes that are missing, by collection; those that exist stay as they are.

    Calling it again, or from several replicas at once, changes nothing.

    Raises:
        IndexDiffers: an index with that name or those keys has other options.
    """
    for name, models in indexes.items():
        try:
            await db[name].create_indexes(list(models))
        except OperationFailure as error:
            if error.code not in _INDEX_CONFLICTS:
                raise
            said = (error.details or {}).get("errmsg", "")
            raise IndexDiffers(
                f"Collection {name} has an index that differs from the one this version needs: "
                f"drop it, then start again. MongoDB says: {said}"
            ) from error


async def ping(client: Client) -> None:
    """A round trip to a writable primary; raises within 3 s when there is none."""
    hello = await asyncio.wait_for(client.admin.command("hello"), PING_SECONDS)
    if not hello.get("isWritablePrimary"):
        raise ConnectionError("MongoDB has no writable primary")
