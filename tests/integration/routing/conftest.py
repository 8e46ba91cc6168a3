"""Replicas of routing on real servers, and what the stream holds afterwards."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from casetrail_contracts import Event, parse_event
from casetrail_contracts.subjects import ROUTING_DURABLE, SUPPORT
from casetrail_routing.adapters import mongo
from casetrail_routing.adapters.queue_drainer import QueueDrainer
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.main import Routing, assemble, create_app
from casetrail_routing.settings import RoutingSettings
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from faststream.asgi import AsgiFastStream
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.support.servers import NatsForTests
from tests.unit.routing import samples


class StartReplica(Protocol):
    """Starts one more replica; what is given replaces settings of the bench."""

    async def __call__(self, **changes: float | Path) -> AsgiFastStream: ...


@dataclass(frozen=True)
class Bench:
    """Everything a test of routing touches; the servers are real."""

    settings: RoutingSettings
    db: Database
    js: JetStreamContext
    commands: CommandClient
    publisher: StreamPublisher
    start: StartReplica
    sent: list[int] = field(default_factory=list)
    """Stream sequences of what `send` stored."""

    async def on_duty(self, *user_ids: str, capacity: int = 10) -> None:
        """Users that exist and are on shift, made by commands."""
        for user_id in user_ids:
            created = await self.commands.send(samples.user_create(user_id, capacity=capacity))
            started = await self.commands.send(samples.shift_start(user_id))
            assert (created.status, started.status) == ("ok", "ok")

    async def send(self, *messages: Event, copies: int = 1) -> None:
        """Stores messages in the stream; copies have Nats-Msg-Ids of their own."""
        for copy in range(copies):
            for message in messages:
                msg_id = message.id if copy == 0 else f"{message.id}/{copy}"
                await self.send_as(msg_id, message)

    async def send_as(self, msg_id: str, message: Event) -> None:
        """Stores a message under a Nats-Msg-Id of the test's choice."""
        ack = await self.publisher.publish_raw(message.nats_subject, message.to_bytes(), msg_id)
        self.sent.append(ack.seq)

    async def events(self, subject: str | None = None) -> list[Event]:
        """Every event of the stream, or those of one subject, in stream order."""
        last = (await self.js.stream_info(SUPPORT)).state.last_seq
        stored = [await self.js.get_msg(SUPPORT, seq) for seq in range(1, last + 1)]
        events = [parse_event(msg.data or b"") for msg in stored]
        return [event for event in events if subject in {None, event.subject}]

    async def verbs(self, conversation_id: str) -> list[str]:
        """What the stream says of a conversation: `opened`, `queued`, …"""
        events = await self.events(f"conversation/{conversation_id}")
        return [event.type.split(".")[2] for event in events]

    async def all_handled(self) -> bool:
        """Whether the durable has handled everything that was sent."""
        info = await self.js.consumer_info(SUPPORT, ROUTING_DURABLE)
        return info.ack_floor is not None and info.ack_floor.stream_seq >= max(self.sent)

    async def outboxes_empty(self) -> bool:
        """Whether the relay has published everything."""
        waiting = {"outbox.0": {"$exists": True}}
        left = [
            await self.db[name].count_documents(waiting)
            for name in (mongo.CONVERSATIONS, mongo.USERS)
        ]
        return sum(left) == 0

    async def conversation(self, conversation_id: str) -> Conversation:
        """The stored state of a conversation."""
        store = mongo.MongoConversationStore(self.db[mongo.CONVERSATIONS])
        found = await store.load(f"main:{conversation_id}")
        assert found is not None
        assert found.state is not None
        return found.state

    async def slots(self, user_id: str) -> list[dict[str, Any]]:
        """The slots that are taken at a user."""
        found = await self.db[mongo.USERS].find_one({"_id": f"main:{user_id}"})
        assert found is not None
        return list(found.get("slots", []))

    def use_cases(self, **changes: Path) -> Routing:
        """The use cases of one more process, without its background tasks."""
        drainer = QueueDrainer(sweep_every=60, reconcile_every=60)
        settings = self.settings.model_copy(update=changes)
        return assemble(self.db, self.publisher, drainer, settings)


@pytest.fixture
async def bench(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    broker: ServiceBroker,
    mongo_url: str,
    mongo_db: Database,
) -> AsyncIterator[Bench]:
    """Servers with streams and an empty database; replicas are stopped in the end."""
    settings = RoutingSettings(
        nats_url=SecretStr(nats_server.url),
        mongo_url=SecretStr(mongo_url),
        sweep_seconds=0.2,
        reconcile_seconds=0.3,
        slot_grace_seconds=0.5,
        waiting_seconds=3600,  # the messages of the tests are days old
        log_level="WARNING",
    )
    async with AsyncExitStack() as replicas:

        async def start(**changes: float | Path) -> AsgiFastStream:
            app = create_app(settings.model_copy(update=changes))
            await app.start()
            replicas.push_async_callback(app.stop)
            return app

        publisher = StreamPublisher(broker, SUPPORT)
        yield Bench(settings, mongo_db, streams_applied, CommandClient(broker), publisher, start)
