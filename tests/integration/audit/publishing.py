"""What is published in these tests: events of ours, copies of them, poison, other teams' events."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from casetrail_contracts import Event
from casetrail_runtime.publisher import StreamPublisher

from tests.unit.audit.history import History, story

EXTRA = "erp.>"

POISON = (
    b"not json",
    b"",
    b"[1, 2]",
    b'{"a": 1, "a": 2}',
    b'{"specversion": "1.0", "id": "nul", "data": {"a\\u0000b": 1}}',
    b'{"specversion": "1.0", "id": "ref", "data": {"$ref": 1, "$id": 2, "a.b": 3, "": 4}}',
    b'{"a":' + b"[" * 300 + b"]" * 300 + b"}",
    b'{"n": 123456789012345678901234567890}',
    b"\xff\xfe",
)


@dataclass(frozen=True)
class Published:
    """One message before it is sent; `msg_id` is what JetStream knows copies by."""

    subject: str
    data: bytes
    msg_id: str


def plain(event: Event, msg_id: str | None = None) -> Published:
    """The event; another `msg_id` makes the stream store it again, as after its window."""
    return Published(event.nats_subject, event.to_bytes(), msg_id or event.id)


def mixture(count: int, seed: int, workspace: str = "main") -> list[Published]:
    """`count` messages: stories of many conversations with copies and odd ones between them."""
    dice = random.Random(seed)
    history = History(workspace=workspace)
    while len(history.events) < count:
        n = len(history.events)
        cause = history.says(f"cv_{n}")
        history.opens(cause, f"cv_{n}", f"CASE-{n}")
        history.assigns("ab"[n % 2], f"cv_{n}", f"CASE-{n}")
        for _ in range(dice.randrange(8)):
            history.says(f"cv_{n}")
        history.closes(f"cv_{n}", f"CASE-{n}")
    sent: list[Published] = []
    for n, event in enumerate(history.events):
        sent.append(plain(event))
        if dice.random() < 0.05:
            sent.append(plain(dice.choice(history.events[: n + 1]), f"again-{workspace}-{n}"))
        if dice.random() < 0.02:
            sent.append(
                Published(
                    "support.main.message.received", dice.choice(POISON), f"odd-{workspace}-{n}"
                )
            )
        if dice.random() < 0.02:
            body = json.dumps({"order": n, "private": {"name": "Ali"}}).encode()
            sent.append(Published("erp.orders.created", body, f"erp-{workspace}-{n}"))
    return sent[:count]


async def send(publisher: StreamPublisher, messages: Iterable[Published]) -> None:
    """Stores them, in order."""
    for message in messages:
        await publisher.publish_raw(message.subject, message.data, message.msg_id)


async def send_all(publisher: StreamPublisher, messages: Sequence[Published]) -> int:
    """Stores them in order, together; how many the stream took as new."""
    acks = await publisher._store([(m.subject, m.data, m.msg_id, {}) for m in messages])
    return sum(not ack.duplicate for ack in acks)


def story_messages() -> list[Published]:
    """The story of the product."""
    return [plain(event) for event in story().events]
