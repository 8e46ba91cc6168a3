"""One seed: events from three producers while everything is killed, then the verdict."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.desk import Desk, complete_through, desk
from tests.chaos.killing import Killer
from tests.chaos.producers import Acknowledged, producers
from tests.chaos.verdict import Verdict, judge

SETTLE = 240.0
"""Seconds a log may take at least to be whole after the last kill."""
SETTLED_PER_SECOND = 200.0
"""And more for more events: it was killed all the time and may have everything before it."""
TELL_EVERY = 10.0

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """What one seed showed."""

    verdict: Verdict
    killed: Counter[str]
    refused: int
    again: int
    seconds: float


async def seeded(
    folder: Path, seed: int, events: int, seconds: float, tell: Tell = lambda _: None
) -> Outcome:
    """`events` published over some `seconds`, with kills until the last is acknowledged.

    What is published and who is killed in which order follow from the seed. `tell` is given a line
    of progress every ten seconds.
    """
    began = time.monotonic()
    settle = max(SETTLE, events / SETTLED_PER_SECOND)
    async with desk(folder) as office:
        sources = producers(office.nats.url, events, seed)
        killer = Killer(office, seed)
        killing = asyncio.create_task(killer.run())

        def progress() -> str:
            sent = sum(source.sent for source in sources)
            return f"{sent:,} of {events:,} sent, {sum(killer.killed.values())} kills"

        telling = asyncio.create_task(_telling(tell, office, progress, began))
        try:
            rate = events / seconds / len(sources)
            try:
                await asyncio.gather(*(source.run(rate) for source in sources))
            finally:
                killer.stop()
                await killing
            tell(f"{progress()}; all servers run, the log may take {settle:.0f} s")
            everything = _together([source.acknowledged for source in sources])
            verdict = await judge(office, everything.by_seq, settle)
        finally:
            telling.cancel()
        sent = sum(source.sent for source in sources)
        unique = len({message.msg_id for message in everything.by_seq.values()})
        verdict.require(
            unique == verdict.acknowledged, f"{unique} ids under {verdict.acknowledged} sequences"
        )
        verdict.require(sent >= events, f"only {sent} of {events} were sent")
    return Outcome(
        verdict, killer.killed, everything.refused, everything.again, time.monotonic() - began
    )


async def _telling(tell: Tell, office: Desk, progress: Callable[[], str], began: float) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY)
        through = await complete_through(office)
        log = "MongoDB is away" if through is None else f"complete through {through:,}"
        tell(f"{time.monotonic() - began:.0f} s: {progress()}, {log}")


def _together(parts: list[Acknowledged]) -> Acknowledged:
    whole = Acknowledged()
    for part in parts:
        whole.by_seq |= part.by_seq
        whole.again += part.again
        whole.refused += part.refused
    return whole
