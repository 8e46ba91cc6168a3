"""The webhook forwarder on real servers: signed, in order, once in effect, whatever happens."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from casetrail_audit.forwarding.assembly import Forwarding
from casetrail_audit.forwarding.command import webhooks
from casetrail_audit.forwarding.endpoint import secret_of
from casetrail_audit.forwarding.settings import WebhooksSettings
from casetrail_runtime.broker import make_broker
from casetrail_runtime.mongo import database, make_client
from casetrail_runtime.streams import StreamsMisconfigured
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry, generate_latest

from tests.integration.docs.test_subscribe_how_to import record
from tests.support.processes import ROOT
from tests.support.receiver import Receiver, Said, receiver
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
FILE = """
webhooks:
  - name: desk
    url: {url}
    secrets: [env:WEBHOOK_NEW, env:WEBHOOK_OLD]
    workspace: main
    subjects: [conversation.*, ticket.*]
    start: beginning
"""


class Desk:
    """An endpoint, the records that go to it, and the variables of its forwarder."""

    def __init__(self, js: JetStreamContext, got: Receiver, env: dict[str, str]) -> None:
        self.js = js
        self.got = got
        self.env = env

    async def tell(
        self, first: int, last: int, subject: str = "main.conversation.assigned"
    ) -> None:
        """Records as audit publishes them."""
        for seq in range(first, last + 1):
            await self.js.publish(
                f"audit.{subject}",
                record(seq).model_dump_json().encode(),
                headers={"Nats-Msg-Id": f"audit:{seq}"},
            )

    async def command(self, *arguments: str) -> int:
        """The forwarder's command, in this process."""
        return await asyncio.to_thread(webhooks, arguments)

    async def has(self, *seqs: int) -> None:
        """The endpoint took exactly these, in this order."""

        async def taken() -> bool:
            assert self.got.ids == [f"audit:{seq}" for seq in seqs]
            return True

        await eventually(taken, within=40)

    @asynccontextmanager
    async def forwarding(self) -> AsyncIterator[CollectorRegistry]:
        """A forwarder in this process; its figures."""
        settings, registry = WebhooksSettings(), CollectorRegistry()
        broker, client = make_broker(settings, "hooks", exit_after=None), make_client(settings, "h")
        forwarding = Forwarding(settings, broker, database(client), registry)
        await broker.start()
        await forwarding.prepare()
        await forwarding.start()
        try:
            yield registry
        finally:
            await forwarding.stop()
            await broker.stop()
            client.close()


