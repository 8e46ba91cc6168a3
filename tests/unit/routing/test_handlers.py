"""What reaches a use case, and what passes by."""

from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_contracts import Actor, Event
from casetrail_contracts.registry import EVENT_TYPES
from casetrail_contracts.registry.webhook import WebhookUnrecognised
from casetrail_routing.handlers import conversation_of, on_event
from casetrail_routing.main import create_app
from casetrail_routing.settings import RoutingSettings
from casetrail_runtime.failure import PermanentError
from casetrail_runtime.publisher.facts import covers
from casetrail_runtime.pull import Delivery
from casetrail_runtime.streams import ROUTING_DURABLE
from casetrail_runtime.yaml_file import FileInvalid
from nats.aio.msg import Msg
from pydantic import SecretStr

from tests.unit.routing import samples
from tests.unit.routing.memory import START
from tests.unit.routing.world import World


def delivery(event: Event) -> Delivery:
    """The event as the stream delivers it."""
    raw: Any = object.__new__(Msg)
    return Delivery(event, 1, datetime.now(UTC), 1, raw)


async def test_a_message_is_routed() -> None:
    """`message.received` opens a case."""
    world = World()
    await on_event(world.reactions, world.note_activity)(delivery(samples.message()))
    assert world.verbs() == ["opened", "queued"]


def test_what_routing_reacts_to_is_delivered() -> None:
    """The durable lets every event through that has an effect here, and none that has not."""
    reacts = {type_.removeprefix("casetrail.").removesuffix(".v1") for type_ in World().reactions}
    noted = {name for name in EVENT_TYPES if name.partition(".")[0] in {"conversation", "ticket"}}
    noted |= {"message.received", "message.sent"}
    for name in EVENT_TYPES:
        subject = f"support.main.{name}"
        delivered = any(covers(each, subject) for each in ROUTING_DURABLE.filter_subjects)
        if name in reacts | noted:
            assert delivered, name
        elif not name.startswith("message."):
            assert not delivered, name


async def test_other_events_pass_by() -> None:
    """What is not a customer's message changes nothing here."""
    world = World()
    other = Event.build(
        WebhookUnrecognised(
            actor=Actor(kind="customer", id="cv_1"),
            item_kind="messages/order",
            origin={"received_at": START, "body_mac": "ab", "position": "0.0.messages.0"},
        ),
        workspace="main",
        source="ingest",
        subject="webhook/w1",
        time=START,
        id="w1",
        conversationid="cv_1",
    )
    await on_event(world.reactions, world.note_activity)(delivery(other))
    assert world.log == []
    assert conversation_of(other) == "main:cv_1"


async def test_a_message_of_no_conversation_is_set_aside() -> None:
    """No retry can heal it, so it goes to the dead letters at once."""
    world = World()
    event = samples.message().model_copy(update={"conversationid": None})
    with pytest.raises(PermanentError):
        await on_event(world.reactions, world.note_activity)(delivery(event))
    assert conversation_of(event) == "main:message/ms_1"


def test_the_service_does_not_start_on_broken_rules(tmp_path: Any) -> None:
    """A rules file with a fault is named before anything connects."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules:\n  - name: x\n")
    settings = RoutingSettings(
        nats_url=SecretStr("nats://127.0.0.1:1"),
        mongo_url=SecretStr("mongodb://127.0.0.1:1/routing"),
        rules_file=path,
    )
    with pytest.raises(FileInvalid, match=r"rules\.yaml: line 2: a rule needs"):
        create_app(settings)
