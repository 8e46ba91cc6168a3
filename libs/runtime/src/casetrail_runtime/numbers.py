"""Numbers that people read aloud: CASE-1001, T-1001, without gaps and once per cause."""

import asyncio
import random
from collections.abc import Mapping
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError

from casetrail_runtime.mongo import Collection, Document, durable

_DUPLICATE: Final = 11000
_LONGEST_PAUSE: Final = 0.02  # seconds; rivals are spread over a few writes


NUMBER_INDEXES: Final = [
    IndexModel([("series", ASCENDING), ("cause", ASCENDING)], unique=True),
    IndexModel([("series", ASCENDING), ("number", DESCENDING)], unique=True),
]
"""What `ensure_indexes` makes on the collection: a number has one cause, a cause one number."""


class NumberSeries:
    """A series of whole numbers, gapless from `first`, shared by every replica.

    One document per number, `{_id: "<series>:<number>", series, number, cause}`, is made by
    inserting the highest number plus one: of several rivals one wins, and a repeated cause is given
    its number again (both by `NUMBER_INDEXES`). `name` includes the workspace: `main:ticket`.
    """

    def __init__(self, collection: Collection, name: str, first: int = 1001) -> None:
        self._collection = durable(collection)
        self._name = name
        self._first = first
        self._turn = asyncio.Lock()  # tasks of one process queue here instead of colliding there

    async def take(self, cause_id: str) -> int:
        """The number of this cause; the same however often it is asked for.

        A number is used up by asking, so ask only once it is certain that the thing comes to be.
        """
        async with self._turn:
            while True:
                taken = await self._find({"cause": cause_id})
                if taken is not None:
                    return taken
                highest = await self._find({})
                number = self._first if highest is None else highest + 1
                document = {
                    "_id": f"{self._name}:{number}",
                    "series": self._name,
                    "number": number,
                    "cause": cause_id,
                }
                try:
                    await self._collection.insert_one(document)
                except DuplicateKeyError:  # another process took it, or did this very cause
                    await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311
                else:
                    return number

    async def restore(self, numbers: Mapping[str, int]) -> None:
        """Numbers that the log tells of are taken, each by its cause; again is harmless."""
        rows = [
            {
                "_id": f"{self._name}:{number}",
                "series": self._name,
                "number": number,
                "cause": cause,
            }
            for cause, number in numbers.items()
        ]
        try:
            await self._collection.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            if any(fault["code"] != _DUPLICATE for fault in error.details["writeErrors"]):
                raise

    async def _find(self, where: Document) -> int | None:
        found = await self._collection.find_one(
            {"series": self._name, **where}, sort=[("number", DESCENDING)]
        )
        return None if found is None else int(found["number"])
