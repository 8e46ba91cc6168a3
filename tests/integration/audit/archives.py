"""A log with a policy: an audit replica with its sealer, its archiver and a folder, in a test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nats.errors
from casetrail_audit.archiving.assembly import Retention, make_retention
from casetrail_audit.archiving.mongo_register import REGISTER_INDEXES
from casetrail_audit.privacy.assembly import PRIVACY_INDEXES, Privacy, make_privacy
from casetrail_audit.privacy.jetstream import READERS
from casetrail_audit.sealing.assembly import make_sealer
from casetrail_audit.sealing.running import Sealer
from casetrail_audit.settings import AuditSettings
from casetrail_runtime.mongo import ensure_indexes
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry

from tests.integration.audit.replica import Replica
from tests.support.waiting import eventually

EVERYTHING = """
name: all-of-it
keep_at_least: 0 seconds
rules:
  - name: events
    types: ["*"]
    after: 0 seconds
  - name: others
    kinds: [duplicate, poison, gap]
    after: 0 seconds
"""
MESSAGES = """
name: messages-only
keep_at_least: 0 seconds
rules:
  - name: messages
    types: ["message.*"]
    after: 0 seconds
"""


class RetainedLog:
    """An audit replica whose records leave; `settings.archive_dir` has them."""

    def __init__(self, settings: AuditSettings) -> None:
        self.settings = settings
        self.replica = Replica(settings)
        broker, db, changes = self.replica.broker, self.replica.db, self.replica.mongo.changes
        alone = asyncio.Lock()
        self.sealer: Sealer = make_sealer(settings, broker, db, CollectorRegistry())
        self.retention: Retention = make_retention(settings, broker, changes, alone)
        self.privacy: Privacy = make_privacy(
            broker,
            changes,
            settings.instance,
            records=self.retention.erasure_records,
            alone=alone,
        )
        self.db = db

    async def start(self) -> "RetainedLog":
        """Records, seals, publishes, archives and erases from now on."""
        await self.replica.prepare()
        await ensure_indexes(self.db, PRIVACY_INDEXES)
        await ensure_indexes(self.db, REGISTER_INDEXES)
        await self.replica.start()
        await self.sealer.start()
        await self.privacy.start()
        await self.retention.start()
        return self

    async def stop(self) -> None:
        """Ends in good order."""
        await self.retention.stop()
        await self.privacy.stop()
        await self.sealer.stop()
        await self.replica.stop()

    async def left(self, at_least: int, *, within: float = 60) -> Sequence[dict[str, Any]]:
        """The records that left, once there are so many and no archive is under way."""

        async def check() -> Sequence[dict[str, Any]]:
            query = {"archived.file": {"$gt": ""}}
            gone = await self.db["records"].find(query).sort("_id", 1).to_list(None)
            assert len(gone) >= at_least
            states = await self.db["archives"].distinct("state.status")
            assert states == ["left"]
            return gone

        return await eventually(check, within)


def files_in(folder: Path) -> list[Path]:
    """The archives in a folder."""
    return sorted(folder.glob("*.jsonl.gz"))


async def readers_are_done(js: JetStreamContext, *, within: float = 90) -> None:
    """Routing and tickets have handled everything the stream holds for them.

    A fetch that is late on a busy machine is asked again: what it let go comes after `ack_wait`.
    """
    async with asyncio.timeout(within):
        for durable in READERS:
            reader = await js.pull_subscribe_bind(durable, stream="SUPPORT")
            while (info := await reader.consumer_info()).num_pending or info.num_ack_pending:
                with suppress(nats.errors.TimeoutError):
                    for message in await reader.fetch(200, timeout=1):
                        await message.ack_sync()
            await reader.unsubscribe()


@asynccontextmanager
async def retained(settings: AuditSettings) -> AsyncIterator[RetainedLog]:
    """Such a log, for as long as the block runs."""
    log = await RetainedLog(settings).start()
    try:
        yield log
    finally:
        await log.stop()


def with_policy(settings: AuditSettings, folder: Path, policy: str, **more: Any) -> AuditSettings:
    """The settings with a policy and a folder for archives, looked at often."""
    file = folder / "retention.yaml"
    file.write_text(policy, encoding="utf-8")
    given = {
        "retention_file": file,
        "archive_dir": folder / "archives",
        "archive_every": 0.5,
        "seal_every": 0.1,
        **more,
    }
    return settings.model_copy(update=given)
