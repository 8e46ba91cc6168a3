"""One seed: webhooks while ingest and NATS are killed at random, then the verdict on the stream."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nats
from casetrail_contracts import parse_event
from casetrail_local.servers import NatsServer
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js.api import AckPolicy, ConsumerConfig

from tests.chaos.ingest_process import IngestProcess
from tests.chaos.webhook_senders import Sent, send
from tests.support.waiting import eventually

KILLS = 8
"""Kills of one run, at random places between its first and its last item."""
DEAD = (0.0, 1.0)
VICTIMS = ("ingest", "nats", "both")
EMPTY_WITHIN = 240.0


@dataclass
class Spooled:
    """What one seed showed."""

    sent: Sent
    killed: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    copies: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


async def spooled(folder: Path, seed: int, items: int, kills: int = KILLS) -> Spooled:
    """`items` sent with kills until the last one is answered, and what is in the stream then."""
    began = time.monotonic()
    with NatsServer(folder / "nats") as server:
        client = await nats.connect(server.url)
        await apply_all(client.jetstream(), STREAMS, DURABLES)
        await client.close()
        ingest = IngestProcess(folder, server.url)
        try:
            await ingest.start()
            outcome = Spooled(Sent())
            killing = asyncio.create_task(
                _kill(ingest, server, _places(seed, items, kills), seed, outcome)
            )
            try:
                await send(ingest.url, items, seed, outcome.sent)
                await killing
            finally:
                killing.cancel()
            await _until_empty(ingest)
        finally:
            await ingest.kill()
        await _judge(outcome, server.url, items)
    outcome.seconds = time.monotonic() - began
    return outcome


async def _kill(
    ingest: IngestProcess, server: NatsServer, places: list[int], seed: int, outcome: Spooled
) -> None:
    """Kills one or both whenever so many items were accepted, and leaves both running."""
    dice = random.Random(seed)
    for place in places:
        await eventually(partial(_reached, outcome, place), within=900)
        await asyncio.sleep(dice.uniform(0, 0.05))
        victim, dead = dice.choice(VICTIMS), dice.uniform(*DEAD)
        outcome.killed[victim] += 1
        if victim != "ingest":
            await asyncio.to_thread(server.kill)
        if victim != "nats":
            await ingest.kill()
            # NATS may still be away: ingest has to take webhooks without it.
            await ingest.start()
        if victim != "ingest":
            await asyncio.sleep(dead)
            await asyncio.to_thread(server.start, 60)


def _places(seed: int, items: int, kills: int) -> list[int]:
    """How many items are accepted at each kill; some are given up, so the range ends before."""
    dice = random.Random(-seed)
    return sorted(dice.randrange(int(items * 0.9)) for _ in range(kills))


def _reached(outcome: Spooled, place: int) -> bool:
    return len(outcome.sent.accepted) >= place


async def _until_empty(ingest: IngestProcess) -> None:
    async with asyncio.timeout(EMPTY_WITHIN):
        while True:
            found = await ingest.readiness()
            if found.get("nats") == "answers" and found["spool"]["events"] == 0:
                return
            await asyncio.sleep(0.1)


async def _judge(outcome: Spooled, url: str, items: int) -> None:
    """Every item answered 200 is in the stream, under one id."""
    ids: dict[int, set[str]] = defaultdict(set)
    client = await nats.connect(url)
    try:
        subscription = await client.jetstream().pull_subscribe(
            "support.>", stream="SUPPORT", config=ConsumerConfig(ack_policy=AckPolicy.NONE)
        )
        info = await client.jetstream().stream_info("SUPPORT")
        while outcome.stored < info.state.messages:
            for message in await subscription.fetch(500, timeout=10):
                event = parse_event(message.data)
                outcome.stored += 1
                ids[int(event.private_values()["text"])].add(event.id)
    finally:
        await client.close()
    outcome.copies = outcome.stored - len(ids)
    missing = outcome.sent.accepted - set(ids)
    twice = [number for number, found in ids.items() if len(found) != 1]
    if missing:
        outcome.faults.append(f"{len(missing)} accepted items are not there: {sorted(missing)[:5]}")
    if twice:
        outcome.faults.append(f"{len(twice)} items have two ids: {twice[:5]}")
    if unknown := set(ids) - set(range(items)):
        outcome.faults.append(f"{len(unknown)} items nobody sent")
    if outcome.sent.accepted | outcome.sent.given_up != set(range(items)):
        outcome.faults.append("some items were neither accepted nor given up")
