"""One seed: events from three producers while everything is killed, then the verdict."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.desk import desk
from tests.chaos.killing import Killer
from tests.chaos.producers import Acknowledged, producers
from tests.chaos.verdict import Verdict, judge

SETTLE = 240.0
"""Seconds a log may take to be whole after the last kill."""


@dataclass
class Outcome:
    """What one seed showed."""

    verdict: Verdict
    killed: Counter[str]
    refused: int
    again: int
    seconds: float


async def seeded(folder: Path, seed: int, events: int, seconds: float) -> Outcome:
    """`events` published over some `seconds`, with kills until the last is acknowledged."""
    began = time.monotonic()
    async with desk(folder) as office:
        sources = producers(office.nats.url, events, seed)
        killer = Killer(office, seed)
        killing = asyncio.create_task(killer.run())
        rate = events / seconds / len(sources)
        try:
            await asyncio.gather(*(source.run(rate) for source in sources))
        finally:
            killer.stop()
            await killing
        everything = _together([source.acknowledged for source in sources])
        verdict = await judge(office, everything.by_seq, SETTLE)
        sent = sum(source.sent for source in sources)
        unique = len({message.msg_id for message in everything.by_seq.values()})
        verdict.require(
            unique == verdict.acknowledged, f"{unique} ids under {verdict.acknowledged} sequences"
        )
        verdict.require(sent >= events, f"only {sent} of {events} were sent")
    return Outcome(
        verdict, killer.killed, everything.refused, everything.again, time.monotonic() - began
    )


def _together(parts: list[Acknowledged]) -> Acknowledged:
    whole = Acknowledged()
    for part in parts:
        whole.by_seq |= part.by_seq
        whole.again += part.again
        whole.refused += part.refused
    return whole
