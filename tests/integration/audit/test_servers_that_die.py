"""INVARIANT I10: whoever is killed, nothing is lost, nothing is written twice."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from casetrail_audit.adapters.jetstream_audit import JetStreamAudit
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.ports import StreamUnavailable
from casetrail_audit.settings import AuditSettings
from casetrail_local.ports import free_port
from casetrail_local.servers import MongoServer, NatsServer
from casetrail_runtime.broker import make_broker
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.publisher.writing import Message
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES
from nats.js import JetStreamContext

from tests.integration.audit.conftest import WITH_EXTRA
from tests.integration.audit.publishing import Published, mixture, send, send_all
from tests.integration.audit.replica import KEY, Replica, running, settings_for, told
from tests.support.waiting import eventually

SOME = 3000


async def assert_whole(replica: Replica, sent: Sequence[Published], js: JetStreamContext) -> None:
    """One record and one message on audit.> for each sequence; the views equal a rebuild."""
    await replica.complete(len(sent), within=90)
    records = await replica.records()
    assert [r["_id"] for r in records] == list(range(1, len(sent) + 1))
    assert [r["subject_nats"] for r in records] == [message.subject for message in sent]
    assert [(h.seq, h.leaf) for h in await told(js)] == [
        (r["_id"], r["leaf"].hex()) for r in records
    ]
    assert await replica.rebuilt_views() == await replica.views()


async def test_mongod_killed_while_records_are_written(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    own_mongo: MongoServer,
    js: JetStreamContext,
) -> None:
    """INVARIANT I10: kill -9 of MongoDB; the log stands still, then goes on by itself."""
    settings = settings_for(
        audit_settings.nats_url.get_secret_value(), own_mongo.database_url("audit"), batch=50
    )
    sent = mixture(SOME, seed=5)
    await send_all(publisher, sent[: SOME // 2])
    async with running(settings) as replica:

        async def under_way() -> bool:
            return bool(await replica.db["records"].estimated_document_count() > 300)

        await eventually(under_way, within=20)
        own_mongo.kill()
        await send_all(publisher, sent[SOME // 2 :])
        own_mongo.start()
        await assert_whole(replica, sent, js)


async def test_nats_killed_while_records_are_written(own_nats: NatsServer, mongo_url: str) -> None:
    """INVARIANT I10: kill -9 of NATS between deliveries, acks and publications."""
    settings = settings_for(own_nats.url, mongo_url, batch=50)
    broker = make_broker(settings, "tests", exit_after=None)
    await broker.start()
    js = broker.connection.jetstream()
    await apply_all(js, WITH_EXTRA, DURABLES)
    publisher = StreamPublisher(broker, "SUPPORT", timeout=60)
    sent = mixture(SOME, seed=6)
    await send_all(publisher, sent)
    async with running(settings) as replica:
        for threshold in (500, 1500):

            async def under_way(least: int = threshold) -> bool:
                return bool(await replica.db["records"].estimated_document_count() > least)

            await eventually(under_way, within=30)
            own_nats.kill()
            own_nats.start()
        await assert_whole(replica, sent, js)
    await publisher.close()
    await broker.stop()


@asynccontextmanager
async def follower_that_dies(
    settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext, at: tuple[type, str]
) -> AsyncIterator[Replica]:
    """A follower whose every step ends at this method, while the block looks at what it left.

    Behind the block another one takes over, and a thousand messages are whole.
    """
    sent = mixture(1000, seed=7)
    await send_all(publisher, sent)
    first = await Replica(settings).prepare()

    def dies(*_: Any, **__: Any) -> Any:
        raise ConnectionError("killed here")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(*at, dies)
        await first.start()
        yield first
        await first.stop()
    heir = settings.model_copy(update={"instance": "replica-2"})
    async with running(heir) as replica:
        await assert_whole(replica, sent, js)


async def test_a_follower_that_dies_between_views_and_publication(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I10: what was folded and not told is told by the next one, once and in order."""
    at = (JetStreamAudit, "publish")
    async with follower_that_dies(audit_settings, publisher, js, at) as first:

        async def folded() -> bool:
            views = await first.db["projections"].find_one({"_id": "views"})
            return views is not None and views["as_of_seq"] == 1000

        await eventually(folded, within=30)
        assert await told(js) == []


