"""The stream owner on a real server: apply makes it right, check says what is wrong."""

import asyncio
from typing import Any

import pytest
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.streams import (
    AUDIT,
    DEAD,
    DURABLES,
    ROUTING_DURABLE,
    STREAMS,
    SUPPORT,
    StreamsMisconfigured,
    apply_all,
    check_all,
    planned,
    require,
)
from casetrail_runtime.streams.check import WHY
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig

from tests.integration.runtime.conftest import MakeBroker

pytestmark = pytest.mark.servers


async def test_apply_makes_what_check_finds_right(client: Client) -> None:
    """An empty server is complete after one apply; a second one changes nothing."""
    js = client.jetstream()
    missing = await check_all(js, STREAMS, DURABLES)
    assert len(missing) == len(STREAMS) + len(DURABLES)
    assert all("is missing; `python -m casetrail_runtime.streams apply`" in x for x in missing)
    assert all(line.endswith(": made.") for line in await apply_all(js, STREAMS, DURABLES))
    assert await check_all(js, STREAMS, DURABLES) == []
    assert all(line.endswith(": unchanged.") for line in await apply_all(js, STREAMS, DURABLES))


async def test_the_contract_of_the_streams(client: Client, streams: None) -> None:
    """SUPPORT and DEAD let a message be deleted (erasure); none can be purged; all take batches."""
    js = client.jetstream()
    found = {spec.name: (await js.stream_info(spec.name)).config for spec in STREAMS}
    assert {name: config.subjects for name, config in found.items()} == {
        "SUPPORT": ["support.>"],
        "AUDIT": ["audit.>"],
        "DEAD": ["dead.>"],
    }
    assert {name: config.deny_delete for name, config in found.items()} == {
        "SUPPORT": False,
        "AUDIT": True,
        "DEAD": False,
    }
    for config in found.values():
        assert config.deny_purge
        assert config.allow_direct
        assert config.allow_atomic
        assert (config.storage, config.discard, config.duplicate_window) == ("file", "new", 120.0)


STREAM_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "subjects": (
        {"subjects": ["support.main.>"]},
        "is support.main.>, must be support.>",
    ),
    "discard": (
        {"discard": "old"},
        "is old, must be new",
    ),
    "duplicate_window": (
        {"duplicate_window": 5.0},
        "is 5, must be 120",
    ),
    "allow_direct": (
        {"allow_direct": False},
        "is off, must be on",
    ),
    "allow_atomic": (
        {"allow_atomic": False},
        "is off, must be on",
    ),
    "max_age": (
        {"max_age": 86400.0},
        "is 86400, must be 0",
    ),
    "max_bytes": (
        {"max_bytes": 1024},
        "is 1024, must be -1",
    ),
    "max_msgs": (
        {"max_msgs": 10},
        "is 10, must be -1",
    ),
    "max_msgs_per_subject": (
        {"max_msgs_per_subject": 10},
        "is 10, must be -1",
    ),
    "storage": (
        {"storage": "memory"},
        "is memory, must be file",
    ),
    "retention": (
        {"retention": "interest"},
        "is interest, must be limits",
    ),
    "deny_purge": (
        {"deny_purge": False},
        "is off, must be on",
    ),
    "deny_delete": (
        {"deny_delete": True},
        "is on, must be off",
    ),
    "allow_rollup_hdrs": (
        {"allow_rollup_hdrs": True, "deny_purge": False},
        "is on, must be off",
    ),
    "no_ack": (
        {"no_ack": True, "allow_atomic": False},
        "is on, must be off",
    ),
}
ROUTED = ", ".join(sorted(ROUTING_DURABLE.filter_subjects))
DURABLE_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "filter_subjects": (
        {"filter_subjects": ["support.*.message.*", "support.*.user.*"]},
        f"is support.*.message.*, support.*.user.*, must be {ROUTED}",
    ),
    "no_filter": (
        {"filter_subjects": None},
        f"is everything, must be {ROUTED}",
    ),
    "ack_policy": (
        {"ack_policy": "none", "max_ack_pending": None},
        "is none, must be explicit",
    ),
    "deliver_policy": (
        {"deliver_policy": "new"},
        "is new, must be all",
    ),
    "replay_policy": (
        {"replay_policy": "original"},
        "is original, must be instant",
    ),
    "max_deliver": (
        {"max_deliver": 5},
        "is 5, must be -1",
    ),
    "ack_wait": (
        {"ack_wait": 3600.0},
        "is 3600, must be 30",
    ),
    "max_ack_pending": (
        {"max_ack_pending": 1},
        "is 1, must be 1000",
    ),
    "headers_only": (
        {"headers_only": True},
        "is on, must be off",
    ),
    "deliver_subject": (
        {"deliver_subject": "push.here"},
        "is push.here, must be ''",
    ),
    "inactive_threshold": (
        {"inactive_threshold": 60.0},
        "is 60, must be 0",
    ),
}


