"""An erasure carried out in steps, each of which may be repeated.

For every record: the message is overwritten in the stream, then the values leave MongoDB and the
mark takes their place. A record without its mark is simply found again, so wherever the process
dies, the next one goes on. At the end the certificate is committed; it lists the marked records.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from casetrail_contracts.ids import derive_id
from casetrail_runtime.outbox import Aggregates, Decision, Loaded

from casetrail_audit.privacy import events
from casetrail_audit.privacy.model import (
    DONE,
    REQUESTED,
    STOPPED,
    Document,
    ErasureRecords,
    ErasureStream,
    Registers,
    Scope,
    Target,
)

log = structlog.get_logger(__name__)

WATCHED: Final = timedelta(hours=1)
"""How long after an erasure copies and quotations that were on their way are looked for. A copy
that comes later than that is recorded without its values in the first place."""
_AT_ONCE: Final = 20


class CarryOutErasures:
    """One pass: what was asked for is erased and certified, and so are late copies of it."""

    def __init__(
        self,
        erasures: Aggregates[Document],
        registers: Registers,
        records: ErasureRecords,
        stream: ErasureStream,
        clock: Callable[[], datetime],
    ) -> None:
        self._erasures = erasures
        self._registers = registers
        self._records = records
        self._stream = stream
        self._clock = clock

    async def __call__(self) -> None:
        """Goes as far as it can now; what has to wait is looked at in the next pass."""
        for workspace, erasure in await self._registers.unfinished():
            await self._carry_out(workspace, erasure)
        for workspace, erasure in await self._registers.done_since(self._clock() - WATCHED):
            late = await self._records.late(workspace, erasure)
            if late and not await self._holds(workspace, Scope.of(erasure["scope"]), late):
                await self._forget(late, erasure)
        for target in await self._records.pending():
            await self._stream.erase(target.seq)
            await self._records.settle(target.seq)
        for workspace, erasure_id in await self._records.owing():
            loaded = await self._erasures.load(f"{workspace}:{erasure_id}")
            if loaded is None or loaded.state is None or loaded.state["status"] == REQUESTED:
                continue
            await self._certify(workspace, loaded.state, "later", ())

    async def _carry_out(self, workspace: str, erasure: Document) -> None:
        place = await self._records.place(erasure["request_event_id"])
        if place is None or await self._stream.consumed_through() < place:
            return  # a service may still have to read what is about to go
        while True:
            targets = await self._records.targets(workspace, erasure, place)
            holds = await self._holds(workspace, Scope.of(erasure["scope"]), targets)
            if holds:
                log.warning("an erasure is stopped by a hold", erasure=erasure["erasure_id"])
                await self._certify(workspace, erasure, "stopped", holds)
                return
            if not targets and not await self._records.recall(workspace, erasure, place):
                break
            await self._forget(targets, erasure)
        await self._certify(workspace, erasure, "complete", ())
        log.info("an erasure is complete", erasure=erasure["erasure_id"])

    async def _holds(
        self, workspace: str, scope: Scope, targets: Sequence[Target]
    ) -> Sequence[str]:
        """The holds in the way of the scope, or of the cases that quote from it."""
        scopes = {scope} | {
            Scope("case", target.conversation_id, target.case_id)
            for target in targets
            if target.case_id is not None
        }
        found = await asyncio.gather(*(self._registers.holds(workspace, each) for each in scopes))
        return sorted({hold.hold_id for holds in found for hold in holds})

    async def _forget(self, targets: Sequence[Target], erasure: Document) -> None:
        for start in range(0, len(targets), _AT_ONCE):
            some = targets[start : start + _AT_ONCE]
            await asyncio.gather(*(self._stream.erase(target.seq) for target in some))
            at = self._clock()
            await asyncio.gather(*(self._records.forget(each, erasure, at) for each in some))

    async def _certify(
        self, workspace: str, erasure: Document, stage: str, holds: Sequence[str]
    ) -> None:
        """Commits certificates that list every erased record which none lists yet."""
        # A process that died after a commit left its records unmarked: the commit names them.
        await self._records.certified(erasure["listed"])
        await self._records.follow(erasure["erasure_id"])
        ends = stage != "later"
        while True:
            records, all_ = await self._records.uncertified(erasure["erasure_id"])
            if not records and not ends:
                return
            seqs = [record["_id"] for record in records]
            now_stage = stage if all_ else "part"
            await self._commit(workspace, erasure, records, now_stage, holds)
            await self._records.certified(seqs)
            if all_:
                return

    async def _commit(
        self,
        workspace: str,
        erasure: Document,
        records: Sequence[Document],
        stage: str,
        holds: Sequence[str],
    ) -> None:
        at = self._clock()
        seqs = [record["_id"] for record in records]
        cause_id = derive_id(erasure["erasure_id"], stage, len(seqs), *seqs[:1], *seqs[-1:])

        def decide(current: Loaded[Document]) -> Decision[Document]:
            assert current.state is not None
            event = events.certificate(
                workspace,
                erasure,
                records,
                stage=stage,
                holds=holds,
                cause_id=cause_id,
                version=current.version + 1,
                at=at,
            )
            ended = {"complete": DONE, "stopped": STOPPED}.get(stage)
            status = {} if ended is None else {"status": ended, "done_at": at}
            return Decision({}, {**current.state, "listed": seqs, **status}, [event])

        await self._erasures.handle(f"{workspace}:{erasure['erasure_id']}", cause_id, decide)
