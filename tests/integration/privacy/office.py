"""Audit, routing, tickets and the gateway on real servers, and everything that is kept in them."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from casetrail_audit.main import create_app as audit_app
from casetrail_audit.settings import AuditSettings
from casetrail_contracts import Actor, Event
from casetrail_contracts.registry.message import MessageReceived, WebhookOrigin
from casetrail_routing.main import create_app as routing_app
from casetrail_routing.settings import RoutingSettings
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.mongo import Database, make_client
from casetrail_runtime.publisher import StreamPublisher
from casetrail_tickets.main import create_app as tickets_app
from casetrail_tickets.settings import TicketsSettings
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from tests.integration.audit.replica import settings_for
from tests.integration.gateway import test_gateway_on_real_servers as gateways
from tests.support.fixtures import Addresses
from tests.support.servers import MongoForTests, NatsForTests
from tests.support.waiting import eventually

CV, OTHER_CV = "cv_6ajxh7e6vooz6cksap7wr3rmvq", "cv_bbbbbbbbbbbbbbbbbbbbbbbbbb"
AT = datetime(2026, 11, 22, 10, 11, 52, tzinfo=UTC)
SERVICES = ("audit", "routing", "tickets")
ADMIN, SECOND = "token-admin", "token-second"


def said(number: int, text: str, conversation: str = CV, phone: str = "923001114291") -> Event:
    """What a customer wrote."""
    return Event.build(
        MessageReceived(
            actor=Actor(kind="customer", id=conversation),
            message_id=f"ms_{number}",
            message_type="text",
            phone_number_id="1",
            origin=WebhookOrigin(received_at=AT, body_mac="ab" * 32, position="0.0.messages.0"),
        ),
        workspace="main",
        source="ingest",
        subject=f"message/ms_{number}",
        time=AT + timedelta(seconds=number),
        id=f"said-{number}",
        conversationid=conversation,
        private={
            "text": text,
            "phone": phone,
            "name": "Sana Qureshi" if conversation == CV else "Omar",
            "raw": json.dumps({"body": text}),
        },
    )


def tokens(path: Path) -> Path:
    """A tokens file: one person per role, and a second administrator."""
    people = [(role, role, role) for role in ("agent", "lead", "reviewer", "admin", "service")]
    entries = [
        {
            "token_sha256": hashlib.sha256(f"token-{name}".encode()).hexdigest(),
            "id": id_,
            "name": id_.title(),
            "role": role,
            "workspace": "main",
            "expires_at": None,
        }
        for name, id_, role in [*people, ("second", "second", "admin")]
    ]
    path.write_text(json.dumps(entries))
    return path


@dataclass(frozen=True)
class Office:
    """The running services."""

    js: JetStreamContext
    databases: dict[str, Database]
    publisher: StreamPublisher
    client: httpx.AsyncClient
    audit_settings: AuditSettings

    @property
    def audit(self) -> Database:
        """The database of the log."""
        return self.databases["audit"]

    async def hear(self, *events: Event) -> None:
        """Messages arrive, and everybody has handled them."""
        await self.publisher.publish_all(list(events))
        await self.quiet()

    async def quiet(self) -> None:
        """Returns when no service has anything to do and the log is complete."""

        async def settled() -> bool:
            last = (await self.js.stream_info("SUPPORT")).state.last_seq
            for durable in SERVICES:
                info = await self.js.consumer_info("SUPPORT", durable)
                assert (info.num_pending, info.num_ack_pending) == (0, 0)
            views = await self.audit["projections"].find_one({"_id": "views"})
            assert views is not None
            assert views["as_of_seq"] == last
            for database in self.databases.values():
                for name in await database.list_collection_names():
                    assert await database[name].find_one({"outbox.0": {"$exists": True}}) is None
            return (await self.js.stream_info("SUPPORT")).state.last_seq == last

        await eventually(settled, within=30)

    async def post(self, path: str, body: Any, token: str = ADMIN) -> httpx.Response:
        """A command."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, token: str = ADMIN) -> Any:
        """An answer that must be good."""
        answer = await self.client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def erase(
        self, scope: dict[str, Any], policy: str = "customer-request", **more: Any
    ) -> str:
        """The id of an erasure that is done."""
        body = {"scope": scope, "policy": policy, "reason": "asked by letter", **more}
        answer = await self.post("/v1/privacy/erasures", body)
        assert answer.status_code == 202, answer.text
        erasure_id: str = answer.json()["erasure_id"]
        await self.done(erasure_id)
        await self.quiet()
        return erasure_id

    async def done(self, erasure_id: str) -> Any:
        """The erasure, once the log says that it has ended."""

        async def ended() -> Any:
            answer = await self.client.get(
                f"/v1/privacy/erasures/{erasure_id}",
                headers={"Authorization": f"Bearer {ADMIN}"},
            )
            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert told["status"] != "requested", told
            return told

        return await eventually(ended, within=30)

    async def records(self) -> list[dict[str, Any]]:
        """Every record, in order."""
        return [record async for record in self.audit["records"].find().sort("_id", 1)]

    async def everything(self) -> dict[str, str]:
        """Every document of every database and every message of every stream, as text."""
        kept = {}
        for service, database in self.databases.items():
            for name in await database.list_collection_names():
                async for document in database[name].find():
                    kept[f"{service}.{name} {document['_id']}"] = _text(document)
        for stream in ("SUPPORT", "AUDIT", "DEAD"):
            for seq, data in await messages(self.js, stream):
                kept[f"{stream} {seq}"] = data.decode("utf-8", "backslashreplace")
        return kept


async def messages(js: JetStreamContext, stream: str) -> Sequence[tuple[int, bytes]]:
    """What a stream holds, by sequence."""
    found = []
    state = (await js.stream_info(stream)).state
    for seq in range(state.first_seq or 1, state.last_seq + 1):
        try:
            found.append((seq, (await js.get_msg(stream, seq)).data or b""))
        except NotFoundError:
            continue
    return found


def _text(value: Any) -> str:
    """A document with its bytes as they would read."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


@asynccontextmanager
async def open_office(
    nats_server: NatsForTests,
    mongo_server: MongoForTests,
    js: JetStreamContext,
    broker: ServiceBroker,
    folder: Path,
) -> AsyncIterator[Office]:
    """All services, each with a database of its own."""
    nats_url, name = nats_server.url, hashlib.sha256(str(folder).encode()).hexdigest()[:10]
    urls = {each: mongo_server.database_url(f"p_{name}_{each}") for each in SERVICES}
    given = {"nats_url": SecretStr(nats_url), "log_level": "WARNING"}
    audit = settings_for(nats_url, urls["audit"], seal_every=0.2)
    apps = [
        audit_app(audit),
        routing_app(
            RoutingSettings.model_validate({**given, "mongo_url": SecretStr(urls["routing"])})
        ),
        tickets_app(
            TicketsSettings.model_validate({**given, "mongo_url": SecretStr(urls["tickets"])})
        ),
    ]
    async with AsyncExitStack() as running:
        for app in apps:
            await app.start()
            running.push_async_callback(app.stop)
        databases = {}
        for service, url in urls.items():
            client = make_client(Addresses(mongo_url=SecretStr(url)), "tests")
            running.callback(client.close)
            databases[service] = client.get_default_database()
        gateway = await running.enter_async_context(
            gateways.running(
                nats_url, urls["audit"], tokens(folder / "tokens.json"), command_timeout=5.0
            )
        )
        publisher = StreamPublisher(broker, "SUPPORT")
        running.push_async_callback(publisher.close)
        yield Office(js, databases, publisher, gateway, audit)
