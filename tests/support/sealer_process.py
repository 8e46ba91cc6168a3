"""`python -m tests.support.sealer_process MONGO_URL METHOD`: a sealer that stops itself.

It seals one round and stops itself with SIGSTOP just before it calls METHOD of its store; when it
is continued it ends the round and prints the size of its head.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime

from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.seal_log import SealLog
from casetrail_runtime.mongo import database, make_client
from pydantic import SecretStr

from tests.support.fixtures import Addresses
from tests.support.sealing import KEYS, LOG, PausedBefore


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


async def main(mongo_url: str, method: str) -> None:
    """Seals once across the pause, then prints what became of it."""
    client = make_client(Addresses(mongo_url=SecretStr(mongo_url)), "sealer")
    store = PausedBefore(MongoSealedLog(database(client), LOG), method, _stop)
    seal = SealLog(store, KEYS, LOG, lambda: datetime.now(UTC))
    head = await seal()
    print(None if head is None else head.size, flush=True)
    client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
