"""Records from any sequence on: the recipe of subscribe.md, and `casetrail tail --from`."""

import re
from typing import Any

import pytest
from casetrail_local.jetstream import records_from
from nats.js import JetStreamContext

from tests.integration.docs.test_subscribe_how_to import HOW_TO, record

CHECKPOINTS = (1, 4, 5, 9)
"""Records after which checkpoints stand on the stream, two at the end."""


def recipe() -> Any:
    """The function in the how-to."""
    text = HOW_TO.read_text("utf-8")
    (found,) = re.findall(r"```python\n(import json\n.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(found, names)
    return names["place_of"]


@pytest.fixture
async def js(streams_applied: JetStreamContext) -> JetStreamContext:
    """Records 3 to 12 with checkpoints between them: places and sequences differ."""
    for seq in range(3, 13):
        body = record(seq).model_dump_json().encode()
        await streams_applied.publish("audit.main.conversation.assigned", body)
        if seq - 3 in CHECKPOINTS:
            await streams_applied.publish("audit.checkpoint", b"log.example/x\n3\n\n")
    await streams_applied.publish("audit.checkpoint", b"log.example/x\n10\n\n")
    return streams_applied


@pytest.mark.parametrize("seq", [1, 3, 4, 7, 8, 9, 12, 13])
async def test_a_place_is_found_for_every_sequence(js: JetStreamContext, seq: int) -> None:
    """From the first record that is at or after it; beyond the end, what comes next."""
    place = await recipe()(js, seq)
    subscription = await js.pull_subscribe("audit.*.*.*", stream="AUDIT", config=_from(place))
    wanted = [each for each in range(3, 13) if each >= seq]
    got: list[int] = []
    while len(got) < len(wanted):
        got += [int(re.findall(rb'"seq":(\d+)', m.data)[0]) for m in await subscription.fetch(20)]
    assert got == wanted


async def test_tail_begins_where_it_is_told(js: JetStreamContext) -> None:
    """INVARIANT I1: `casetrail tail --from 7` shows 7 and all that follow, once each."""
    got: list[int] = []
    async for found in records_from(js, 7):
        got.append(found.seq)
        if found.seq == 12:
            await js.publish("audit.main.x.y", record(13).model_dump_json().encode())
        if found.seq == 13:
            break
    assert got == list(range(7, 14))


def _from(place: int) -> Any:
    from nats.js.api import ConsumerConfig, DeliverPolicy  # noqa: PLC0415

    return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=place)
