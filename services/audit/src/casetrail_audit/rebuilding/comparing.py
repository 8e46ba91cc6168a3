"""Two logs of one stream compared: record by record, view by view, root by root."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from casetrail_evidence import leaves
from casetrail_evidence.merkle import CompactRange
from casetrail_runtime.mongo import Collection, Database

from casetrail_audit.adapters.indexes import RECORDS
from casetrail_audit.adapters.mongo_views import KINDS
from casetrail_audit.archiving.stub import without_content
from casetrail_audit.domain.erased import kept_as_logged

Row = Mapping[str, Any]
Pair = tuple[Row | None, Row | None]

UNHASHED: Final = frozenset({"private", "erased"})
"""Compared apart: an erasure takes private values away, and nothing else may differ."""
NOTED: Final = frozenset({"recorded_at"})
"""Of a gap it is when the gap was noted."""


class Roots:
    """The root of a growing tree, at its end and at the sizes that were asked for."""

    def __init__(self, sizes: Iterable[int] = ()) -> None:
        self._tree = CompactRange()
        self._sizes = frozenset(sizes)
        self.at: dict[int, bytes] = {}

    def append(self, leaf: bytes) -> None:
        """One leaf more."""
        self._tree.append(leaf)
        if self._tree.size in self._sizes:
            self.at[self._tree.size] = self._tree.root()

    @property
    def size(self) -> int:
        """How many leaves."""
        return self._tree.size

    def root(self) -> bytes:
        """The root now."""
        return self._tree.root()


async def root_of(db: Database, through: int, roots: Roots) -> None:
    """Fills `roots` with the leaves of the records up to a sequence."""
    found = db[RECORDS].find({"_id": {"$lte": through}}, {"leaf": 1}).sort("_id", 1)
    async for row in found:
        roots.append(bytes(row["leaf"]))


async def compare_records(
    running: Database, rebuilt: Database, through: int, roots: tuple[Roots, Roots]
) -> AsyncIterator[str]:
    """A sentence for each record that differs; fills the roots of both."""
    query = {"_id": {"$lte": through}}
    left, right = (db[RECORDS].find(query).sort("_id", 1) for db in (running, rebuilt))
    async for pair in _side_by_side(left, right):
        for tree, row in zip(roots, pair, strict=True):
            if row is not None:
                tree.append(bytes(row["leaf"]))
        sentence = difference(*pair)
        if sentence is not None:
            yield sentence


def difference(mine: Row | None, made: Row | None) -> str | None:
    """What is different between the running log's record and the rebuilt one."""
    if mine is None or made is None:
        there = mine or made
        lacking = "running log" if mine is None else "rebuild"
        return f"Record {'' if there is None else there['_id']}: the {lacking} has none."
    name = f"Record {mine['_id']}"
    if (mine.get("archived") is None) != (made.get("archived") is None):
        # called back, or held: its content is still here as well; what both have is compared
        mine, made = (without_content(row) for row in (mine, made))
    return _hashed_difference(name, mine, made) or _unhashed_difference(name, mine, made)


def _hashed_difference(name: str, mine: Row, made: Row) -> str | None:
    if made["kind"] == "gap" and mine["kind"] != "gap":
        return (
            f"{name}: the running log has its {mine['kind']}, but the message was deleted from the "
            "stream after it was recorded (an erasure, or retention), so the rebuild has a gap."
        )
    if mine["kind"] != made["kind"]:
        return f"{name}: {mine['kind']} in the running log, {made['kind']} in the rebuild."
    text = mine["leaf_input"]
    if text is not None and leaves.leaf_hash(text) != bytes(mine["leaf"]):
        return f"{name}: the leaf in the running log is not the hash of its bytes: it was edited."
    if mine["leaf"] != made["leaf"]:
        return f"{name}: the leaves differ: the running log's record is not of this message."
    return None


def _unhashed_difference(name: str, mine: Row, made: Row) -> str | None:
    names = _differing(mine, made) - UNHASHED - {"look"}
    if "look" in mine and (mine["look"] is not True or "look" not in made):
        names |= {"look"}  # without it, a look may be of a version that marked none
    if mine["kind"] == "gap":
        names -= NOTED
    if names:
        return f"{name}: its searchable fields differ from its bytes: {', '.join(sorted(names))}."
    if mine.get("erased") and mine["private"] is not None and made["private"] is None:
        if kept_as_logged(mine):  # of an erasure of single fields; the stream has no value of it
            return None
        return f"{name}: the values that an erasure of other fields left are not the logged ones."
    return private_difference(name, mine.get("private"), made.get("private"))


def private_difference(name: str, mine: Any, made: Any) -> str | None:
    """What is different in the personal part; nothing when only a library's wording is."""
    if mine == made:
        return None
    if isinstance(mine, dict) and isinstance(made, dict):
        fields = _differing(mine, made) - {"detail"}
        if not fields:
            return None
        return f"{name}: its private values differ: {', '.join(sorted(fields))}."
    lacking = "running log" if mine is None else "rebuild"
    return f"{name}: the {lacking} has no private values."


async def compare_views(running: Database, rebuilt: Database, session: Any) -> AsyncIterator[str]:
    """A sentence for each view that differs; the running ones as the snapshot has them."""
    for kind in KINDS:
        left = _views(running[kind], session)
        right = _views(rebuilt[kind], None)
        async for mine, made in _side_by_side(left, right):
            if mine is None or made is None:
                there = mine or made or {}
                lacking = "running log" if mine is None else "rebuild"
                yield f"View {kind} {there['_id']}: the {lacking} has none."
            elif mine != made:
                names = ", ".join(sorted(_differing(mine, made)))
                yield f"View {kind} {mine['_id']} differs in {names}."


def _views(collection: Collection, session: Any) -> AsyncIterator[Row]:
    found: AsyncIterator[Row] = collection.find({}, session=session).sort("_id", 1)
    return found


def _differing(mine: Row, made: Row) -> set[str]:
    return {name for name in {*mine, *made} if mine.get(name) != made.get(name)}


async def _side_by_side(left: AsyncIterator[Row], right: AsyncIterator[Row]) -> AsyncIterator[Pair]:
    """The rows of both, which are in order of `_id`, those with the same `_id` together."""
    mine, made = await anext(left, None), await anext(right, None)
    while mine is not None or made is not None:
        if made is None or (mine is not None and mine["_id"] < made["_id"]):
            yield mine, None
            mine = await anext(left, None)
        elif mine is None or made["_id"] < mine["_id"]:
            yield None, made
            made = await anext(right, None)
        else:
            yield mine, made
            mine, made = await anext(left, None), await anext(right, None)
