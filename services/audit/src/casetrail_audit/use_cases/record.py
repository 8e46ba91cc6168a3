"""Every message of the stream becomes one record."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from casetrail_audit.domain import record as make
from casetrail_audit.domain.envelope import milliseconds
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import LogForked, Records
from casetrail_audit.use_cases.quick_json import encoder_of, quickly_parsed

SLICE: Final = 50
"""Messages made into records before other tasks get their turn: some 5 ms."""
ROUNDS: Final = 20
"""A copy that another replica moves at the same time is looked at again; each round one wins."""


class RecordMessages:
    """Returns when each of these messages has its record, in majority and journaled.

    Again with the same messages it changes nothing. `stored` is called afterwards, with the records
    if all of them were new.

    Raises:
        LogForked: a sequence has the record of another message: the stream was replaced.
    """

    def __init__(
        self, records: Records, key: bytes, stored: Callable[[Sequence[Record]], None]
    ) -> None:
        self._records = records
        self._key = key
        self._stored = stored

    async def __call__(self, messages: Sequence[Message]) -> None:
        """Records them; raises what waiting can heal, and then all of them may be given again."""
        offered: list[Record] = []
        for position, message in enumerate(messages):
            if position % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            offered.append(self._record(message))
        all_new = await self._insert({message.seq: message for message in messages}, offered)
        self._stored(offered if all_new else ())

    def _record(self, message: Message) -> Record:
        parsed = quickly_parsed(message.data)
        if parsed is None:
            return make.record_of(message, self._key)
        return make.record_of(message, self._key, parsed, encoder_of(message.data, parsed))

    async def _insert(self, messages: Mapping[int, Message], offered: Sequence[Record]) -> bool:
        """Whether nothing stood in the way of any of them."""
        outcome = await self._records.insert(offered)
        if outcome.refused:
            await self._insert(messages, list(self._as_poison(messages, outcome.refused)))
        if outcome.there:
            await self._compare(messages, outcome.there)
        if outcome.copies:
            await self._copies(messages, outcome.copies)
        return not (outcome.refused or outcome.there or outcome.copies)

    def _as_poison(
        self, messages: Mapping[int, Message], refused: Sequence[Record]
    ) -> Iterator[Record]:
        """The bytes of what MongoDB refuses; without the bytes when it refuses these too."""
        for record in refused:
            message = messages[record["_id"]]
            if record["kind"] == "event":
                yield make.poison(message, self._key, make.NOT_STORABLE)
            else:
                private = {**record["private"], "bytes": None}
                if record["private"]["bytes"] is None:
                    raise LogForked(f"MongoDB refuses even the plain record of {record['_id']}.")
                yield {**record, "private": private}

    async def _compare(self, messages: Mapping[int, Message], there: Sequence[Record]) -> None:
        """Nothing when what is there is of the same messages."""
        found = await self._records.placed([record["_id"] for record in there])
        for seq, (kind, subject, recorded_at) in found.items():
            message = messages[seq]
            if kind == "gap":
                raise LogForked(
                    f"The log says that sequence {seq} is a gap, but the stream {message.log} has "
                    "a message there: it was restored after the gap was recorded."
                )
            if (subject, recorded_at) != (message.subject, milliseconds(message.recorded_at)):
                raise LogForked(
                    f"Record {seq} is of another message than the stream {message.log} has there: "
                    "the stream was deleted and made again, or this is another log's database."
                )

    async def _copies(self, messages: Mapping[int, Message], copies: Sequence[Record]) -> None:
        """Records of event ids that have one: the lowest sequence is the event in the end."""
        left = {record["_id"]: record for record in copies}
        for _ in range(ROUNDS):
            holders = await self._records.first_copies({r["event_id"] for r in left.values()})
            later = [
                self._later_copy(messages[seq], record, holders[record["event_id"]])
                for seq, record in left.items()
                if holders.get(record["event_id"], seq) < seq
            ]
            earlier = [r for seq, r in sorted(left.items()) if seq not in {x["_id"] for x in later}]
            for record in earlier:
                holder = holders.get(record["event_id"])
                if holder is not None and holder > record["_id"]:
                    # Before the insert: if we die in between, the message comes again and finds no
                    # holder. The other way round the unique index would refuse the insert.
                    await self._records.demote(holder, record["event_id"], record["_id"])
            outcome = await self._records.insert([*later, *earlier])
            if outcome.there:
                await self._compare(messages, outcome.there)
            if outcome.refused:
                await self._insert(messages, list(self._as_poison(messages, outcome.refused)))
            left = {record["_id"]: record for record in outcome.copies}
            if not left:
                return
        raise TimeoutError(f"event ids of sequences {sorted(left)[:5]} are fought over")

    def _later_copy(self, message: Message, record: Record, of: int) -> Record:
        return make.provisional_duplicate(message, self._key, of, record["event_id"])
