"""MongoDB away for a time while events keep coming: nothing lost, said so, caught up quickly."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.desk import Desk, desk
from tests.chaos.producers import Producer
from tests.chaos.verdict import Verdict, judge
from tests.integration.audit.publishing import mixture
from tests.support.waiting import eventually

BEFORE = 4.0
"""Seconds of ordinary work before MongoDB goes."""
SETTLE = 600.0


@dataclass
class Absence:
    """What was seen."""

    verdict: Verdict
    stood_still: bool
    said_so: bool
    backlog: int
    arriving: float
    """Events per second while it caught up."""
    catching_up: float
    """Events per second that became complete meanwhile."""
    peak_mb: float
    """Most memory of the recorder."""


async def mongo_away(folder: Path, seed: int, rate: float, away: float) -> Absence:
    """Kills MongoDB for `away` seconds while `rate` events a second arrive."""
    async with desk(folder, recorders=1) as office:
        await eventually(lambda: _ready(office), within=60)
        total = int(rate * (BEFORE + away * 2 + 10))
        source = Producer(office.nats.url, mixture(total, seed), seed)
        publishing = asyncio.create_task(source.run(rate))
        await eventually(lambda: source.sent > rate * BEFORE, within=120)
        recorder = office.recorders[0]
        await asyncio.to_thread(office.mongo.kill)
        gone = time.monotonic()
        before = await eventually(lambda: recorder.figure(COMPLETE), within=10)
        said_so = False
        stood_still = True
        while time.monotonic() - gone < away:
            await asyncio.sleep(min(1.0, away / 10))
            status, answer = await recorder.readiness()
            said_so = said_so or (status == 503 and "mongo" in str(answer))
            now = await recorder.figure(COMPLETE)
            stood_still = stood_still and now in {before, None}
        arrived = source.sent
        await office.restart(office.mongo)
        back = time.monotonic()
        start = await _complete(office)
        source_start = source.sent
        end = await eventually(lambda: _caught_up(office, source), within=SETTLE)
        took = time.monotonic() - back
        arriving = (source.sent - source_start) / took
        peak = _peak_mb(recorder.pid)
        await publishing
        verdict = await judge(office, source.acknowledged.by_seq, SETTLE)
    backlog = arrived - start
    return Absence(verdict, stood_still, said_so, backlog, arriving, (end - start) / took, peak)


COMPLETE = "casetrail_log_complete_through"


async def _ready(office: Desk) -> bool:
    status, _ = await office.recorders[0].readiness()
    return status == 200


async def _complete(office: Desk) -> int:
    book = await office.db["log"].find_one({"_id": "SUPPORT"})
    return 0 if book is None else int(book["complete_through"])


async def _caught_up(office: Desk, source: Producer) -> int:
    """How far the log is complete, once that is within a second of what arrives."""
    through = await _complete(office)
    return through if through >= len(source.acknowledged.by_seq) - source.per_second else 0


def _peak_mb(pid: int | None) -> float:
    """Highest resident memory of a process; 0 where `/proc` does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    kilobytes = next((x.split()[1] for x in status.splitlines() if x.startswith("VmHWM")), "0")
    return int(kilobytes) / 1024