def sentence(fault: str, *, of: str = "stream SUPPORT") -> str:
    """What check must say about a fault of these tables."""
    setting, text = (STREAM_FAULTS if of == "stream SUPPORT" else DURABLE_FAULTS)[fault]
    name = next(iter(setting))
    assert WHY[name]
    return f"{of}: {name} {text} ({WHY[name]})."


async def wrong_stream(js: JetStreamContext, fault: dict[str, Any]) -> None:
    """Makes SUPPORT as it must be, but for one fault."""
    await js.add_stream(StreamConfig(**{"name": "SUPPORT", **SUPPORT.settings(), **fault}))


async def wrong_durable(js: JetStreamContext, fault: dict[str, Any]) -> None:
    """Makes the durable `routing` as it must be, but for one fault."""
    await apply_all(js, STREAMS, [])
    right = {k: v for k, v in ROUTING_DURABLE.settings().items() if v not in ("", 0.0, False)}
    config = ConsumerConfig(**{"durable_name": "routing", **right, **fault})
    await js.add_consumer("SUPPORT", config)


@pytest.mark.parametrize("fault", STREAM_FAULTS)
async def test_check_says_what_is_wrong_with_a_stream(client: Client, fault: str) -> None:
    """One sentence per wrong setting: what it is, what it must be, and why."""
    js = client.jetstream()
    setting, _ = STREAM_FAULTS[fault]
    await wrong_stream(js, setting)
    found = await check_all(js, [SUPPORT], [])
    assert sentence(fault) in found
    assert len(found) == len(setting)


@pytest.mark.parametrize("fault", DURABLE_FAULTS)
async def test_check_says_what_is_wrong_with_a_durable(client: Client, fault: str) -> None:
    """Foreign filters and every other setting of a durable get a sentence of their own."""
    js = client.jetstream()
    setting, _ = DURABLE_FAULTS[fault]
    await wrong_durable(js, setting)
    found = await check_all(js, [], [ROUTING_DURABLE])
    assert sentence(fault, of="durable routing of SUPPORT") in found
    assert len(found) == len(setting)


async def test_check_names_wrong_replicas_and_a_paused_durable(
    client: Client, streams: None
) -> None:
    """What depends on the deployment, and what somebody left paused, is said too."""
    js = client.jetstream()
    await js.pause_consumer("SUPPORT", "routing", "2099-01-01T00:00:00Z")
    found = await check_all(js, planned(replicas=3), DURABLES)
    for name in ("SUPPORT", "AUDIT", "DEAD"):
        assert (
            f"stream {name}: num_replicas is 1, must be 3 "
            "(the log must survive the loss of a server)." in found
        )
    assert any(x.startswith("durable routing of SUPPORT is paused until 2099") for x in found)
    assert len(found) == 4


