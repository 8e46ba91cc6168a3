"""What each user of NATS may, asked of a real server with the configuration we ship."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import nats.errors
import pytest
from casetrail_contracts.registry import EVENT_TYPES
from casetrail_local.servers import NatsServer
from casetrail_runtime.connecting import Entrance
from casetrail_runtime.nats_users.__main__ import main, make_keys
from casetrail_runtime.nats_users.config import keys_conf, users_conf
from casetrail_runtime.nats_users.permissions import users
from casetrail_runtime.nkeys import UserKey
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.aio.client import Client
from nats.aio.msg import Msg

SERVICES = ("ingest", "routing", "tickets", "audit", "gateway")


class House:
    """A server that knows its users, with the streams of Casetrail."""

    def __init__(self, server: NatsServer, keys: Path) -> None:
        self.server = server
        self.keys = keys

    def entrance(self, user: str, *, nkey: str | None = None) -> Entrance:
        """How a user comes in."""
        seed = nkey or (self.keys / f"{user}.nk").read_text()
        return Entrance([self.server.url], user, seed.strip())

    @asynccontextmanager
    async def client(self, user: str) -> AsyncIterator[tuple[Client, list[str]]]:
        """A client of a user, and what the server forbids it."""
        forbidden: list[str] = []

        async def heard(error: Exception) -> None:
            forbidden.append(str(error))  # nats-py tells it in small letters

        client = await self.entrance(user).connected(error_cb=heard, allow_reconnect=False)
        try:
            yield client, forbidden
        finally:
            await client.close()

    async def refused(self, user: str, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects that the user may not publish to."""
        asked = list(subjects)
        async with self.client(user) as (client, forbidden):
            for subject in asked:
                await client.publish(subject, b"{}")
            await client.flush()
            await asyncio.sleep(0.1)
            return _named(asked, forbidden)

    async def deaf(self, user: str, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects that the user may not hear."""
        asked = list(subjects)
        async with self.client(user) as (client, forbidden):
            for subject in asked:
                await client.subscribe(subject)
            await client.flush()
            await asyncio.sleep(0.1)
            return _named(asked, forbidden)


def _named(subjects: Iterable[str], forbidden: Iterable[str]) -> set[str]:
    said = {text.replace("'", '"') for text in forbidden}
    return {each for each in subjects if any(f'"{each.lower()}"' in text for text in said)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterable[House]:
    """One server for the questions of this file."""
    folder = tmp_path_factory.mktemp("users")
    keys = folder / "keys"
    config = users_conf(keys_conf(make_keys(keys)))
    with NatsServer(folder / "nats", users=config) as running:
        yield House(running, keys)


@pytest.fixture
async def house(server: House) -> House:
    """The server with its streams, declared by the user who may."""
    async with server.client("streams") as (client, forbidden):
        await apply_all(client.jetstream(), STREAMS, DURABLES)
        assert forbidden == []
    return server


@pytest.mark.parametrize("service", SERVICES)
async def test_only_owners_publish_their_nouns(house: House, service: str) -> None:
    """Every event type of the registry, tried by every service."""
    others = {
        f"support.main.{kind.noun}.{kind.verb}"
        for kind in EVENT_TYPES.values()
        if kind.owner not in {service, "any"}
    }
    own = {
        f"support.main.{kind.noun}.{kind.verb}"
        for kind in EVENT_TYPES.values()
        if kind.owner in {service, "any"}
    }
    assert others
    assert await house.refused(service, others | own) == others


@pytest.mark.parametrize("user", [user.name for user in users() if user.name != "operator"])
async def test_nobody_listens_in(house: House, user: str) -> None:
    """Neither events nor commands nor another's replies can be heard; records by two only."""
    asked = {"support.>", "command.>", "_INBOX_routing.>", "_INBOX_gateway.>", ">", "dead.>"}
    own = {f"_INBOX_{user}.>"}
    assert await house.deaf(user, asked) == asked - own
    expected = set() if user in {"gateway", "subscriber"} else {"audit.>"}
    assert await house.deaf(user, {"audit.>"}) == expected


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "audit"])
async def test_only_audit_reads_every_event(house: House, service: str) -> None:
    """No reader of one's own on SUPPORT, no read of a message, no other's durable, no erasing."""
    asked = {
        "$JS.API.CONSUMER.CREATE.SUPPORT.mine",
        "$JS.API.CONSUMER.DURABLE.CREATE.SUPPORT.mine",
        "$JS.API.CONSUMER.MSG.NEXT.SUPPORT.audit",
        "$JS.API.STREAM.MSG.GET.SUPPORT",
        "$JS.API.DIRECT.GET.SUPPORT",
        "$JS.API.STREAM.MSG.DELETE.SUPPORT",
        "$JS.API.STREAM.PURGE.SUPPORT",
        "$JS.API.STREAM.UPDATE.SUPPORT",
        "$JS.API.STREAM.DELETE.SUPPORT",
        "audit.main.ticket.closed",
    }
    assert await house.refused(service, asked) == asked


