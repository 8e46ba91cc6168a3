"""Carrying out a command, without a server."""

from typing import ClassVar

from casetrail_contracts import Actor
from casetrail_contracts.commands import Command, CommandReply
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.commands import carry_out, serve
from faststream.nats import TestNatsBroker
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.support.fixtures import Addresses

NOBODY = Addresses(nats_url=SecretStr("nats://127.0.0.1:1"))


class PingDesk(Command):
    """Asks the desk."""

    service: ClassVar[str] = "desk"
    verb: ClassVar[str] = "ping"


ASKED = PingDesk(id="c1", workspace="main", actor=Actor(kind="agent", id="a"))


async def answer(asked: PingDesk) -> CommandReply:
    """The id of what was asked."""
    return CommandReply.ok(id=asked.id)


async def test_a_command_is_carried_out() -> None:
    """The reply is the handler's."""
    reply = await carry_out(PingDesk, answer, ASKED.model_dump_json().encode())
    assert reply == CommandReply.ok(id="c1")


async def test_a_fault_is_logged_and_answered() -> None:
    """The log has the type and place of the fault, the reply only the command's id."""

    async def fail(_: PingDesk) -> CommandReply:
        raise LookupError("secret words")

    with capture_logs() as logged:
        reply = await carry_out(PingDesk, fail, ASKED.model_dump_json().encode())
    assert (reply.status, reply.code) == ("failed", "internal")
    assert reply.detail == "The command could not be carried out; the log names it by its id c1."
    assert [entry["event"] for entry in logged] == ["command failed"]
    assert "LookupError" in str(logged)


async def test_a_served_command_works_in_memory_and_is_described() -> None:
    """The in-memory broker answers; AsyncAPI has the command's fields."""
    desk = make_broker(NOBODY, "desk")
    serve(desk, PingDesk, answer, service="desk")
    document = make_app(desk, title="Desk", version="1").schema.to_specification().to_jsonable()
    async with TestNatsBroker(desk):
        reply = await desk.request(ASKED.model_dump_json().encode(), "command.desk.ping")
    assert CommandReply.model_validate_json(reply.body).result == {"id": "c1"}
    assert document["channels"]["command.desk.ping"]["description"] == "Asks the desk."
    assert "on_behalf_of" in document["components"]["schemas"]["PingDesk"]["properties"]
