"""What this process recorded last, so that it need not be read again to be folded and told."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import orjson

from casetrail_audit.domain.envelope import milliseconds
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import FinalRecord, Place

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of leaf inputs; a log that is further behind is read from the database."""


class _Kept(NamedTuple):
    """What of a record is kept: a tenth of what the whole of it takes."""

    leaf_input: str
    leaf: bytes
    recorded_at: datetime
    event_id: str


class JustRecorded:
    """Events by their sequence, the newest ones that fit.

    A record is a pure function of its message, so one that the database calls an event when the log
    is completed is the very one that was stored. One that was demoted to a copy meanwhile is a
    duplicate there, and is not taken from here.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def add(self, records: Sequence[Record]) -> None:
        """Keeps these, which are stored."""
        for record in records:
            if record["kind"] == "event":
                self._drop(record["_id"])
                kept = _Kept(*[record[name] for name in _Kept._fields])
                self._kept[record["_id"]] = kept
                self._bytes += len(kept.leaf_input)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def places_after(self, seq: int) -> list[Place]:
        """All of these above `seq` if they follow it without a hole, as events; else nothing.

        They are final: a record becomes a copy when one below it is the same event, and all below
        them are recorded, none of them as a copy, which would not be here.
        """
        above = sorted(one for one in self._kept if one > seq)
        if not above or above[-1] != seq + len(above):
            return []
        times = (milliseconds(self._kept[one].recorded_at) for one in above)
        return [Place(one, "event", at) for one, at in zip(above, times, strict=True)]

    def forget(self) -> None:
        """Keeps nothing."""
        self._kept.clear()
        self._bytes = 0

    def take(self, places: Sequence[Place]) -> list[FinalRecord] | None:
        """The final records of these places; None unless all of them are here. Kept no longer."""
        kept = [(place.seq, self._kept.get(place.seq)) for place in places if place.kind == "event"]
        for place in places:
            self._drop(place.seq)
        found = [_final(seq, record) for seq, record in kept if record is not None]
        return found if len(found) == len(places) else None

    def _drop(self, seq: int) -> None:
        kept = self._kept.pop(seq, None)
        if kept is not None:
            self._bytes -= len(kept.leaf_input)


def _final(seq: int, kept: _Kept) -> FinalRecord:
    return FinalRecord(
        seq,
        orjson.loads(kept.leaf_input),
        kept.leaf,
        milliseconds(kept.recorded_at),
        kept.event_id,
    )
