"""Who is killed when: drawn by a seed, so that a run can be repeated."""

import asyncio
import random
from collections import Counter

from tests.chaos.desk import Desk

PAUSE = (0.3, 2.5)
"""Seconds between two kills."""
DEAD = (0.0, 1.5)
"""Seconds until what was killed is started again."""
VICTIMS = ("recorder-0", "recorder-1", "mongod", "nats")


class Killer:
    """Kills recorders and servers with `kill -9`, one after the other, and starts them again."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk = desk
        self._dice = random.Random(seed)
        self._over = asyncio.Event()
        self.killed: Counter[str] = Counter()

    async def run(self) -> None:
        """Kills until `stop`; then everything runs again."""
        while not self._over.is_set():
            victim = self._dice.choice(VICTIMS)
            await self._kill(victim)
            await self._desk.keep_up()
            await self._wait(self._dice.uniform(*PAUSE))

    def stop(self) -> None:
        """No kill after the one under way."""
        self._over.set()

    async def _kill(self, victim: str) -> None:
        dead = self._dice.uniform(*DEAD)
        self.killed[victim] += 1
        if victim.startswith("recorder"):
            recorder = self._desk.recorders[int(victim[-1])]
            await recorder.kill()
            await self._wait(dead)
            await recorder.start()
            return
        server = self._desk.mongo if victim == "mongod" else self._desk.nats
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(dead)
        await self._desk.restart(server)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return
