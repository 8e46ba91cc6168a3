"""How far the log is complete."""

from casetrail_contracts.api import Gap, LogStatus, WitnessStatus

from casetrail_gateway.ports import EventStream, Log, SealedTree


class ReadLogStatus:
    """Figures of the log as a whole: numbers and places, nothing of any case, so not a look."""

    def __init__(self, log: Log, stream: EventStream, tree: SealedTree) -> None:
        self._log = log
        self._tree = tree
        self._stream = stream

    async def __call__(self) -> LogStatus:
        """The figures; the stream is asked last, so `lag` is never shown too small."""
        head = await self._log.head()
        counts = await self._log.counts()
        cosigned = await self._tree.cosigned()
        witnesses = await self._tree.witnesses()
        last = await self._stream.last_seq()
        return LogStatus(
            stream_last_seq=last,
            complete_through=head.complete_through,
            sealed_size=head.size,
            lag=max(0, last - head.complete_through),
            gaps=[Gap(seq=seq, problem=problem) for seq, problem in counts.gaps],
            duplicates=counts.duplicates,
            poison=counts.poison,
            dead_letters=await self._stream.dead_letters(),
            cosigned_size=0 if cosigned is None else cosigned.size,
            witnesses=[
                WitnessStatus(
                    name=one.name, size=one.size, cosigned_at=one.cosigned_at, problem=one.problem
                )
                for one in witnesses
            ],
        )
