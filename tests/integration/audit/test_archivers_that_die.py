"""INVARIANT I10: an archiver is killed after any of its steps, or there are two of them."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from casetrail_audit.settings import AuditSettings
from casetrail_contracts import Actor
from casetrail_contracts.ids import derive_id
from casetrail_contracts.privacy_commands import PlaceHold, ScopeBody
from casetrail_evidence.cli import main as verify
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext
from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from tests.integration.audit.archives import (
    EVERYTHING,
    RetainedLog,
    files_in,
    readers_are_done,
    with_policy,
)
from tests.integration.audit.publishing import mixture, send_all
from tests.integration.audit.test_rebuild import Rebuild
from tests.support.processes import python_process
from tests.support.waiting import eventually

COUNT = 120
STEPS = [
    ("plan", 1),
    ("write", 1),
    ("digest", 2),
    ("archived", 1),
    ("erase", 27),
    ("leave", 33),
    ("left", 1),
]
"""Methods of the archiver's parts, and after which call of them it is killed."""


def written_down(settings: AuditSettings, file: Path) -> str:
    """The settings in a file, for a process of the test."""
    values = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name in type(settings).model_fields
        if (value := getattr(settings, name)) is not None
    }
    file.write_text(json.dumps(to_jsonable_python(values)), "utf-8")
    return str(file)


class ArchivedLog:
    """A log whose records are due, and what processes make of it."""

    def __init__(self, log: RetainedLog, folder: Path) -> None:
        self.log = log
        self.folder = folder
        self._file = written_down(log.settings, folder / "settings.json")

    async def killed(self, method: str, calls: int) -> None:
        """An archiver begins, and dies there."""
        arguments = (self._file, method, str(calls))
        async with python_process("tests.support.archiver_process", *arguments) as process:
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL

    async def finished(self, processes: int = 1) -> None:
        """So many archivers at once do what is left to do."""

        async def one() -> int:
            async with python_process("tests.support.archiver_process", self._file) as process:
                return await asyncio.wait_for(process.wait(), 90)

        assert set(await asyncio.gather(*(one() for _ in range(processes)))) == {0}

    async def check(self) -> None:
        """Every record left once, into files that prove themselves, and a rebuild is the same."""
        gone = await self.log.left(COUNT)
        files = files_in(self.folder / "archives")
        key = str(self.log.settings.log_keys.signer.verifier)
        assert verify(["archive", *map(str, files), "--key", key]) == 0
        assert {record["archived"]["file"] for record in gone} == {file.name for file in files}
        told = await self.log.db["records"].find({"action": "retention.archived"}).to_list(None)
        archived = [each["data"] for each in told if each["data"] is not None]
        stages = Counter((each["file"], each["stage"]) for each in archived)
        assert set(stages.values()) <= {1}
        rebuild = Rebuild(self.log.settings, self.log.db)
        outcome = await rebuild.beside()
        assert (outcome.code, outcome.differences) == (0, [])
        kept = ("name", "file", "status", "ranges", "event_id", "sha256", "size")
        registers = [
            [
                (row["_id"], row["version"], [row["state"][name] for name in kept])
                async for row in db["archives"].find().sort("_id", 1)
            ]
            for db in (self.log.db, rebuild.shadow)
        ]
        assert registers[0] == registers[1]


@pytest.fixture
async def log(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext, tmp_path: Path
) -> AsyncIterator[ArchivedLog]:
    """A log with records that are due and no archiver of its own."""
    await send_all(publisher, mixture(COUNT, seed=31))
    await readers_are_done(js)
    settings = with_policy(audit_settings, tmp_path, EVERYTHING, archive_records=50)
    log = RetainedLog(settings)
    object.__setattr__(log.retention, "archiver", NoArchiver())
    await log.start()
    try:
        await log.replica.complete(COUNT, within=60)

        async def sealed() -> bool:
            head = await log.db["tree"].find_one({"_id": "head"})
            return head is not None and head["size"] >= COUNT

        await eventually(sealed, 30)
        yield ArchivedLog(log, tmp_path)
    finally:
        await log.stop()


class NoArchiver:
    """Nothing is archived in this process."""

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""


@pytest.mark.parametrize(("method", "calls"), STEPS)
async def test_it_goes_on_where_it_was_killed(log: ArchivedLog, method: str, calls: int) -> None:
    """Killed -9 after any step, the next archiver finishes, with one event for each file."""
    await log.killed(method, calls)
    await log.finished()
    await log.check()


async def test_two_at_once_do_everything_once(log: ArchivedLog) -> None:
    """Without the lease that keeps them apart: both at every step, and both killed on the way."""
    await asyncio.gather(log.killed("archived", 1), log.killed("erase", 9))
    await log.finished(processes=2)
    await log.check()


async def test_a_hold_placed_after_the_file_was_written_keeps_its_records(
    log: ArchivedLog, js: JetStreamContext
) -> None:
    """INVARIANT I8: what is in the file already stays in MongoDB and in the stream as well."""
    await log.killed("archived", 1)
    records = log.log.db["records"]
    case = await log.log.db["cases"].find_one(
        {"case_id": {"$ne": "CASE-0"}, "last_seq": {"$lt": 50}}
    )
    assert case is not None
    hold = PlaceHold(
        id=derive_id("hold"),
        workspace="main",
        actor=Actor(kind="admin", id="admin"),
        scope=ScopeBody(case=case["case_id"]),
        reason="a claim is open",
    )
    reply = await CommandClient(log.log.replica.broker).send(hold)
    assert reply.status == "ok", reply
    await log.killed("leave", 20)
    held = await records.find({"case_id": case["case_id"], "kind": "event"}).to_list(None)
    assert held
    assert all(record.get("archived") is None for record in held)
    for record in held:
        assert (await js.get_msg("SUPPORT", record["_id"])).data
    assert await records.count_documents({"archived.file": {"$gt": ""}}) >= 20
