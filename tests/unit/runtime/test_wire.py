"""Messages as they go over the wire, and what the answers say."""

import pytest
from casetrail_runtime.publisher.wire import Refused, _sequence
from casetrail_runtime.publisher.writing import Message, Sending, Unanswered, written
from nats.aio.client import Client

HEADERS = {"Nats-Msg-Id": "e1", "traceparent": "00-ab-cd-01", "Nats-Expected-Stream": "SUPPORT"}


@pytest.mark.parametrize("reply", ["", "_INBOX.abc.7"])
async def test_it_is_written_as_the_client_writes_it(reply: str) -> None:
    """What is written in pieces is what the client would have sent."""
    message = Message("support.main.message.received", "parcel نہیں آیا\r\n".encode(), HEADERS)
    more = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "2"}
    client = Client()
    given = {**message.headers, **more}
    await client._send_publish(message.subject, reply, message.data, len(message.data), given)
    theirs = b"".join(client._pending)
    ours = written(Sending(message, more, reply))
    assert ours is not None
    assert ours.split(b"\r\n")[0].split() == theirs.split(b"\r\n")[0].split()
    assert ours.split(b"\r\n")[1:] == theirs.split(b"\r\n")[1:]


@pytest.mark.parametrize(
    ("subject", "headers"),
    [
        ("support.main.a b", {}),
        ("support.main.a\r\nPUB x", {}),
        ("support.main.a", {"Nats-Msg-Id": "e1\r\nNats-Rollup: all"}),
        ("support.main.a", {"Nats-Msg-Id": "e1\n"}),
        ("support.main.a", {"Bad Name": "x"}),
    ],
)
def test_what_could_break_out_of_its_place_is_left_to_the_client(
    subject: str, headers: dict[str, str]
) -> None:
    """An id or subject from outside cannot write commands or headers."""
    assert written(Sending(Message(subject, b"", headers), {})) is None


@pytest.mark.parametrize("code", [10008, 10009, 10118, 10158])
def test_what_passes_is_no_verdict(code: int) -> None:
    """No leader yet, offline, or the id not agreed on yet: the same message is sent again."""
    with pytest.raises(Unanswered):
        _sequence({"error": {"code": 409, "err_code": code, "description": "wait"}}, "SUPPORT")


def test_anything_else_is_a_refusal() -> None:
    """Trying again would not change it."""
    with pytest.raises(Refused):
        _sequence({"error": {"code": 400, "err_code": 10060, "description": "no"}}, "SUPPORT")
