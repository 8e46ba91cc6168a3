"""One fault while events arrive, then the verdict."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.producers import Acknowledged, Producer, producers
from tests.chaos.verdict import Verdict, judge
from tests.cluster.faults import Fault
from tests.cluster.house import house
from tests.cluster.network import Network
from tests.support.waiting import eventually

RATE: Final = 120.0
"""Events a second: six servers and two recorders share the machine."""
SETTLE: Final = 120.0
BEFORE: Final = 3.0
"""Seconds of peace at the beginning, so that there is something to lose."""
AFTER: Final = 400
"""Events published after the fault, so that it is seen to go on."""


@dataclass
class Played:
    """What one fault showed."""

    verdict: Verdict
    refused: int
    again: int
    longest_pause: float
    """Seconds in which no event was acknowledged."""
    seconds: float


async def played(
    folder: Path,
    fault: Fault,
    seed: int,
    network: Network | None = None,
    clock_library: Path | None = None,
) -> Played:
    """Events for as long as the fault lasts and `AFTER` more; all of them judged."""
    began = time.monotonic()
    async with house(folder, network, clock_library=clock_library) as cluster:
        sources = producers(cluster.nats_url, 30_000, seed)
        runs = [asyncio.create_task(source.run(RATE / len(sources))) for source in sources]
        try:
            await asyncio.sleep(BEFORE)
            await fault(cluster)
            await cluster.everything_runs()
            await cluster.together()
            await _go_on(sources, runs)
        finally:
            for source in sources:
                source.stop()
            await asyncio.gather(*runs)
        whole = Acknowledged()
        for source in sources:
            whole.by_seq |= source.acknowledged.by_seq
            whole.again += source.acknowledged.again
            whole.refused += source.acknowledged.refused
        verdict = await judge(cluster, whole.by_seq, SETTLE)
        unique = len({message.msg_id for message in whole.by_seq.values()})
        verdict.require(unique == len(whole.by_seq), "an id stands under two sequences")
    pause = max(source.longest_pause for source in sources)
    return Played(verdict, whole.refused, whole.again, pause, time.monotonic() - began)


async def _go_on(sources: list[Producer], runs: list["asyncio.Task[None]"]) -> None:
    """Returns when `AFTER` more have been acknowledged, or a producer has ended."""

    def acknowledged() -> int:
        return sum(len(source.acknowledged.by_seq) for source in sources)

    wanted = acknowledged() + AFTER
    await eventually(lambda: acknowledged() >= wanted or any(run.done() for run in runs), SETTLE)
