"""The parts of the publisher that need no server."""

import pytest
from casetrail_runtime.broker import make_broker
from casetrail_runtime.publisher import NotStored, StreamPublisher
from casetrail_runtime.publisher.facts import covers
from casetrail_runtime.publisher.writing import Message, header_size
from pydantic import SecretStr

from tests.support.fixtures import Addresses

NOBODY = Addresses(nats_url=SecretStr("nats://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("pattern", "subject", "covered"),
    [
        ("support.>", "support.main.message.received", True),
        ("support.>", "support", False),
        ("support.>", "supports.main", False),
        ("support.*.message.*", "support.main.message.received", True),
        ("support.*.message.*", "support.main.message", False),
        ("support.*.message.*", "support.main.message.received.v1", False),
        ("orders.paid", "orders.paid", True),
        ("orders.paid", "orders.paid.late", False),
    ],
)
def test_patterns_cover_subjects(pattern: str, subject: str, covered: bool) -> None:  # noqa: FBT001 - a table
    """`*` is one token, `>` one or more at the end, everything else itself."""
    assert covers(pattern, subject) is covered


def test_sizes_are_those_on_the_wire() -> None:
    """A message's size is its bytes plus its headers as NATS writes them."""
    written = b"NATS/1.0\r\na: 1\r\nname: \xd8\xa7\r\n\r\n"
    headers = {"a": "1", "name": "ا"}
    assert header_size(headers) == len(written)
    assert Message("s", b"12345", headers).size == len(written) + 5


async def test_a_publisher_without_a_connection_says_so() -> None:
    """Before the broker is started a publish ends in a sentence, not in an AttributeError."""
    broker = make_broker(NOBODY, "desk")
    publisher = StreamPublisher(broker, "SUPPORT", timeout=0.1)
    with pytest.raises(NotStored, match="NATS is not connected"):
        await publisher.publish_raw("support.main.a.b", b"", "m1")


async def test_nothing_to_publish_is_stored_at_once() -> None:
    """An empty list needs no server."""
    assert await StreamPublisher(make_broker(NOBODY, "desk"), "SUPPORT").publish_all([]) == []
