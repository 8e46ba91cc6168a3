"""How many sealed records are compared again in one call."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from casetrail_audit.sealing.ports import Head
from casetrail_audit.sealing.recheck import RecheckRecords
from casetrail_evidence.tiles import WIDTH, TilePlace

from tests.unit.audit.history import History, records_of


class Sealed:
    """Records with their tiles; remembers which were read."""

    def __init__(self, count: int) -> None:
        history = History()
        for _ in range(count):
            history.says()
        self.all = records_of(history.events)
        self.read: list[tuple[int, int]] = []

    async def records(self, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        self.read.append((first, last))
        return self.all[first - 1 : last]

    async def tiles(self, places: Collection[TilePlace]) -> dict[TilePlace, bytes]:
        leaves = [record["leaf"] for record in self.all]
        return {p: b"".join(leaves[p.index * WIDTH : (p.index + 1) * WIDTH]) for p in places}


def head(size: int) -> Head:
    """A head of so many leaves."""
    return Head(size=size, root=b"", first_seq=1, checkpoint="", key="")


async def test_old_records_give_way_to_new_ones() -> None:
    """A quiet log: the pace. A busy one: what is new, up to four times the pace, and a tenth."""
    store = Sealed(200)
    recheck = RecheckRecords(store, "SUPPORT", pace=20)  # type: ignore[arg-type]
    await recheck(head(100))
    await recheck(head(105))
    await recheck(head(200))
    await recheck(head(200))
    assert store.read == [(1, 20), (101, 105), (21, 35), (106, 185), (36, 37), (186, 200), (38, 42)]
