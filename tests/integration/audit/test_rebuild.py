"""INVARIANT I6: the log made anew from the stream is the log that runs."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass, field
from typing import Any

import pytest
from casetrail_audit.settings import AuditSettings
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import DURABLES
from nats.js import JetStreamContext

from tests.integration.audit.publishing import mixture, send_all
from tests.integration.audit.replica import KEY, Replica, running
from tests.support.waiting import eventually

SHADOW = "_shadow"
VOLATILE = {"gap": ("recorded_at",)}


@dataclass
class Outcome:
    """What the command said."""

    code: int
    sentences: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    root: str | None = None

    @classmethod
    def of(cls, code: int, output: bytes) -> "Outcome":
        """The outcome of lines of JSON."""
        told = [json.loads(line) for line in output.splitlines()]
        said = [line for line in told if "say" in line]
        return cls(
            code,
            [line["say"] for line in said],
            [line["say"] for line in said if line.get("difference")],
            next((line["root"] for line in said if "root" in line), None),
        )


class Rebuild:
    """`python -m casetrail_audit rebuild` on the servers of one test."""

    def __init__(self, settings: AuditSettings, db: Database) -> None:
        self.mine = db
        self.name = db.name + SHADOW
        self.shadow: Database = db.client[self.name]
        self._environment: dict[str, str] = {
            **os.environ,
            "AUDIT_NATS_URL": settings.nats_url.get_secret_value(),
            "AUDIT_MONGO_URL": settings.mongo_url.get_secret_value(),
            "AUDIT_WORKSPACE_KEY": KEY,
            "AUDIT_SIGNING_KEY": "00" * 32,
        }
        if settings.changes_mongo_url is not None:
            url = settings.changes_mongo_url.get_secret_value()
            self._environment["AUDIT_CHANGES_MONGO_URL"] = url
        if settings.archive_dir is not None:
            self._environment["AUDIT_ARCHIVE_DIR"] = str(settings.archive_dir)

    async def start(self, *options: str) -> asyncio.subprocess.Process:
        """The process."""
        command = (sys.executable, "-m", "casetrail_audit", "rebuild", "--json", *options)
        return await asyncio.create_subprocess_exec(
            *command, env=self._environment, stdout=PIPE, stdin=DEVNULL
        )

    async def __call__(self, *options: str) -> Outcome:
        """Runs it to its end."""
        process = await self.start(*options)
        output, _ = await process.communicate()
        assert process.returncode is not None
        return Outcome.of(process.returncode, output)

    async def beside(self, *options: str) -> Outcome:
        """Into the shadow, then compared."""
        return await self("--into", self.name, *options)


async def content(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Records and views, without when a gap was noted."""
    names = ("records", "cases", "tickets", "users", "conversations")
    found = {name: [row async for row in db[name].find().sort("_id", 1)] for name in names}
    for row in found["records"]:
        for name in VOLATILE.get(row["kind"], ()):
            del row[name]
    return found


