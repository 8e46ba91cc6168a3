"""The live tail: what was missed since the last event, then what comes, as server-sent events."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final

from casetrail_gateway.domain.customers import CustomerKey
from casetrail_gateway.domain.errors import NotPermitted
from casetrail_gateway.domain.live import LiveRecord, is_shown, is_wanted
from casetrail_gateway.domain.log import Page
from casetrail_gateway.domain.people import Caller, reviews_shown
from casetrail_gateway.domain.search import RecordSearch
from casetrail_gateway.ports import Customers, Log, Monotonic
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.live_hub import LiveHub, Seat, read_live
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.records import told_filters
from casetrail_gateway.use_cases.searching import may_search_words
from casetrail_gateway.use_cases.timelines import entry_of

HEARTBEAT: Final = 10.0
LONGEST: Final = 900
"""Seconds until a stream ends and the client comes back: with a token that still holds, and with
a look of its own in the log."""
_REPLAYED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class LiveFeed:
    """Server-sent events, piece by piece."""

    pieces: AsyncIterator[bytes]


class FollowLive:
    """The records as they come, as far as the caller may see them, from after `last` on."""

    def __init__(
        self,
        *,
        log: Log,
        hub: LiveHub,
        customers: Customers,
        finder: Finder,
        caller: Caller,
        search: RecordSearch,
        last: int | None,
        seconds: float,
        monotonic: Monotonic,
        tell: Callable[[LiveRecord], str] | None = None,
    ) -> None:
        """`tell` puts a record into other words than the API's, as a page does."""
        self._log = log
        self._hub = hub
        self._customers = customers
        self._finder = finder
        self._caller = caller
        self._search = search
        self._wanted = replace(search.wanted, reviews_of=reviews_shown(caller))
        self._last = last
        self._seconds = seconds
        self._monotonic = monotonic
        self._tell = tell

    async def look(self) -> Look:
        """A search that goes on; a case or ticket that is named has to be theirs."""
        query = {"q": self._search.typed, "phone": self._search.phone}
        fault = may_search_words(self._caller, self._search.words)
        look = Look(
            what="live",
            filters=told_filters(self._wanted),
            query={name: value for name, value in query.items() if value is not None},
            fault=fault,
        )
        if self._wanted.case_id is None and self._wanted.ticket_id is None:
            return look
        if self._wanted.ticket_id is not None:
            found = await self._finder.ticket(self._caller, self._wanted.ticket_id)
        else:
            found = await self._finder.case(self._caller, self._wanted.case_id or "")
        refused = found.fault if isinstance(found.fault, NotPermitted) else None
        return replace(
            look,
            case_id=found.case_id,
            conversation_id=found.conversation_id,
            fault=refused or fault,
        )

    async def answer(self) -> LiveFeed:
        """The feed; its place is taken at once, so that nothing is missed before it is read."""
        if self._search.phone is not None:
            key = CustomerKey("phone", self._search.phone)
            known = await self._customers.conversations(self._caller.workspace, key)
            self._wanted = replace(self._wanted, conversation_ids=tuple(known))
        seat = await self._hub.join(self._caller.workspace, self._wants)
        return LiveFeed(self._pieces(seat))

    def _wants(self, live: LiveRecord) -> bool:
        return is_shown(live, self._caller) and is_wanted(live, self._wanted, self._search.words)

    async def _pieces(self, seat: Seat) -> AsyncIterator[bytes]:
        try:
            yield b"retry: 2000\n\n"
            async for piece in self._missed(seat):
                yield piece
            yield _status(seat.joined)
            ends = self._monotonic() + self._seconds
            while not seat.dropped and (left := ends - self._monotonic()) > 0:
                taken = await seat.take(min(HEARTBEAT, left))
                yield b"".join(self._told(live) for live in taken) or _status(self._hub.through)
            if seat.dropped:
                yield b'event: dropped\ndata: {"reason":"too slow, or the service ends"}\n\n'
        finally:
            self._hub.leave(seat)

    async def _missed(self, seat: Seat) -> AsyncIterator[bytes]:
        """What came between the last event of the client and its place."""
        at = seat.joined if self._last is None else self._last
        while at < seat.joined:
            upto = min(seat.joined, at + _REPLAYED_AT_ONCE)
            page = Page(_REPLAYED_AT_ONCE, "asc", at, upto)
            missed = await read_live(self._log, self._caller.workspace, page)
            told = b"".join(self._told(live) for live in missed if self._wants(live))
            at = upto
            if told:
                yield told

    def _told(self, live: LiveRecord) -> bytes:
        if self._tell is not None:
            return _entry(live.record.seq, self._tell(live).encode())
        reads = self._caller.reads_text
        if reads not in live.rendered:
            entry = entry_of(live.record, reads_text=reads, late=False, copies=0, cause=None)
            data = entry.model_dump_json().encode()
            live.rendered[reads] = _entry(live.record.seq, data)
        return live.rendered[reads]


def _entry(seq: int, data: bytes) -> bytes:
    """An event of one record; each line of its data is a line of the event."""
    lines = b"\n".join(b"data: " + line for line in data.splitlines())
    return f"id: {seq}\nevent: entry\n".encode() + lines + b"\n\n"


def _status(through: int) -> bytes:
    """A sign of life that also says how far the client has everything."""
    return f'id: {through}\nevent: status\ndata: {{"complete_through":{through}}}\n\n'.encode()
