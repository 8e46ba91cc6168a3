"""The sealed tree in the audit database, read only."""

from collections.abc import Mapping, Sequence

from casetrail_evidence.tiles import TilePlace
from casetrail_runtime.mongo import Database

from casetrail_gateway.adapters.mongo import answering
from casetrail_gateway.domain.tree import CosignedHead, SealedHead, WitnessStanding


class MongoTree:
    """The collections `tree`, `tiles`, `keys` and `witnesses`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def head(self) -> SealedHead | None:
        """The newest signed checkpoint."""
        with answering():
            found = await self._db["tree"].find_one({"_id": "head"})
        if found is None:
            return None
        return SealedHead(found["size"], found["first_seq"], found["checkpoint"], found["key"])

    async def tiles(self, places: Sequence[TilePlace]) -> Mapping[TilePlace, bytes]:
        """The stored tiles of these places, each as wide as it is."""
        names = {f"{place.level}/{place.index}": place for place in places}
        with answering():
            found = await self._db["tiles"].find({"_id": {"$in": list(names)}}).to_list(None)
        return {names[tile["_id"]]: bytes(tile["data"]) for tile in found}

    async def rotations(self) -> Sequence[str]:
        """The notes with which the log changed its key, the oldest first."""
        with answering():
            found = await self._db["keys"].find().sort("_id", 1).to_list(None)
        return [row["rotation"] for row in found if row["rotation"] is not None]

    async def cosigned(self) -> CosignedHead | None:
        """The largest checkpoint that enough witnesses cosigned; None before the first."""
        with answering():
            found = await self._db["tree"].find_one({"_id": "cosigned"})
        return None if found is None else CosignedHead(found["size"], found["checkpoint"])

    async def witnesses(self) -> Sequence[WitnessStanding]:
        """How each witness that is asked stands, by name."""
        with answering():
            found = await self._db["witnesses"].find().sort("name", 1).to_list(None)
        return [
            WitnessStanding(row["name"], row["size"], row["cosigned_at"], row["problem"])
            for row in found
        ]
