"""One reader of the log for all who follow it live: a record is read once for everybody."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from casetrail_runtime.tasks import end, happens

from casetrail_gateway.domain.errors import Fault
from casetrail_gateway.domain.live import LiveRecord, case_of
from casetrail_gateway.domain.log import Among, Case, CaseFilter, Page, Record
from casetrail_gateway.ports import Log, LogSignal

log = structlog.get_logger()

QUEUE: Final = 512
"""Records that wait for one client: who does not read them in time is let go, and comes back."""
AT_ONCE: Final = 500
TICK: Final = 1.0
_CATCH_UP: Final = 0.5
_PAUSE: Final = 0.005


class Seat:
    """One client's place: the records it wants, in order, until it leaves or falls behind."""

    def __init__(self, workspace: str, wants: Callable[[LiveRecord], bool], joined: int) -> None:
        self.workspace = workspace
        self.joined = joined
        """Everything after this sequence is offered here."""
        self.dropped = False
        self._wants = wants
        self._waiting: deque[LiveRecord] = deque()
        self._arrived = asyncio.Event()

    def offer(self, live: LiveRecord) -> None:
        """Takes the record, if it is wanted; a full seat takes no more."""
        if self.dropped or not self._wants(live):
            return
        if len(self._waiting) >= QUEUE:
            self.drop()
            return
        self._waiting.append(live)
        self._arrived.set()

    def drop(self) -> None:
        """No more is taken; what waits may still be read."""
        self.dropped = True
        self._arrived.set()

    async def take(self, seconds: float) -> Sequence[LiveRecord]:
        """What waits; nothing after so many seconds, or when the seat was dropped."""
        if not self._waiting and not self.dropped:
            self._arrived.clear()
            await happens(self._arrived, seconds)
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class LiveHub:
    """Reads what is new in the log, for as long as anybody follows it."""

    def __init__(self, hub_log: Log, signal: LogSignal) -> None:
        self._log = hub_log
        self._signal = signal
        self._seats: set[Seat] = set()
        self._joining = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.through = 0
        """Everything up to here was offered."""

    async def start(self) -> None:
        """Follows from now on."""
        self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        """Follows no more; every client's stream ends."""
        if self._task is not None:
            await end(self._task)
        for seat in self._seats:
            seat.drop()

    async def join(self, workspace: str, wants: Callable[[LiveRecord], bool]) -> Seat:
        """A place from now on."""
        async with self._joining:
            if not self._seats:
                self.through = (await self._log.head()).complete_through
            seat = Seat(workspace, wants, self.through)
            self._seats.add(seat)
            return seat

    def leave(self, seat: Seat) -> None:
        """Gives the place up; again is harmless."""
        self._seats.discard(seat)

    async def _run(self) -> None:
        while True:
            told = await self._signal.wait(TICK)
            if not self._seats:
                continue
            try:
                await self._deliver(await self._reached(told))
            except Fault as fault:
                log.warning("live_waits", reason=fault.slug)
                await asyncio.sleep(TICK)

    async def _reached(self, told: int) -> int:
        """How far the views are: a moment later, if they are not yet as far as was told."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CATCH_UP
        while True:
            through = (await self._log.head()).complete_through
            if through >= told or loop.time() > deadline:
                return through
            await asyncio.sleep(_PAUSE)

    async def _deliver(self, through: int) -> None:
        while self.through < through:
            last = min(through, self.through + AT_ONCE)
            for workspace in {seat.workspace for seat in self._seats}:
                page = Page(AT_ONCE, "asc", self.through, last)
                for live in await read_live(self._log, workspace, page):
                    for seat in list(self._seats):
                        if seat.workspace == workspace and live.record.seq > seat.joined:
                            seat.offer(live)
            self.through = last
            await asyncio.sleep(0)


async def read_live(hub_log: Log, workspace: str, page: Page) -> Sequence[LiveRecord]:
    """The records of a stretch of the log with their cases."""
    records = await hub_log.stretch(workspace, page)
    cases = await _cases(hub_log, workspace, records)
    return [LiveRecord(record, case_of(record, cases)) for record in records]


async def _cases(hub_log: Log, workspace: str, records: Sequence[Record]) -> Sequence[Case]:
    named = sorted({r.case_id for r in records if r.case_id is not None})
    talks = {r.conversation_id for r in records if r.case_id is None}
    conversations = sorted(id_ for id_ in talks if id_ is not None)
    if not named and not conversations:
        return []
    wanted = CaseFilter(among=(Among(tuple(named), tuple(conversations)),))
    return await hub_log.cases(workspace, wanted, Page(4 * AT_ONCE, "desc"))
