"""Events that arrive at a rate, from a process of their own: who measures must not wait for them.

`python -m benchmarks.telling NATS_URL COUNT RATE` publishes and prints the rate that came of it.
"""

import asyncio
import sys
import time

from casetrail_contracts import Event
from casetrail_runtime.broker import make_broker
from casetrail_runtime.publisher import StreamPublisher
from pydantic import SecretStr

from benchmarks.load import events
from tests.support.fixtures import Addresses

TICK = 0.02


async def tell(publisher: StreamPublisher, told: list[Event], rate: float) -> float:
    """Publishes at this rate; the rate that came of it."""
    began = time.perf_counter()
    waiting = iter(told)
    tick = 0
    ended = False
    while not ended:
        some = [event for _, event in zip(range(int(rate * TICK)), waiting, strict=False)]
        ended = not some
        await asyncio.gather(*(publisher.publish(event) for event in some))
        tick += 1
        await asyncio.sleep(max(0.0, began + tick * TICK - time.perf_counter()))
    return len(told) / (time.perf_counter() - began)


async def _run(nats_url: str, count: int, rate: float) -> None:
    broker = make_broker(Addresses(nats_url=SecretStr(nats_url)), "bench", exit_after=None)
    await broker.start()
    publisher = StreamPublisher(broker, "SUPPORT", timeout=60)
    print(await tell(publisher, events(count), rate))
    await publisher.close()
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
