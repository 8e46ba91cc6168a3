"""The sealer as it runs in the service: on the log that the recorder wrote, published, led."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pymerkle as untyped
import pytest
from casetrail_audit.adapters.jetstream_log import JetStreamLog
from casetrail_audit.domain.message import Message
from casetrail_audit.sealing.assembly import make_sealer
from casetrail_audit.sealing.kept_checkpoint import KeptCheckpoint
from casetrail_audit.sealing.running import Sealer, SealerStuck
from casetrail_audit.settings import AuditSettings
from casetrail_evidence.checkpoint import VerifiedCheckpoint, open_checkpoint, verify_growth
from casetrail_evidence.leaves import derived_salt, recorded_at_text
from casetrail_evidence.merkle import CompactRange, consistency_proof
from casetrail_evidence.messages import message_leaf, read_message
from casetrail_evidence.tiles import TilePlace, TileTree, tile_source
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry

from tests.integration.audit.publishing import Published, mixture, send_all
from tests.integration.audit.replica import KEY, Replica, running
from tests.support.sealing import record
from tests.support.waiting import always, eventually

pymerkle: Any = untyped


@asynccontextmanager
async def sealing(
    replica: Replica, **given: Any
) -> AsyncIterator[tuple[Sealer, CollectorRegistry]]:
    """A sealer beside a replica, as `main` makes it."""
    pause = given.pop("refused_pause", 5.0)
    settings = replica.settings.model_copy(update={"seal_every": 0.05, **given})
    registry = CollectorRegistry()
    sealer = make_sealer(settings, replica.broker, replica.db, registry, refused_pause=pause)
    await sealer.start()
    try:
        yield sealer, registry
    finally:
        await sealer.stop()


async def published(js: JetStreamContext, settings: AuditSettings) -> VerifiedCheckpoint | None:
    """The checkpoint published last, verified."""
    try:
        message = await js.get_last_msg("AUDIT", "audit.checkpoint")
    except NotFoundError:
        return None
    return open_checkpoint(message.data or b"", settings.log_keys.verifiers)


async def sealed(js: JetStreamContext, replica: Replica, size: int) -> VerifiedCheckpoint:
    """The published checkpoint once it has so many leaves."""

    async def there() -> VerifiedCheckpoint | None:
        found = await published(js, replica.settings)
        return found if found is not None and found.checkpoint.size == size else None

    found = await eventually(there, within=30)
    assert found is not None
    return found


async def messages(replica: Replica, count: int) -> list[Message]:
    """Every message of the stream, read from JetStream itself."""
    log = JetStreamLog(replica.broker, "SUPPORT")
    found = [await log.message(seq) for seq in range(1, count + 1)]
    assert None not in found
    return [message for message in found if message is not None]


async def test_the_sealed_root_is_that_of_the_stream(
    audit_settings: AuditSettings, js: JetStreamContext, publisher: StreamPublisher
) -> None:
    """INVARIANT I7: the root equals the one computed from JetStream's messages alone.

    Recomputed without the recorder: each message's leaf by the evidence library, then the tree by
    it and by pymerkle. Events of ours, and of another team without a salt of their own.
    """
    sent = [m for m in mixture(300, seed=7) if not m.msg_id.startswith(("again", "odd"))]
    sent += [Published("erp.stock.counted", b'{"n": 1.50, "private": {"by": "Ali"}}', "erp-x")]
    count = await send_all(publisher, sent)
    async with running(audit_settings) as replica, sealing(replica):
        head = (await sealed(js, replica, count)).checkpoint
        leaves = []
        theirs = pymerkle.InmemoryTree(algorithm="sha256")
        for message in await messages(replica, count):
            salt = derived_salt(KEY.encode(), "SUPPORT", message.seq)
            leaf = message_leaf(
                read_message(message.data, salt),
                log="SUPPORT",
                seq=message.seq,
                recorded_at=recorded_at_text(message.recorded_at),
                subject=message.subject,
            )
            assert leaf.kind == "event"
            leaves.append(leaf.hash)
            theirs.append_entries([leaf.text.encode()])
    tree = CompactRange()
    tree.extend(leaves)
    assert head.root == tree.root() == theirs.get_root()


async def test_duplicates_and_poison_are_sealed_like_anything_else(
    audit_settings: AuditSettings, js: JetStreamContext, publisher: StreamPublisher
) -> None:
    """INVARIANT I1: every sequence of the stream has its leaf, and the head grows with it."""
    async with running(audit_settings) as replica, sealing(replica) as (sealer, registry):
        first = await send_all(publisher, mixture(150, seed=1))
        earlier = await sealed(js, replica, first)
        more = await send_all(
            publisher,
            [Published(m.subject, m.data, f"{m.msg_id}-2") for m in mixture(120, seed=2)],
        )
        later = await sealed(js, replica, first + more)
        await sealer.ping()
        rows = await replica.records()
        assert {row["kind"] for row in rows} == {"event", "duplicate", "poison"}
        tree = TileTree()
        tiles = {TilePlace(t.level, t.index): d for t, d in tree.extend(r["leaf"] for r in rows)}
        proof = consistency_proof(first, first + more, tile_source(tiles))
        verify_growth(earlier.checkpoint, later.checkpoint, proof)
        assert later.checkpoint.root == tree.root()
        assert registry.get_sample_value("casetrail_sealed_size") == first + more
        assert registry.get_sample_value("casetrail_checkpoint_published_size") == first + more


async def test_a_second_sealer_stands_by_and_takes_over(
    audit_settings: AuditSettings, js: JetStreamContext, publisher: StreamPublisher
) -> None:
    """One replica seals; when it ends the other goes on, and both are well all the time."""
    async with (
        running(audit_settings) as replica,
        sealing(replica, instance="first") as (first, _),
    ):
        count = await send_all(publisher, mixture(40, seed=1))
        await sealed(js, replica, count)
        async with sealing(replica, instance="second") as (second, seconds):
            again = [Published(m.subject, m.data, f"{m.msg_id}-2") for m in mixture(40, seed=3)]
            count += await send_all(publisher, again)
            await sealed(js, replica, count)
            await first.ping()
            await second.ping()
            lease = await replica.db["leases"].find_one({"_id": "sealer"})
            assert lease is not None
            assert lease["holder"] == "first"
            assert not seconds.get_sample_value("casetrail_sealed_size")
            await first.stop()
            count += await send_all(publisher, [Published("erp.a.b", b'{"n": 1}', "erp-1")])
            await sealed(js, replica, count)
            assert seconds.get_sample_value("casetrail_sealed_size") == count


async def test_a_tampered_record_stops_the_sealer_and_is_seen(
    audit_settings: AuditSettings, js: JetStreamContext, publisher: StreamPublisher
) -> None:
    """INVARIANT I7: nothing is published, readiness says why, a metric has the reason."""
    async with running(audit_settings) as replica:
        count = await send_all(publisher, mixture(30, seed=1))
        await replica.complete(count)
        await replica.db["records"].update_one({"_id": 17}, {"$set": {"leaf": bytes(32)}})
        async with sealing(replica) as (sealer, registry):
            with pytest.raises(SealerStuck, match=r"record-altered.*Record 17 does not hash"):
                await eventually(lambda: _fails(sealer))
            labels = {"reason": "record-altered"}
            assert registry.get_sample_value("casetrail_sealing_refused", labels) == 1

            async def nothing_published() -> bool:
                return await published(js, replica.settings) is None

            await always(nothing_published)
            assert await replica.db["checkpoints"].count_documents({}) == 0


async def test_an_edit_after_sealing_stops_the_sealer_until_it_is_put_right(
    audit_settings: AuditSettings, js: JetStreamContext, publisher: StreamPublisher
) -> None:
    """INVARIANT I7: a field of a sealed record is edited: found, nothing signed, then healed."""
    async with running(audit_settings) as replica:
        count = await send_all(publisher, mixture(30, seed=1))
        async with sealing(replica, refused_pause=0.05) as (sealer, _):
            await sealed(js, replica, count)
            row = await replica.db["records"].find_one_and_update(
                {"_id": 17}, {"$set": {"action": "case.forgotten"}}
            )
            assert row is not None
            with pytest.raises(SealerStuck, match=r"record-differs.*Field 'action' of record 17"):
                await eventually(lambda: _fails(sealer))
            more = await send_all(publisher, [Published("erp.a.b", b'{"n": 1}', "erp-1")])

            async def complete() -> bool:
                book = await replica.db["log"].find_one({"_id": "SUPPORT"})
                return book is not None and book["complete_through"] == count + more

            await eventually(complete)

            async def nothing_signed() -> bool:
                return await replica.db["checkpoints"].count_documents({"_id": {"$gt": count}}) == 0

            await always(nothing_signed)
            await replica.db["records"].update_one({"_id": 17}, {"$set": {"action": row["action"]}})
            await sealed(js, replica, count + more)

            async def healthy() -> bool:  # a look begun before the mending may still be told
                try:
                    await sealer.ping()
                except SealerStuck:
                    return False
                return True

            await eventually(healthy)


async def forget_the_head(replica: Replica) -> None:
    """Every trace of what was signed is gone from MongoDB; nothing is recorded any more."""
    await replica.parts.follow.stop()
    for name in ("checkpoints", "tiles", "tree"):
        await replica.db[name].delete_many({})


async def complete_through(replica: Replica, seq: int) -> None:
    """The log says that it is complete as far as this."""
    stand = {"complete_through": seq}
    await replica.db["log"].update_one({"_id": "SUPPORT"}, {"$set": stand})


async def held_up(registry: CollectorRegistry) -> None:
    """Returns once two rounds of a sealer failed."""

    async def failed_twice() -> bool:
        failed = registry.get_sample_value("casetrail_sealing_failed_total")
        return failed is not None and failed >= 2

    await eventually(failed_twice)


async def test_a_checkpoint_removed_from_mongodb_is_remembered_by_the_stream(
    audit_settings: AuditSettings, js: JetStreamContext, publisher: StreamPublisher
) -> None:
    """INVARIANT I7: log cut off and every trace of its head removed: the stream still knows it."""
    async with running(audit_settings) as replica:
        count = await send_all(publisher, mixture(60, seed=1))
        async with sealing(replica):
            head = await sealed(js, replica, count)
        await forget_the_head(replica)
        await complete_through(replica, count - 5)
        async with sealing(replica) as (sealer, registry):
            await held_up(registry)
            assert await replica.db["checkpoints"].count_documents({}) == 0
            await complete_through(replica, count)

            async def same_head() -> bool:
                row = await replica.db["checkpoints"].find_one({"_id": count})
                return row is not None and row["root"] == head.checkpoint.root.hex()

            await eventually(same_head)
            await sealer.ping()


async def test_a_checkpoint_that_both_servers_forgot_is_remembered_by_the_file(
    audit_settings: AuditSettings,
    js: JetStreamContext,
    publisher: StreamPublisher,
    tmp_path: Path,
) -> None:
    """INVARIANT I7: MongoDB and the stream put back to before it: nothing is signed otherwise."""
    file = tmp_path / "kept.checkpoint"
    settings = audit_settings.model_copy(update={"kept_checkpoint_file": file})
    async with running(settings) as replica:
        count = await send_all(publisher, mixture(60, seed=1))
        async with sealing(replica):
            head = await sealed(js, replica, count)
        kept = await KeptCheckpoint(file).last()
        assert kept is not None
        assert open_checkpoint(kept, settings.log_keys.verifiers).checkpoint == head.checkpoint
        await forget_the_head(replica)
        await js.delete_stream("AUDIT")
        await apply_all(js, STREAMS, DURABLES)
        await complete_through(replica, count - 5)
        async with sealing(replica) as (sealer, registry):
            await held_up(registry)
            assert await replica.db["checkpoints"].count_documents({}) == 0
            last = await replica.db["records"].find_one({"_id": count})
            assert last is not None
            await replica.db["records"].replace_one({"_id": count}, record(count))
            await complete_through(replica, count)

            async def refused() -> bool:
                labels = {"reason": "roots-differ"}
                return registry.get_sample_value("casetrail_sealing_refused", labels) == 1

            await eventually(refused)
            assert await replica.db["checkpoints"].count_documents({}) == 0
            await replica.db["records"].replace_one({"_id": count}, last)
            await replica.db["tiles"].delete_many({})  # what the other record left there
            await sealed(js, replica, count)
            await sealer.ping()


async def _fails(sealer: Sealer) -> bool:
    await sealer.ping()
    return False
