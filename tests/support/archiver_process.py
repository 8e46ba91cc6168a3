"""`python -m tests.support.archiver_process SETTINGS_FILE [METHOD CALLS]`: an archiver that dies.

It makes pass after pass and kills itself (SIGKILL) at the end of call number CALLS of METHOD, which
is one of its records, its stream, its folder or its register; without a METHOD it ends when nothing
is left to do. The settings are those of the audit service as JSON, its secrets in the open.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from casetrail_audit.archiving.archive_records import ArchiveRecords
from casetrail_audit.archiving.assembly import folder_of
from casetrail_audit.archiving.filing import FileArchives
from casetrail_audit.archiving.mongo_register import MongoRegister, archive_aggregates
from casetrail_audit.archiving.mongo_retained import MongoRetained
from casetrail_audit.archiving.policy_file import load_policy
from casetrail_audit.privacy.jetstream import JetStreamErasures
from casetrail_audit.settings import AuditSettings
from casetrail_runtime.broker import make_broker
from casetrail_runtime.mongo import database, make_client

from tests.support.dying import DiesAfter


async def main(settings: AuditSettings, method: str = "", calls: str = "0") -> None:
    """Pass after pass; see above."""
    policy, folder = load_policy(settings.retention_file), folder_of(settings)
    assert policy is not None
    assert folder is not None
    broker = make_broker(settings, "archiver", exit_after=None)
    await broker.start()
    client = make_client(settings, "archiver")
    db = database(client)

    def dying(part: Any) -> Any:
        return DiesAfter(part, method, int(calls))

    register, records = MongoRegister(db), MongoRetained(db)
    archive = ArchiveRecords(
        policy=policy,
        records=dying(records),
        register=register,
        stream=dying(JetStreamErasures(broker)),
        folder=dying(folder),
        file=dying(FileArchives(archive_aggregates(db), folder, _now)),
        clock=_now,
        most=settings.archive_records,
    )
    idle = 0
    while idle < 3:  # what was recorded last becomes due a moment later
        busy = await archive() or method
        idle = 0 if busy else idle + 1
        await asyncio.sleep(0.2)
    client.close()
    await broker.stop()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    asyncio.run(main(AuditSettings.model_validate(given), *sys.argv[2:]))
