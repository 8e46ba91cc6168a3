"""INVARIANT I1 on real servers: one record for every sequence, whatever was published."""

import hashlib
import json
from collections import Counter

from casetrail_audit.domain import record as make
from casetrail_audit.settings import AuditSettings
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.integration.audit.publishing import POISON, Published, mixture, plain, send, send_all
from tests.integration.audit.replica import Replica, running, told
from tests.support.waiting import eventually
from tests.unit.audit.history import History

MANY = 10_000


async def test_ten_thousand_messages_have_ten_thousand_records(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I1: copies inside and after the window, poison, foreign events: all are there."""
    sent = mixture(MANY, seed=1)
    stored = await send_all(publisher, sent)
    assert await send_all(publisher, sent[:200]) == 0  # inside the window: the stream drops them
    async with running(audit_settings) as replica:
        await replica.complete(stored, within=60)
        records = await replica.records()
        book = await replica.db["log"].find_one()
        assert [r["_id"] for r in records] == list(range(1, stored + 1)) == list(range(1, MANY + 1))
        kinds = Counter(r["kind"] for r in records)
        assert min(kinds["event"], kinds["duplicate"], kinds["poison"]) > 100
        assert book is not None
        assert (book["events"], book["duplicates"], book["poison"], book["gaps"]) == (
            kinds["event"],
            kinds["duplicate"],
            kinds["poison"],
            0,
        )
        ids = Counter(r["event_id"] for r in records if r["kind"] == "event")
        assert set(ids.values()) == {1}
        for record, message in zip(records, sent, strict=True):
            assert record["subject_nats"] == message.subject
            assert record["leaf"] == hashlib.sha256(b"\0" + record["leaf_input"].encode()).digest()
            if record["kind"] != "event":
                assert record["private"]["bytes"] == message.data
            else:
                given, leaf = json.loads(message.data), json.loads(record["leaf_input"])["event"]
                assert {**leaf, "private": 0} == {**given, "private": 0}
        first = {r["event_id"]: r["_id"] for r in records if r["kind"] == "event"}
        for record in records:
            if record["kind"] == "duplicate":
                assert record["of"] == first[record["of_event_id"]] < record["_id"]
                assert "provisional" not in record
        heard = await told(js)
        assert [h.seq for h in heard] == list(range(1, stored + 1))
        assert [h.leaf for h in heard] == [r["leaf"].hex() for r in records]


async def test_every_kind_of_poison_is_kept_and_holds_nothing_up(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I1: one odd message costs its neighbours in the same batch nothing."""
    history = History()
    around = [plain(history.says()) for _ in range(40)]
    odd = [Published("support.main.message.received", d, f"odd-{n}") for n, d in enumerate(POISON)]
    numbers = b",".join([b"1"] * 1_500_000)  # 3 MB of JSON, 18 MB of BSON
    huge = b'{"id": "huge", "list": [' + numbers + b"]}"
    odd.append(Published("erp.huge", huge, "huge"))
    await send_all(publisher, [*around[:20], *odd, *around[20:]])
    async with running(audit_settings) as replica:
        await replica.complete(len(odd) + 40)
        records = {r["_id"]: r for r in await replica.records()}
        for seq, message in enumerate(odd, start=21):
            record = records[seq]
            if message.data == POISON[5]:
                assert record["kind"] == "event"
                assert json.loads(record["leaf_input"])["event"] == json.loads(message.data)
            else:
                assert (record["kind"], record["private"]["bytes"]) == ("poison", message.data)
        nul, big = records[21 + 4], records[20 + len(odd)]
        assert nul["problem"] == big["problem"] == make.NOT_STORABLE
        assert {r["kind"] for s, r in records.items() if s <= 20 or s > 20 + len(odd)} == {"event"}


async def test_a_redelivered_batch_changes_nothing(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: killed between insert and ack, the redelivery is a no-op."""
    sent = mixture(300, seed=2)
    await send_all(publisher, sent)
    replica = await Replica(audit_settings).prepare()
    record = replica.parts.record
    inserted: list[int] = []
    original = record._insert
    dies = True

    async def insert_and_die(*args: object) -> None:
        nonlocal dies
        await original(*args)  # type: ignore[arg-type]
        inserted.append(1)
        if dies:
            dies = len(inserted) < 3
            raise ConnectionError("the process dies before it can ack")

    record._insert = insert_and_die  # type: ignore[method-assign,assignment]
    await replica.start(follow=False)
    try:
        await eventually(lambda: len(inserted) >= 3, within=20)
        before = await replica.records()
        record._insert = original  # type: ignore[method-assign]

        async def all_acked() -> bool:
            info = await replica.broker.connection.jetstream().consumer_info("SUPPORT", "audit")
            return (info.num_ack_pending, info.num_pending) == (0, 0)

        await eventually(all_acked, within=20)
        assert await replica.records() == before
        assert len(before) == 300
    finally:
        await replica.stop()


async def test_an_id_used_again_for_other_content_is_told(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I3: the copy has no effect, and the record says in what it differs."""
    history = History()
    first = history.opens(history.says())
    other = first.model_copy(update={"caseid": "CASE-9"})
    await send(publisher, [plain(e) for e in history.events])
    await send(publisher, [plain(first, "again-1"), plain(other, "again-2")])
    async with running(audit_settings) as replica:
        await replica.complete(4)
        records = await replica.records()
        assert [(r["kind"], r["of"], r["differs"]) for r in records[2:]] == [
            ("duplicate", 2, []),
            ("duplicate", 2, ["caseid"]),
        ]
        assert ("cases", "main:CASE-9") not in await replica.views()


async def test_a_second_log_from_the_same_stream_has_the_same_leaves(
    audit_settings: AuditSettings, publisher: StreamPublisher, mongo_url: str
) -> None:
    """INVARIANT I6: an empty MongoDB is filled from the stream, though all of it was acked."""
    await send_all(publisher, mixture(1500, seed=3))
    async with running(audit_settings) as replica:
        await replica.complete(1500)
        records, views = await replica.records(), await replica.views()
    again = audit_settings.model_copy(
        update={"mongo_url": SecretStr(mongo_url.replace("?", "_again?"))}
    )
    async with running(again) as replica:
        await replica.complete(1500)
        assert await replica.records() == records
        assert await replica.views() == views