async def test_a_follower_that_dies_between_publication_and_book(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I10: what was told before the book said so is what the next one counts, once."""
    at = (MongoLogBook, "update_for")  # of the book alone, and of the book with the views
    async with follower_that_dies(audit_settings, publisher, js, at) as first:

        async def told_some() -> bool:
            return await first.published() > 0

        await eventually(told_some, within=30)
        await asyncio.sleep(1)  # it tries again and again, and gets no further
        book = await first.db["log"].find_one({"_id": "SUPPORT"})
        assert book is not None
        assert book["complete_through"] == 0
        assert await first.views() == {}


async def forget_ids_at_once(js: JetStreamContext) -> None:
    """Lets the stream AUDIT forget message ids after 0.1 s, as after its duplicate window."""
    config = (await js.stream_info("AUDIT")).config
    config.duplicate_window = 0.1
    await js.update_stream(config)


class LosesAnswers(JetStreamAudit):
    """Every second publication is stored and its acknowledgement never arrives."""

    published_times = 0

    async def _store(self, messages: Sequence[Message]) -> int | None:
        stored_at = await super()._store(messages)
        self.published_times += 1
        if self.published_times % 2:
            self._last = None
            await asyncio.sleep(0.2)  # longer than the stream remembers ids
            raise StreamUnavailable("the answer is lost")
        return stored_at


async def test_a_publication_whose_answer_is_lost_is_not_repeated(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I10: stored, but nobody heard it: the stream itself says where to go on."""
    sent = mixture(1500, seed=8)
    await send_all(publisher, sent)
    replica = await Replica(audit_settings).prepare()
    await forget_ids_at_once(js)
    audit = LosesAnswers(replica.broker)
    replica.parts.follow._publish._audit = audit
    await replica.start()
    try:
        await assert_whole(replica, sent, js)
        assert audit.published_times > 2
    finally:
        await replica.stop()


async def test_two_followers_at_once_do_what_one_would(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I10: a lease is for efficiency; without it nothing is folded or told twice."""
    sent = mixture(SOME, seed=9)

    async def always() -> bool:
        return True

    replicas = []
    for n in range(3):
        settings = audit_settings.model_copy(update={"instance": f"r{n}", "batch": 20})
        replica = await Replica(settings).prepare()
        replica.parts.follow._has_lease = always  # type: ignore[method-assign]
        replicas.append(replica)
    await forget_ids_at_once(js)
    for replica in replicas:
        await replica.start()
    try:
        for start in range(0, SOME, 100):
            await send_all(publisher, sent[start : start + 100])
        await assert_whole(replicas[0], sent, js)
    finally:
        for replica in replicas:
            await replica.stop()


class AuditProcess:
    """`python -m casetrail_audit` as an operator runs it."""

    def __init__(self, nats_url: str, mongo_url: str) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            "AUDIT_NATS_URL": nats_url,
            "AUDIT_MONGO_URL": mongo_url,
            "AUDIT_WORKSPACE_KEY": KEY,
            "AUDIT_PORT": str(self.port),
            "AUDIT_LEASE_SECONDS": "1",
            "AUDIT_SIGNING_KEY": "00" * 32,
        }
        self._process: Process | None = None

    async def start(self) -> None:
        """Starts it; it may not answer yet."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "casetrail_audit",
            env=self._environment,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Ends it; its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return await self._process.wait()

    async def get(self, path: str) -> httpx.Response | None:
        """What it answers; None while it does not."""
        async with httpx.AsyncClient() as client:
            try:
                return await client.get(f"http://127.0.0.1:{self.port}{path}")
            except httpx.TransportError:
                return None

    async def ready(self) -> bool:
        """True when it says so."""
        response = await self.get("/readyz")
        return response is not None and response.status_code == 200


async def test_the_service_killed_again_and_again(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    mongo_url: str,
    js: JetStreamContext,
) -> None:
    """INVARIANT I10: kill -9 of the process at any moment, and it answers its health routes."""
    sent = mixture(1500, seed=10)
    service = AuditProcess(audit_settings.nats_url.get_secret_value(), mongo_url)
    sending = asyncio.create_task(send(publisher, sent))
    observer = Replica(audit_settings)
    await observer.broker.connect()
    try:
        for round_ in range(4):
            await service.start()

            async def some_more(least: int = round_ * 200) -> bool:
                return bool(await observer.db["records"].estimated_document_count() > least)

            await eventually(some_more, within=40)
            await service.kill()
        await service.start()
        await sending
        await eventually(service.ready, within=40)
        metrics, live, schema = [
            await service.get(path) for path in ("/metrics", "/livez", "/asyncapi.json")
        ]
        assert metrics is not None
        assert "casetrail_log_complete_through" in metrics.text
        assert live is not None
        assert live.status_code == 200
        assert schema is not None
        assert schema.json()["asyncapi"] == "3.0.0"
        await assert_whole(observer, sent, js)
        assert await service.kill(signal.SIGTERM) in {0, -signal.SIGTERM}
    finally:
        await sending
        await observer.stop()
