"""What taking a webhook means when the stream refuses some of it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from casetrail_contracts import parse_event
from casetrail_ingest.domain.reading import Workspaces
from casetrail_ingest.use_cases.keep_safe import KeepSafe
from casetrail_ingest.use_cases.take_webhook import TakeWebhook
from casetrail_runtime.publisher import Ack, NotStored, Raw


class PickyStream:
    """A stream that takes events in order, but never one whose text is `refused`."""

    def __init__(self) -> None:
        self.stored: list[str] = []

    connected = True

    async def publish_all_raw(self, messages: Sequence[Raw]) -> list[Ack]:
        """Acks, or `NotStored` with the acks of the prefix, as the real publisher."""
        acks: list[Ack] = []
        for _, data, _ in messages:
            text = parse_event(data).private_values()["text"]
            if text in {"refused", "away"}:
                raise NotStored(text, acks, passing=text == "away")
            self.stored.append(text)
            acks.append(Ack(len(self.stored), duplicate=False))
        return acks


def body(*texts: str) -> bytes:
    """A webhook with these messages."""
    messages = [
        {"from": "92300", "id": f"wamid.{n}", "type": "text", "text": {"body": text}}
        for n, text in enumerate(texts)
    ]
    value = {"metadata": {"phone_number_id": "1"}, "messages": messages}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def taking(stream: PickyStream) -> TakeWebhook:
    """The use case on this stream."""
    lanes = KeepSafe(stream, stream)
    return TakeWebhook(lanes, Workspaces({"*": "main"}), b"key", lambda: datetime.now(UTC))


async def test_one_refused_event_does_not_keep_the_others_out() -> None:
    """INVARIANT I2: the rest is stored, and the webhook is still not called taken."""
    stream = PickyStream()
    with pytest.raises(NotStored, match="refused"):
        await taking(stream)(body("one", "refused", "two", "refused", "three"))
    assert stream.stored == ["one", "two", "three"]


async def test_a_stream_that_is_away_is_not_asked_for_each_event() -> None:
    """INVARIANT I2: nothing can be stored now, so the sender is told at once."""
    stream = PickyStream()
    with pytest.raises(NotStored, match="away"):
        await taking(stream)(body("one", "away", "two"))
    assert stream.stored == ["one"]


async def test_a_webhook_without_items_is_taken() -> None:
    """Nothing to store is nothing to refuse."""
    taken = await taking(PickyStream())(b'{"object":"whatsapp_business_account","entry":[]}')
    assert (taken.events, taken.duplicates) == (0, 0)