@pytest.fixture
async def desk(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    """Its durable is declared, nobody forwards yet."""
    async with receiver() as got:
        file = tmp_path / "webhooks.yaml"
        file.write_text(FILE.format(url=got.url))
        env = {
            "WEBHOOK_NEW": SECRET,
            "WEBHOOK_OLD": OLD,
            "AUDIT_WEBHOOKS_NATS_URL": nats_server.url,
            "AUDIT_WEBHOOKS_MONGO_URL": mongo_url,
            "AUDIT_WEBHOOKS_FILE": str(file),
            "AUDIT_WEBHOOKS_ALLOW": "127.0.0.0/8",
            "AUDIT_WEBHOOKS_TIMEOUT": "0.8",
            "AUDIT_WEBHOOKS_ACK_WAIT": "2",
            "AUDIT_WEBHOOKS_RETRY_FIRST": "0.02",
            "AUDIT_WEBHOOKS_RETRY_MOST": "0.2",
            "AUDIT_WEBHOOKS_PORT": "0",
            "AUDIT_WEBHOOKS_LOG_LEVEL": "warning",
        }
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        made = Desk(streams_applied, got, env)
        assert await made.command("apply") == 0
        yield made


async def test_records_arrive_signed_and_in_order(desk: Desk) -> None:
    """As published, by both secrets, only what the filter says; nothing is declared by `run`."""
    await desk.tell(1, 3)
    await desk.tell(4, 4, "main.access.viewed")  # not asked for
    await desk.tell(5, 5, "other.conversation.assigned")  # another workspace
    await desk.tell(6, 6, "main.ticket.created")
    async with desk.forwarding():
        await desk.has(1, 2, 3, 6)
    stored = await desk.js.get_msg("AUDIT", 1)
    first = desk.got.taken[0]
    assert first.body == stored.data
    assert all(first.is_signed(secret_of(each)) for each in (SECRET, OLD))
    assert not first.is_signed(bytes(32) + b"x")
    assert first.headers["host"] == f"127.0.0.1:{desk.got.port}"
    assert len(desk.got.taken) == 4
    assert await desk.command("check") == 0
    await desk.js.delete_consumer("AUDIT", "webhook_desk")
    assert await desk.command("check") == 1
    with pytest.raises(StreamsMisconfigured):
        async with desk.forwarding():
            pass


async def test_whatever_the_endpoint_does_order_holds(desk: Desk) -> None:
    """Errors, slowness, a redirect, Retry-After: tried again with the same id, in its turn."""
    elsewhere = {"location": "http://127.0.0.1:9/elsewhere"}
    desk.got.script = [
        Said(500),
        Said(503, {"retry-after": "1"}),
        Said(302, elsewhere),
        Said(200, after=1.5),  # longer than an attempt may take
        Said(200),
        Said(429),
    ]
    await desk.tell(1, 3)
    async with desk.forwarding() as registry:
        await desk.has(1, 2, 3)

        async def counted() -> bool:  # the endpoint has its answer before the forwarder counts it
            figures = generate_latest(registry).decode()
            return 'casetrail_webhook_delivered_total{endpoint="desk"} 3.0' in figures

        await eventually(counted, within=20)
        figures = generate_latest(registry).decode()
    assert 'casetrail_webhook_failed_total{endpoint="desk"} 5.0' in figures
    moments = [int(taken.headers["webhook-timestamp"]) for taken in desk.got.taken]
    assert moments[2] - moments[1] >= 1


async def test_an_endpoint_that_is_away_gets_everything_when_it_is_back(desk: Desk) -> None:
    """Stopped in the middle and started again: nothing is lost and nothing is out of order."""
    await desk.tell(1, 5)
    async with desk.forwarding():
        await desk.has(1, 2, 3, 4, 5)
        await desk.got.stop()
        await desk.tell(6, 10)
        client = make_client(WebhooksSettings(), "tests")
        book = database(client)["webhooks"]

        async def noticed() -> bool:
            found = await book.find_one({"_id": "desk"})
            return found is not None and found["trouble"]["attempts"] > 1

        await eventually(noticed, within=20)
        await desk.got.start()
        await desk.has(*range(1, 11))
        client.close()


async def test_gone_turns_it_off_until_somebody_turns_it_on(desk: Desk) -> None:
    """410: nothing goes there any more, also after a restart; then it goes on where it stood."""
    desk.got.script = [Said(200), Said(410)]
    await desk.tell(1, 4)
    async with desk.forwarding() as registry:

        async def off() -> bool:
            return b'casetrail_webhook_disabled{endpoint="desk"} 1.0' in generate_latest(registry)

        await eventually(off, within=20)
    async with desk.forwarding() as registry:
        await eventually(off, within=20)
        assert [taken.status for taken in desk.got.taken] == [200, 410]
        assert await desk.command("enable", "nobody") == 2
        assert await desk.command("enable", "desk") == 0
        await desk.has(1, 2, 3, 4)


async def test_what_nobody_takes_is_set_aside_and_the_next_one_goes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so long a dead letter with reason and endpoint; it can be sent once more by hand."""
    monkeypatch.setenv("AUDIT_WEBHOOKS_GIVE_UP", "0.3")
    desk.got.script = [Said(500)] * 8
    await desk.tell(1, 3)

    async def aside() -> Any:
        assert (await desk.js.stream_info("DEAD")).state.messages == 1
        return await desk.js.get_msg("DEAD", 1)

    async with desk.forwarding():
        letter = await eventually(aside, within=20)
        desk.got.script.clear()

        async def went_on() -> bool:
            return desk.got.ids[-1:] == ["audit:3"]

        await eventually(went_on, within=20)
    assert letter.subject == "dead.audit.webhook"
    assert letter.headers["endpoint"] == "desk"
    assert letter.headers["reason"] == "webhook desk: it answers 500"
    assert "audit:1" not in desk.got.ids
    assert letter.data == (await desk.js.get_msg("AUDIT", 1)).data
    assert await desk.command("resend", "1") == 0
    assert desk.got.ids[-1] == "audit:1"
    assert await desk.command("resend", "99") == 1


async def test_killed_again_and_again_it_is_once_in_effect_and_in_order(desk: Desk) -> None:
    """INVARIANT I10: kill -9 at any moment: by their ids each record once, and in order."""
    count = 60
    await desk.tell(1, count)
    for least in (5, 30):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "casetrail_audit", "webhooks", "run"),
            cwd=ROOT,
            env={**os.environ, **desk.env},
            stdin=asyncio.subprocess.DEVNULL,
        )

        async def so_many(least: int = least) -> bool:
            return len(desk.got.ids) >= least

        try:
            await eventually(so_many, within=60)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
    async with desk.forwarding():
        await desk.has(*range(1, count + 1))
    received = [taken.id for taken in desk.got.taken]
    repeated = [id_ for id_, after in pairwise(received) if id_ == after]
    assert len(received) == count + len(repeated)  # a repetition comes at once or not at all
    assert len(repeated) <= 2


async def test_two_forwarders_share_an_endpoint_without_disorder(desk: Desk) -> None:
    """The stream hands out one message at a time, whoever asks."""
    await desk.tell(1, 40)
    async with desk.forwarding(), desk.forwarding():
        await desk.has(*range(1, 41))
    assert len(desk.got.taken) == 40


async def test_an_address_that_is_not_allowed_is_never_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the network in the settings nothing leaves, and the reason is kept."""
    monkeypatch.setenv("AUDIT_WEBHOOKS_ALLOW", "10.0.0.0/8")
    await desk.tell(1, 1)
    async with desk.forwarding():
        client = make_client(WebhooksSettings(), "tests")

        async def said() -> str:
            found = await database(client)["webhooks"].find_one({"_id": "desk"})
            assert found is not None
            problem: str = found["trouble"]["problem"]
            return problem

        assert "without TLS" in await eventually(said, within=20)
        client.close()
    assert desk.got.taken == []
