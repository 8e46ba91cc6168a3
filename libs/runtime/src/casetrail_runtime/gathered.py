"""Writes to one collection that many tasks ask for at once, made together."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, cast

from pymongo import InsertOne, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

from casetrail_runtime.mongo import Collection, Document

Write = UpdateOne | InsertOne[Document]
MOST: Final = 200
"""Writes in one bulk."""
_DUPLICATE_KEY: Final = 11000


@dataclass(frozen=True, slots=True)
class _Waiting:
    write: Write
    done: asyncio.Future[None]


class GatheredWrites:
    """Single writes to one collection; those that wait go together in one unordered bulk write.

    One bulk is on its way at a time, and the next one gathers meanwhile: a single write is not
    delayed, and under load many share one round trip and one journaled majority write. It needs no
    start and no end. Nothing is said of the order of two writes that are asked for at once: who
    needs one awaits the first before asking for the second.
    """

    def __init__(self, collection: Collection) -> None:
        """Writes with the concern that the collection has."""
        self._collection = collection
        self._waiting: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, write: Write) -> None:
        """Returns when this write is acknowledged.

        Raises:
            DuplicateKeyError, WriteError: what MongoDB says of this write alone.
            PyMongoError: the bulk it was in failed as a whole; it may be written or not.
        """
        waiting = _Waiting(write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            name = f"writes to {self._collection.name}"
            self._writer = asyncio.create_task(self._write_all(), name=name)
        await waiting.done

    async def _write_all(self) -> None:
        await asyncio.sleep(0)  # what is asked for in this turn of the loop goes together
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            some = [each for each in some if not each.done.done()]
            if some:
                await self._write(some)

    async def _write(self, some: list[_Waiting]) -> None:
        failed: dict[int, Exception] = {}
        try:
            await self._collection.bulk_write([each.write for each in some], ordered=False)
        except BulkWriteError as error:
            failed = _by_place(error, len(some))
        except PyMongoError as error:
            failed = dict.fromkeys(range(len(some)), error)
        except BaseException:
            for each in some:
                each.done.cancel()
            raise
        for place, each in enumerate(some):
            if each.done.done():
                continue
            if place in failed:
                each.done.set_exception(failed[place])
            else:
                each.done.set_result(None)


def _by_place(error: BulkWriteError, count: int) -> dict[int, Exception]:
    """What went wrong with each write; with all of them when the majority did not confirm."""
    details = cast("dict[str, Any]", error.details)
    if details.get("writeConcernErrors"):
        said = details["writeConcernErrors"][0]
        unconfirmed = WriteConcernError(said.get("errmsg", ""), said.get("code"), said)
        return dict.fromkeys(range(count), unconfirmed)
    found: dict[int, Exception] = {}
    for said in details.get("writeErrors", ()):
        kind = DuplicateKeyError if said["code"] == _DUPLICATE_KEY else WriteError
        found[said["index"]] = kind(said["errmsg"], said["code"], said)
    return found
