"""The tree in MongoDB: `tiles`, `checkpoints`, `keys` and `tree`, over `records` and `log`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_evidence.merkle import HASH_BYTES
from casetrail_evidence.tiles import Tile, TilePlace
from casetrail_runtime.mongo import Collection, Database, durable
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from casetrail_audit.sealing.faults import CheckpointAltered, TileAltered
from casetrail_audit.sealing.ports import Fixed, Head, Progress

TILES: Final = "tiles"
CHECKPOINTS: Final = "checkpoints"
KEYS: Final = "keys"
TREE: Final = "tree"
EARLIER: Final = "earlier_logs"
HEAD: Final = "head"

_DUPLICATE_KEY: Final = 11000
_ATTEMPTS: Final = 8


class MongoSealedLog:
    """The log of one stream and its tree.

    `checkpoints` is insert-only but for the note: the root of a size is its `_id`'s, for ever.
    Tiles and the head are only ever replaced by wider ones and larger ones, whoever writes last.
    """

    def __init__(self, db: Database, stream: str) -> None:
        self._stream = stream
        self._log: Collection = durable(db["log"])
        self._records: Collection = durable(db["records"])
        self._tiles: Collection = durable(db[TILES])
        self._checkpoints: Collection = durable(db[CHECKPOINTS])
        self._keys: Collection = durable(db[KEYS])
        self._tree: Collection = durable(db[TREE])
        self._earlier: Collection = durable(db[EARLIER])

    async def earlier(self) -> frozenset[str]:
        """The origins of the logs that were put aside (`begin_anew`)."""
        return frozenset([row["_id"] async for row in self._earlier.find({}, {"_id": 1})])

    async def progress(self) -> Progress | None:
        """How far the log is complete; None before it was begun."""
        found = await self._log.find_one(
            {"_id": self._stream}, {"first_seq": 1, "complete_through": 1}
        )
        return None if found is None else Progress(found["first_seq"], found["complete_through"])

    async def leaves(self, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        """Sequence, leaf and leaf input of the records that are there, in order."""
        return await self._between(first, last, {"leaf": 1, "leaf_input": 1, "archived": 1})

    async def records(self, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        """The records from `first` to `last` that are there, in order, without private values."""
        return await self._between(first, last, {"private": 0})

    async def _between(
        self, first: int, last: int, fields: Mapping[str, int]
    ) -> Sequence[Mapping[str, Any]]:
        found = self._records.find({"_id": {"$gte": first, "$lte": last}}, fields)
        return await found.sort("_id", 1).to_list(last - first + 1)

    async def newest(self) -> Fixed | None:
        """The fixed root of the largest size."""
        found = await self._checkpoints.find_one({}, sort=[("_id", -1)])
        return None if found is None else _fixed(found)

    async def fixed(self, size: int) -> Fixed | None:
        """The fixed root of this size, as a majority has it."""
        found = await self._checkpoints.find_one({"_id": size})
        return None if found is None else _fixed(found)

    async def fix(self, size: int, root: bytes, at: datetime) -> None:
        """Fixes the root of a size, on a majority; a size that has one keeps it."""
        row = {"_id": size, "root": root.hex(), "at": at, "note": None}
        try:
            await self._checkpoints.insert_one(row)
        except DuplicateKeyError:
            return

    async def keep_note(self, size: int, note: str) -> None:
        """Keeps the signed note of a size that has none."""
        await self._checkpoints.update_one({"_id": size, "note": None}, {"$set": {"note": note}})

    async def tiles(self, places: Sequence[TilePlace]) -> Mapping[TilePlace, bytes]:
        """The stored tiles of these places, each as wide as it is."""
        names = {tile_id(place.level, place.index): place for place in places}
        found = await self._tiles.find({"_id": {"$in": list(names)}}).to_list(None)
        return {names[tile["_id"]]: bytes(tile["data"]) for tile in found}

    async def write_tiles(self, tiles: Sequence[tuple[Tile, bytes]]) -> None:
        """Stores tiles where nothing as wide is there yet; what is as wide must begin with them.

        Raises:
            TileAltered: what is there is another tree's.
        """
        waiting = list(tiles)
        for _ in range(_ATTEMPTS):
            waiting = await self._narrower_than(await self._write(waiting))
            if not waiting:
                return
        raise ConnectionError("other sealers keep changing the same tiles; trying again")

    async def head(self) -> Head | None:
        """What the gateway reads."""
        found = await self._tree.find_one({"_id": HEAD})
        if found is None:
            return None
        try:
            root = _root(found["root"])
            texts = (str(found["checkpoint"]), str(found["key"]))
            return Head(int(found["size"]), root, int(found["first_seq"]), *texts)
        except (KeyError, TypeError, ValueError) as fault:
            raise CheckpointAltered("The head of the tree is damaged: it was edited.") from fault

    async def show_head(self, head: Head, at: datetime) -> None:
        """Makes it what the gateway reads, unless that is larger."""
        shown = {
            "size": head.size,
            "root": head.root.hex(),
            "first_seq": head.first_seq,
            "checkpoint": head.checkpoint,
            "key": head.key,
        }
        smaller = {"_id": HEAD, "size": {"$lte": head.size}, "checkpoint": {"$ne": head.checkpoint}}
        try:
            await self._tree.update_one(smaller, {"$set": {**shown, "at": at}}, upsert=True)
        except DuplicateKeyError:  # it is there already, or a larger one is
            return

    async def keys(self) -> Sequence[tuple[str, str | None]]:
        """The verifier keys of the log, the oldest first, each with the note that brought it in."""
        found = await self._keys.find().sort("_id", 1).to_list(None)
        return [(row["key"], row["rotation"]) for row in found]

    async def add_key(self, number: int, key: str, rotation: str | None, at: datetime) -> None:
        """Adds the key of this number, unless another sealer has added one."""
        row = {"_id": number, "key": key, "rotation": rotation, "at": at}
        try:
            await self._keys.insert_one(row)
        except DuplicateKeyError:
            return

    async def _write(self, tiles: Sequence[tuple[Tile, bytes]]) -> list[tuple[Tile, bytes]]:
        """Writes them; those for which something as wide, or another writer, was there already."""
        if not tiles:
            return []
        writes = [
            UpdateOne(
                {"_id": tile_id(tile.level, tile.index), "width": {"$lt": tile.width}},
                {"$set": {"width": tile.width, "data": data}},
                upsert=True,
            )
            for tile, data in tiles
        ]
        try:
            await self._tiles.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            faults = (error.details or {})["writeErrors"]
            if any(fault["code"] != _DUPLICATE_KEY for fault in faults):
                raise
            return [tiles[fault["index"]] for fault in faults]
        return []

    async def _narrower_than(self, ours: Sequence[tuple[Tile, bytes]]) -> list[tuple[Tile, bytes]]:
        """Those of `ours` that are wider than what is stored; the others must agree with it."""
        if not ours:
            return []
        stored = await self.tiles([TilePlace(tile.level, tile.index) for tile, _ in ours])
        wider = []
        for tile, data in ours:
            there = stored.get(TilePlace(tile.level, tile.index), b"")
            shorter = min(len(there), len(data))
            if there[:shorter] != data[:shorter]:
                raise TileAltered(f"The stored {tile.path} is not that of the records: edited.")
            if len(there) < len(data):
                wider.append((tile, data))
        return wider


def tile_id(level: int, index: int) -> str:
    """The `_id` of a tile: `<level>/<index>`."""
    return f"{level}/{index}"


def _fixed(row: Mapping[str, Any]) -> Fixed:
    try:
        return Fixed(int(row["_id"]), _root(row["root"]), row["note"])
    except (KeyError, TypeError, ValueError) as fault:
        raise CheckpointAltered(
            f"The stored checkpoint of {row['_id']} leaves is damaged: it was edited."
        ) from fault


def _root(text: str) -> bytes:
    root = bytes.fromhex(text)
    if len(root) != HASH_BYTES:
        raise ValueError("not a SHA-256")
    return root