async def test_apply_repairs_what_can_be_changed(client: Client, streams: None) -> None:
    """Limits, windows and filters are put right; what is not ours is left as it is."""
    js = client.jetstream()
    config = (await js.stream_info("SUPPORT")).config
    await js.update_stream(
        config.evolve(max_age=3600.0, duplicate_window=1.0, description="mine", compression="s2")
    )
    durable = (await js.consumer_info("SUPPORT", "tickets")).config
    await js.add_consumer(
        "SUPPORT", durable.evolve(ack_wait=1.0, filter_subjects=None, filter_subject="support.x.>")
    )
    done = await apply_all(js, STREAMS, DURABLES)
    assert await check_all(js, STREAMS, DURABLES) == []
    assert "stream SUPPORT: changed duplicate_window 1.0 to 120.0, max_age 3600.0 to 0.0." in done
    assert (await js.stream_info("SUPPORT")).config.compression == "s2"


async def test_apply_explains_what_cannot_be_changed(client: Client) -> None:
    """A refusal says what JetStream said, which setting is fixed, and the way out."""
    js = client.jetstream()
    await wrong_stream(js, {"storage": "memory"})
    with pytest.raises(StreamsMisconfigured) as told:
        await apply_all(js, STREAMS, DURABLES)
    lines = told.value.sentences
    assert any(
        "stream SUPPORT: JetStream refuses to change it" in x and "cannot be changed" in x
        for x in lines
    )
    assert sentence("storage") in lines
    assert any("keep a backup, remove it and run apply again" in x for x in lines)
    assert "stream AUDIT: made." in lines


async def test_apply_explains_a_subject_of_another_stream(client: Client) -> None:
    """A subject belongs to one stream; the sentence says so."""
    js = client.jetstream()
    await js.add_stream(StreamConfig(name="OTHER", subjects=["orders.>"]))
    with pytest.raises(StreamsMisconfigured, match="Another stream takes one of its subjects"):
        await apply_all(js, planned(extra_subjects=["orders.>"]), DURABLES)


async def test_extra_subjects_are_added_to_support_and_seen_by_the_recorder(
    client: Client,
) -> None:
    """One sequence numbers other teams' events too, and the recorder's durable gets them."""
    js = client.jetstream()
    await apply_all(js, planned(extra_subjects=["orders.>"]), DURABLES)
    await js.publish("orders.paid", b"{}")
    info = await js.consumer_info("SUPPORT", "audit")
    assert info.num_pending == 1


async def test_require_returns_on_a_right_server(new_desk: MakeBroker, streams: None) -> None:
    """A service goes on when its streams and durables are right."""
    await require(new_desk(), [SUPPORT, "DEAD"], [ROUTING_DURABLE, "audit"])


async def test_require_leaves_to_the_deployment_what_is_its_own(
    new_desk: MakeBroker, client: Client
) -> None:
    """Extra subjects and sizes are no reason for a service not to start."""
    limited = planned(extra_subjects=["orders.>"], max_bytes={"SUPPORT": 10**9})
    await apply_all(client.jetstream(), limited, DURABLES)
    await require(new_desk(), ["SUPPORT"], ["routing"])


async def test_require_refuses_with_every_sentence(new_desk: MakeBroker, client: Client) -> None:
    """A service that would lose messages does not start, and says all that is wrong at once."""
    js = client.jetstream()
    await wrong_stream(js, {"discard": "old", "max_age": 3600.0})
    with pytest.raises(StreamsMisconfigured) as told:
        await require(new_desk(), [SUPPORT, AUDIT, DEAD], ["tickets"])
    assert len(told.value.sentences) == 5
    assert sentence("discard") in told.value.sentences


async def test_require_waits_for_nats(new_desk: MakeBroker, own_nats: NatsServer) -> None:
    """A service that starts before NATS waits for it instead of failing."""
    own_nats.kill()
    desk: ServiceBroker = new_desk()
    waiting = asyncio.create_task(require(desk, [SUPPORT], []))
    await asyncio.wait({waiting}, timeout=0.5)
    assert not waiting.done()
    own_nats.start()
    with pytest.raises(StreamsMisconfigured, match="stream SUPPORT is missing"):
        await asyncio.wait_for(waiting, 5)
