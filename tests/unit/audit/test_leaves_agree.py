"""The recorder's leaves are those of the published format: two ways to make them, one result."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import duplicate, record_of
from casetrail_evidence.leaves import derived_salt, recorded_at_text
from casetrail_evidence.messages import message_leaf, read_message

KEY = b"a key of the tests, long enough!"
SALT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def message(data: bytes, seq: int = 7) -> Message:
    """A message at a place of the stream."""
    return Message(
        log="SUPPORT",
        seq=seq,
        subject="support.main.note.made",
        data=data,
        msg_id="m",
        recorded_at=datetime(2026, 11, 22, 10, 14, 3, 120000, tzinfo=UTC),
    )


def published(of: Message, **more: Any) -> str:
    """The leaf input by the format's own module."""
    return message_leaf(
        read_message(of.data, derived_salt(KEY, of.log, of.seq)),
        log=of.log,
        seq=of.seq,
        recorded_at=recorded_at_text(of.recorded_at),
        subject=of.subject,
        **more,
    ).text


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"1","private":{"salt":"%s","text":"x"}}' % SALT.encode(),
        b'{"id":"1","private":{"text":"x"}}',
        b'{"id":"1","private":{}}',
        b'{"id":"1","private":null}',
        b'{"any":"thing","n":1.50}',
        b"[1]",
        b"",
        b"\xff",
        b'{"a":1,"a":2}',
        b'{"private":"text"}',
        b'{"private":{"salt":"!","a":1}}',
        b'{"private":{"salt":7,"a":1}}',
        b'{"private":{"salt":"!"}}',
    ],
)
def test_events_and_poison_have_the_same_leaf(data: bytes) -> None:
    """INVARIANT I6: whoever has the stream and the key makes the leaves of the log."""
    assert record_of(message(data), KEY)["leaf_input"] == published(message(data))


@pytest.mark.parametrize("changed", [{}, {"type": "other"}])
def test_duplicates_have_the_same_leaf(changed: dict[str, str]) -> None:
    """INVARIANT I6: a copy and what it differs in, too."""
    envelope = {"id": "1", "type": "t", "private": {"salt": SALT, "text": "x"}}
    first = record_of(message(json.dumps(envelope).encode()), KEY)
    copy = message(json.dumps({**envelope, **changed}).encode(), seq=9)
    differs = "differs in type" if changed else None
    made = duplicate(copy, KEY, first)["leaf_input"]
    assert made == published(copy, duplicate_of=7, differs=differs)
