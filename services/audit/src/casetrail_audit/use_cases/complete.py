"""The log is completed in order: what is up to `complete_through` never changes again."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from casetrail_audit.domain import record as make
from casetrail_audit.domain.erased import as_the_first
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import (
    Advance,
    Completion,
    LogBook,
    LogForked,
    Place,
    Records,
    Standing,
    Stream,
)

T = TypeVar("T")

CHUNK: Final = 2000
AT_ONCE: Final = 50
ATTEMPTS: Final = 10
GONE: Final = "The message is gone from the stream, and its first copy as well."


class Recent(Protocol):
    """What this process recorded last."""

    def places_after(self, seq: int) -> Sequence[Place]:
        """Records that surely follow without a hole and are final; nothing when in doubt."""

    def forget(self) -> None:
        """Something went wrong: the database may not have what it had."""


class CompleteLog:
    """Moves `complete_through` over the records that follow it without a hole.

    A duplicate was recorded when it was not yet certain which copy comes first. Here everything
    below it is recorded, so it is certain: it gets its final `of`, differences and leaf.
    """

    def __init__(
        self,
        stream: Stream,
        records: Records,
        book: LogBook,
        key: bytes,
        *,
        completion: Completion | None = None,
        settled: Callable[[int, Sequence[Place]], None] = lambda _after, _places: None,
        recent: Recent | None = None,
    ) -> None:
        """With what it reads and writes; without `completion` the book is advanced alone.

        `settled` is told after which record which are final, before the book is written. What
        `recent` knows need not be read.
        """
        self._stream = stream
        self._records = records
        self._book = book
        self._key = key
        self._completion = completion or book
        self._settled = settled
        self._recent = recent
        self._standing: Standing | None = None

    async def __call__(self, most: int | None = None) -> Standing:
        """How far the log is complete, with all that was recorded before the call.

        What is recorded meanwhile is left to the next call, and so is what is left once `most`
        records or more were completed, so that a busy log is folded and published in between.
        What others recorded is, when this process knows enough without asking.
        """
        known, standing = await self._begin()
        self._standing = await self._go_on(standing, known, most)
        return self._standing

    async def _go_on(
        self, standing: Standing, known: Sequence[Place], most: int | None
    ) -> Standing:
        began = standing.complete_through
        while True:
            places, known = known or await self._places_after(standing), ()
            run = contiguous(standing.complete_through, places)
            if not run:
                before, standing = standing, await self._read()
                if standing == before:
                    return standing
                continue
            settled = await self._copies(run) or [await self._doubtful(run[0])]
            self._settled(standing.complete_through, settled)
            if not await self._completion.advance(Advance(standing, settled)):
                standing = await self._read()
                continue
            standing = replace(standing, complete_through=settled[-1].seq)
            if len(settled) == len(run) < CHUNK:
                return standing
            if most is not None and standing.complete_through - began >= most:
                return standing

    async def _begin(self) -> tuple[Sequence[Place], Standing]:
        """What is known of the records to come, and where they begin.

        Where is not known after a call that failed: then nothing is.
        """
        standing, self._standing = self._standing, None
        if standing is None:
            if self._recent is not None:
                self._recent.forget()
            return (), await self._read()
        if self._recent is None:
            return (), standing
        return self._recent.places_after(standing.complete_through)[:CHUNK], standing

    async def _places_after(self, standing: Standing) -> Sequence[Place]:
        return await self._records.places_after(standing.complete_through, CHUNK)

    async def _read(self) -> Standing:
        standing = await self._book.standing()
        if standing is None:
            raise LogForked("The log was begun and its book is gone.")
        return standing

    async def _copies(self, run: Sequence[Place]) -> list[Place]:
        """The places up to the first doubtful one, with what is provisional among them settled.

        Doubtful is a duplicate without a first copy below it. To settle it may move the event id
        from a place above it, so nothing above it is settled before.
        """
        waiting = [place.seq for place in run if place.provisional]
        looked_up = [await self._look_up(part) for part in parts(waiting)]
        copies = {seq: found for part in looked_up for seq, found in part.items()}
        certain: list[Place] = []
        for place in run:
            if place.provisional and copies[place.seq] is None:
                break
            certain.append(replace(place, provisional=False))
        final = [found for place in certain if (found := copies.get(place.seq)) is not None]
        for part in parts(final):
            made = await asyncio.gather(*(self._final(record, first) for record, first in part))
            await self._records.finalise_copies(made)
        return certain

    async def _look_up(self, seqs: Sequence[int]) -> dict[int, tuple[Record, Record] | None]:
        """Each provisional record with its first copy; None when that is not below it."""
        there = await self._records.provisional(seqs)
        firsts = await self._records.events({r["of_event_id"] for r in there.values()})
        found = {
            seq: (record, first)
            for seq, record in there.items()
            if (first := firsts.get(record["of_event_id"])) is not None and first["_id"] < seq
        }
        return {seq: found.get(seq) for seq in seqs}

    async def _doubtful(self, place: Place) -> Place:
        """The place with its final record: the first of its copies that is left is the event."""
        for _ in range(ATTEMPTS):
            record = (await self._records.provisional([place.seq])).get(place.seq)
            if record is None:  # another follower was quicker
                return (await self._records.places_after(place.seq - 1, 1))[0]
            event_id = record["of_event_id"]
            first = (await self._records.events([event_id])).get(event_id)
            below = first if first is not None and first["_id"] < place.seq else None
            final = await self._final(record, below)
            if await self._records.finalise(final):
                return Place(place.seq, final["kind"], place.recorded_at)
            await self._take_id_from_higher(final["event_id"], place.seq)
        raise TimeoutError(f"record {place.seq} cannot be made final")

    async def _final(self, record: Record, first: Record | None) -> Record:
        log, seq = self._stream.name, record["_id"]
        message = make.message_of(log, record) or await self._stream.message(seq)
        if message is not None:
            if first is not None:
                return as_the_first(make.duplicate(message, self._key, first), first)
            return make.record_of(message, self._key)
        if first is not None:
            return as_the_first(make.erased_duplicate(log, record, first), first)
        if record["leaf_input"] is not None:  # it was the event before, and it is again
            return promoted(record)
        return make.gap(log, seq, GONE, record["recorded_at"])

    async def _take_id_from_higher(self, event_id: str, seq: int) -> None:
        holder = (await self._records.first_copies({event_id})).get(event_id)
        if holder is not None and holder > seq:
            await self._records.demote(holder, event_id, seq)


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items, as many at a time as are worked on at once."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def promoted(record: Record) -> Record:
    """The event record that a provisional duplicate was made of."""
    event = {k: v for k, v in record.items() if k not in {"provisional", "recorded_exact"}}
    return {
        **event,
        "kind": "event",
        "event_id": record["of_event_id"],
        "of": None,
        "of_event_id": None,
    }


def contiguous(after: int, places: Sequence[Place]) -> list[Place]:
    """Those that follow `after` one by one, up to the first hole."""
    run: list[Place] = []
    for expected, place in enumerate(places, start=after + 1):
        if place.seq != expected:
            break
        run.append(place)
    return run
