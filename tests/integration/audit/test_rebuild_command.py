"""`casetrail audit rebuild`, as a person types it."""

import asyncio
import io
from pathlib import Path

from casetrail_audit.settings import AuditSettings
from casetrail_local.description import Pids, StackDescription
from casetrail_local.folder import DataFolder
from casetrail_local.identity import Identity, Tokens
from casetrail_local.rebuild import rebuild_log
from casetrail_runtime.publisher import StreamPublisher
from rich.console import Console

from tests.integration.audit.publishing import mixture, send_all
from tests.integration.audit.replica import KEY, running

TOKENS = Tokens(agent="t", lead="t", reviewer="t", admin="t", service="t")
IDENTITY = Identity(
    workspace_key=KEY, signing_key="00" * 32, app_secret="s", verify_token="v", tokens=TOKENS
)


def description(settings: AuditSettings) -> StackDescription:
    """A stack that consists of its servers."""
    return StackDescription(
        gateway_url="",
        ingest_url="",
        nats_url=settings.nats_url.get_secret_value(),
        mongo_url=settings.mongo_url.get_secret_value(),
        workspace="main",
        phone_number_id="1",
        app_secret="s",
        verify_token="v",
        tokens=TOKENS,
        pids=Pids(),
    )


async def test_the_command_shows_progress_and_tells_differences(
    audit_settings: AuditSettings, publisher: StreamPublisher, tmp_path: Path
) -> None:
    """INVARIANT I6: exit code 0 and a sentence when it is the same; 1 and which when it is not."""
    await send_all(publisher, mixture(400, seed=47))
    async with running(audit_settings) as replica:
        await replica.complete(400, within=60)

        async def typed(into: str) -> tuple[int, str]:
            paper = io.StringIO()
            code = await asyncio.to_thread(
                rebuild_log,
                description(audit_settings),
                DataFolder.at(tmp_path),
                IDENTITY,
                Console(file=paper, width=120),
                into=into,
                copy_erased=False,
            )
            return code, paper.getvalue()

        code, said = await typed(f"{replica.db.name}_a")
        assert code == 0
        assert "400/400" in said
        assert "It is the same as the running log." in said
        await replica.db["users"].insert_one({"_id": "main:x"})
        code, said = await typed(f"{replica.db.name}_b")
        assert code == 1
        assert "View users main:x: the rebuild has none." in said