@pytest.mark.parametrize("user", [user.name for user in users() if user.name != "operator"])
async def test_letters_are_taken_by_who_handles_them(house: House, user: str) -> None:
    """The gateway and the forwarder read them; routing, tickets and the eraser take them away."""
    read, take = "$JS.API.STREAM.MSG.GET.DEAD", "$JS.API.STREAM.MSG.DELETE.DEAD"
    takers = {"routing", "tickets", "audit"}
    expected = {name for name in (read, take) if user not in takers}
    if user in {"gateway", "webhooks"}:
        expected = {take}
    assert await house.refused(user, {read, take}) == expected


async def test_audit_itself_neither_empties_nor_changes_a_stream(house: House) -> None:
    """It may take one message out, by order of an erasure, and nothing more."""
    asked = {"$JS.API.STREAM.PURGE.SUPPORT", "$JS.API.STREAM.UPDATE.SUPPORT"}
    asked |= {"$JS.API.STREAM.DELETE.SUPPORT", "$JS.API.CONSUMER.DELETE.SUPPORT.audit"}
    asked |= {
        "support.main.ticket.closed",
        "support.main.message.received",
        "command.routing.assign",
    }
    assert await house.refused("audit", asked) == asked


async def test_only_the_gateway_commands(house: House) -> None:
    """And a service answers what it was asked, and nothing else."""
    for service in ("ingest", "routing", "tickets", "audit", "webhooks", "subscriber", "streams"):
        asked = {"command.routing.assign", "command.tickets.close", "command.ingest.send"}
        assert await house.refused(service, asked) == asked
    async with house.client("routing") as (routing, forbidden), house.client("gateway") as (one, _):

        async def answer(msg: Msg) -> None:
            await msg.respond(b"done")
            await routing.publish("_INBOX_gateway.made.up", b"listen to me")

        await routing.subscribe("command.routing.assign", queue="routing", cb=answer)
        await routing.flush()
        assert (await one.request("command.routing.assign", b"{}", timeout=5)).data == b"done"
        await routing.flush()
        await asyncio.sleep(0.1)
        assert len(forbidden) == 1
        assert _named(["_INBOX_gateway.made.up"], forbidden)


async def test_a_key_nobody_knows_and_no_key_stay_outside(house: House) -> None:
    """Also one who says another's name."""
    unknown = house.entrance("routing", nkey=UserKey.new().seed)
    for entrance in (unknown, Entrance([house.server.url], "routing")):
        with pytest.raises((nats.errors.Error, OSError)):
            await entrance.connected(
                allow_reconnect=False, connect_timeout=2, max_reconnect_attempts=1
            )


def test_keys_are_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run keeps them; a damaged one is named and not replaced; none is printed."""
    assert main(["keys", str(tmp_path)]) == 0
    seeds = {path.name: path.read_text() for path in tmp_path.glob("*.nk")}
    assert len(seeds) == len(users())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.nk")} == {0o600}
    (tmp_path / "audit.nk").unlink()
    assert main(["keys", str(tmp_path)]) == 0
    again = {path.name: path.read_text() for path in tmp_path.glob("*.nk")}
    assert [name for name in seeds if seeds[name] != again[name]] == ["audit.nk"]
    (tmp_path / "audit.nk").write_text("hunter2")
    assert main(["keys", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "audit.nk is no NKEY seed" in said.err
    assert "hunter2" not in said.err
    assert not [seed for seed in seeds.values() if seed.strip() in said.out]
