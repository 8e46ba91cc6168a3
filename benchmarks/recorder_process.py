"""`python -m benchmarks.recorder_process NATS_URL MONGO_URL`: a recorder that does nothing else.

Pull, decode, check, leaf hash, insert, ack, as in the service and by the same parts, without the
follower. It says `ready` and begins when it is given a line.
"""

import asyncio
import sys

import structlog
import uvicorn
from casetrail_audit.adapters.mongo_records import MongoRecords
from casetrail_audit.handlers import subscribe
from casetrail_audit.ports import LogForked
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import RecordMessages
from casetrail_runtime.broker import make_broker
from casetrail_runtime.garbage import collect_rarely
from casetrail_runtime.mongo import database, make_client, ping
from pydantic import SecretStr

from benchmarks.load import KEY


async def main(nats_url: str, mongo_url: str) -> None:
    """Records until it is killed."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = AuditSettings(
        nats_url=SecretStr(nats_url),
        mongo_url=SecretStr(mongo_url),
        workspace_key=SecretStr(KEY),
        signing_key=SecretStr("00" * 32),
    )
    broker = make_broker(settings, "audit", exit_after=None)
    client = make_client(settings, "audit")
    await ping(client)
    record = RecordMessages(MongoRecords(database(client)), KEY.encode(), lambda _: None)

    def forked(fork: LogForked) -> None:
        sys.exit(str(fork))

    subscribe(broker, record, forked, batch=settings.batch, concurrency=settings.concurrency)
    await broker.connect()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    collect_rarely()
    loop = uvicorn.Config(app="").get_loop_factory()  # the one that a service runs on
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main(*sys.argv[1:]))
