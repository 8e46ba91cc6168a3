"""`make chaos`: EVENTS (20000) for each of SEEDS (1), then MongoDB AWAY (20 s) at RATE (500/s).

Then ITEMS (2000) through ingest's spool for each of SEEDS; 0 leaves a part out. The full run:
`make chaos EVENTS=200000 SEEDS=20 AWAY=300 RATE=1000 ITEMS=20000`. FIRST chooses the first seed.
One JSON object a line; exit code 1 when anything did not hold, and then the folder is kept.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import structlog

from tests.chaos.mongo_away import mongo_away
from tests.chaos.seeded import seeded
from tests.chaos.spooled import spooled

LEAST_SECONDS = 30.0
EVENTS_PER_SECOND = 1500.0
CATCH_UP = 3.0


def told(name: str, value: float, unit: str, vs: str, ratio: float | None) -> None:
    """One line."""
    line = {"name": name, "value": round(value, 1), "unit": unit, "vs": vs}
    line["ratio"] = None if ratio is None else round(ratio, 3)
    print(json.dumps(line), flush=True)


def complain(faults: list[str], folder: Path) -> bool:
    """Says what did not hold; True when nothing."""
    for fault in faults:
        print(f"chaos: {fault} (see {folder})", file=sys.stderr, flush=True)
    if not faults:
        shutil.rmtree(folder)
    return not faults


async def one_seed(seed: int, events: int) -> bool:
    """True when everything held."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    seconds = max(LEAST_SECONDS, events / EVENTS_PER_SECOND)

    def progress(line: str) -> None:
        print(f"chaos: seed {seed}: {line}", file=sys.stderr, flush=True)

    progress(f"again with FIRST={seed} SEEDS=1 EVENTS={events} AWAY=0; data in {folder}")
    outcome = await seeded(folder, seed, events, seconds, progress)
    verdict = outcome.verdict
    share = verdict.records / max(verdict.acknowledged, 1)
    vs = f"{verdict.acknowledged} acknowledged"
    told(f"chaos.seed-{seed}.records", verdict.records, "records", vs, share)
    kills = ", ".join(f"{name} {n}" for name, n in sorted(outcome.killed.items()))
    told(f"chaos.seed-{seed}.kills", sum(outcome.killed.values()), "kill -9", kills, None)
    vs = f"{outcome.refused} publications repeated, {outcome.again} known already"
    told(f"chaos.seed-{seed}.seconds", outcome.seconds, "s", vs, None)
    return complain(verdict.faults, folder)


async def one_spool(seed: int, items: int) -> bool:
    """True when every webhook answered 200 is in the stream, once in effect."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-spool-{seed}-"))
    outcome = await spooled(folder, seed, items)
    sent, kills = outcome.sent, ", ".join(f"{k} {n}" for k, n in sorted(outcome.killed.items()))
    vs = f"{sent.spooled} of them by the spool, {outcome.copies} repeated under their ids"
    accepted = len(sent.accepted)
    told(f"chaos.spool-{seed}.accepted", accepted, "items", vs, accepted / items)
    told(f"chaos.spool-{seed}.kills", sum(outcome.killed.values()), "kill -9", kills, None)
    vs = f"{sent.posts} POSTs, {sent.refused} not answered 200"
    told(f"chaos.spool-{seed}.seconds", outcome.seconds, "s", vs, None)
    return complain(outcome.faults, folder)


async def absence(seed: int, rate: float, away: float) -> bool:
    """True when nothing was lost, it said so, and it caught up quickly enough."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-away-"))
    seen = await mongo_away(folder, seed, rate, away)
    ratio = seen.catching_up / max(seen.arriving, 1)
    vs = f"{seen.arriving:.0f} arriving a second, MongoDB away {away:g} s at {rate:g}/s"
    told("chaos.mongo-away.catch-up", seen.catching_up, "events/s", vs, ratio)
    told("chaos.mongo-away.backlog", seen.backlog, "events", "", None)
    told("chaos.mongo-away.recorder-memory", seen.peak_mb, "MB", "highest", None)
    faults = list(seen.verdict.faults)
    if not seen.stood_still:
        faults.append("complete_through moved while MongoDB was away")
    if not seen.said_so:
        faults.append("/readyz did not say that MongoDB is away")
    if ratio < CATCH_UP:
        faults.append(f"it caught up at {ratio:.2f} x the arrival rate, not {CATCH_UP:g} x")
    return complain(faults, folder)


async def main() -> int:
    """The exit code."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("error"),  # they lose NATS all the time
    )
    given = os.environ
    events, seeds = int(given.get("EVENTS", "20000")), int(given.get("SEEDS", "1"))
    first = int(given.get("FIRST", "1"))
    held = []
    if events > 0:
        held += [await one_seed(seed, events) for seed in range(first, first + seeds)]
    away = float(given.get("AWAY", "20"))
    if away > 0:
        held.append(await absence(first, float(given.get("RATE", "500")), away))
    if (items := int(given.get("ITEMS", "2000"))) > 0:
        held += [await one_spool(seed, items) for seed in range(first, first + seeds)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