async def test_a_rebuild_beside_a_running_log_is_the_same(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I6: same records, same root, same views; nothing published, no consumer moved."""
    sent = mixture(2000, seed=41)
    await send_all(publisher, sent)
    for seq in (17, 400, 401):
        await js.delete_msg("SUPPORT", seq)
    async with running(audit_settings) as replica:
        await replica.complete(2000, within=60)
        published = await replica.published()
        before = await js.consumer_info("SUPPORT", "audit")
        rebuild = Rebuild(audit_settings, replica.db)
        outcome = await rebuild.beside()
        assert (outcome.code, outcome.differences) == (0, [])
        assert await content(rebuild.shadow) == await content(rebuild.mine)
        kinds = {row["kind"] async for row in rebuild.shadow["records"].find({}, {"kind": 1})}
        assert kinds == {"event", "duplicate", "poison", "gap"}
        assert await replica.published() == published
        after = await js.consumer_info("SUPPORT", "audit")
        assert before.ack_floor == after.ack_floor
        assert len(await js.consumers_info("SUPPORT")) == len(DURABLES)


async def test_it_compares_with_a_log_that_goes_on_growing(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I6: events that arrive meanwhile are no differences."""
    async with running(audit_settings) as replica:
        sent = mixture(4000, seed=42)
        await send_all(publisher, sent[:2000])
        await replica.complete(1000, within=60)
        rebuild = Rebuild(audit_settings, replica.db)
        rebuilding = asyncio.create_task(rebuild.beside())
        for start in range(2000, 4000, 50):
            await send_all(publisher, sent[start : start + 50])
        outcome = await rebuilding
        assert outcome.differences == []
        assert outcome.code == 0


async def test_killed_again_and_again_it_goes_on(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: a rebuild killed -9 anywhere goes on and gives the same log."""
    sent = mixture(6000, seed=43)
    await send_all(publisher, sent)
    async with running(audit_settings) as replica:
        await replica.complete(len(sent), within=90)
        rebuild = Rebuild(audit_settings, replica.db)
        records = rebuild.shadow["records"]
        for least in (1, 2000, 4000):
            process = await rebuild.start("--into", rebuild.name)

            async def under_way(least: int = least) -> bool:
                return bool(await records.estimated_document_count() >= least)

            await eventually(under_way, within=40)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        outcome = await rebuild.beside()
        assert outcome.sentences[0].startswith("An unfinished rebuild")
        assert (outcome.code, outcome.differences) == (0, [])
        assert await content(rebuild.shadow) == await content(rebuild.mine)


async def test_a_rebuild_into_an_empty_database_and_the_service_goes_on_from_it(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I6: the log is lost, made anew, and published on from where it was."""
    sent = mixture(1500, seed=44)
    await send_all(publisher, sent[:1000])
    async with running(audit_settings) as replica:
        await replica.complete(1000, within=60)
        before = await content(replica.db)
        db = replica.db
    client = Replica(audit_settings)
    for name in await client.db.list_collection_names():
        await client.db.drop_collection(name)
    rebuild = Rebuild(audit_settings, client.db)
    outcome = await rebuild()
    assert outcome.code == 0
    assert await content(client.db) == before
    refused = await rebuild()
    assert refused.code == 2
    assert "was finished" in refused.sentences[-1]
    client.client.close()
    assert db.name == rebuild.mine.name
    async with running(audit_settings) as replica:
        await send_all(publisher, sent[1000:])
        await replica.complete(1500, within=60)
        assert await replica.published() == 1500


async def test_each_change_by_hand_is_told_in_a_sentence(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I7: an edit, a deletion, an insertion and a changed view are all named."""
    await send_all(publisher, mixture(300, seed=45))
    async with running(audit_settings) as replica:
        await replica.complete(300, within=60)
        db = replica.db
    second = Replica(audit_settings)
    db, rebuild = second.db, Rebuild(audit_settings, second.db)
    events = [row async for row in db["records"].find({"kind": "event"}).sort("_id", 1).limit(9)]
    edited, other, deleted, field_, erased = (row["_id"] for row in events[:5])
    await db["records"].update_one(
        {"_id": edited}, {"$set": {"leaf_input": events[0]["leaf_input"] + " "}}
    )
    await db["records"].update_one({"_id": other}, {"$set": {"leaf": b"\0" * 32}})
    await db["records"].delete_one({"_id": deleted})
    await db["records"].update_one({"_id": field_}, {"$set": {"actor_ref": "agent:x"}})
    await db["records"].update_one({"_id": erased}, {"$set": {"private": None}})
    case = await db["cases"].find_one()
    assert case is not None
    await db["cases"].update_one({"_id": case["_id"]}, {"$set": {"owner": "agent:x"}})
    outcome = await rebuild.beside()
    second.client.close()
    assert outcome.code == 1
    told = "\n".join(outcome.differences)
    assert f"Record {edited}: the leaf in the running log is not the hash of its bytes" in told
    assert f"Record {other}: the leaf in the running log is not the hash of its bytes" in told
    assert f"Record {deleted}: the running log has none." in told
    assert f"Record {field_}: its searchable fields differ from its bytes: actor_ref." in told
    assert f"Record {erased}: " in told
    assert f"View cases {case['_id']} differs in owner." in told
    assert "The roots of the two logs differ." in told


async def test_what_was_deleted_after_it_was_recorded_is_told_or_copied(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I8: a message that an erasure took is a difference; copied, the root stands."""
    await send_all(publisher, mixture(300, seed=46))
    async with running(audit_settings) as replica:
        await replica.complete(300, within=60)
        event = await replica.db["records"].find_one({"kind": "event", "_id": {"$gt": 40}})
        assert event is not None
        await js.delete_msg("SUPPORT", event["_id"])
        rebuild = Rebuild(audit_settings, replica.db)
        told = await rebuild.beside()
        assert told.code == 1
        assert any(
            line.startswith(f"Record {event['_id']}: ") and "deleted from the stream" in line
            for line in told.differences
        )
        await replica.client.drop_database(rebuild.name)
        copied = await rebuild.beside("--copy-erased")
        assert (copied.code, copied.differences) == (0, [])


@pytest.mark.parametrize("collection", ["records", "anything"])
async def test_a_target_that_is_not_empty_is_refused(
    audit_settings: AuditSettings, mongo_db: Database, collection: str
) -> None:
    """INVARIANT I7: a rebuild overwrites nothing that it did not begin."""
    rebuild = Rebuild(audit_settings, mongo_db)
    await rebuild.shadow[collection].insert_one({"_id": 1})
    outcome = await rebuild.beside()
    assert outcome.code == 2
    assert "is not empty" in outcome.sentences[-1]
    assert await rebuild.shadow.list_collection_names() == [collection]
