"""`python -m tests.support.eraser_process MONGO_URL NATS_URL METHOD CALLS`: an eraser that dies.

It carries out erasures and kills itself (SIGKILL) at the end of call number CALLS of METHOD, which
is one of its records, its streams or its certificates.
"""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from casetrail_audit.privacy.carrying_out import CarryOutErasures
from casetrail_audit.privacy.jetstream import JetStreamErasures
from casetrail_audit.privacy.mongo_records import MongoErasureRecords
from casetrail_audit.privacy.mongo_registers import ERASURES, MongoRegisters, aggregates
from casetrail_runtime.broker import make_broker
from casetrail_runtime.mongo import database, make_client
from pydantic import SecretStr

from tests.support.dying import DiesAfter
from tests.support.fixtures import Addresses


async def main(mongo_url: str, nats_url: str, method: str, calls: str) -> None:
    """Pass after pass until it dies; ends by itself only when nothing is left to do."""
    settings = Addresses(nats_url=SecretStr(nats_url), mongo_url=SecretStr(mongo_url))
    broker = make_broker(settings, "eraser", exit_after=None)
    await broker.start()
    client = make_client(settings, "eraser")
    db = database(client)
    registers = MongoRegisters(db)

    def dying(part: Any) -> Any:
        return DiesAfter(part, method, int(calls))

    carry_out = CarryOutErasures(
        dying(aggregates(db, ERASURES)),
        registers,
        dying(MongoErasureRecords(db)),
        dying(JetStreamErasures(broker)),
        lambda: datetime.now(UTC),
    )
    while await registers.unfinished():
        await carry_out()
    client.close()
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
