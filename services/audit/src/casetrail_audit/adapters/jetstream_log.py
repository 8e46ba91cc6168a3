"""The stream that is recorded, read by sequence."""

import base64
import json
from datetime import UTC, datetime
from typing import Any, Final

import nats.errors
from casetrail_runtime.publisher.facts import connected_client
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import Header

from casetrail_audit.domain.message import Message
from casetrail_audit.ports import Bounds, StreamUnavailable

_NO_MESSAGE: Final = 10037
_TIMEOUT: Final = 5.0
_MICROSECONDS: Final = 6


class JetStreamLog:
    """One stream over the JetStream API (`DIRECT.GET`, `STREAM.MSG.GET`, `STREAM.INFO`)."""

    def __init__(self, broker: NatsBroker, name: str) -> None:
        self._broker = broker
        self.name = name

    async def bounds(self) -> Bounds:
        """What it holds now."""
        info = await self._api(f"$JS.API.STREAM.INFO.{self.name}", {})
        state = info["state"]
        return Bounds(
            first_seq=state["first_seq"],
            last_seq=state["last_seq"],
            last_at=rfc3339(state["last_ts"]) if state["last_seq"] else None,
            subjects=tuple(info["config"].get("subjects") or ()),
        )

    async def message(self, seq: int) -> Message | None:
        """The message; None when the stream surely has none under this sequence.

        Any replica may answer a direct read, also one that lags behind: only the leader's word
        is taken for "there is none", because a gap is recorded for ever.
        """
        request = json.dumps({"seq": seq}).encode()
        answer = await self._request(f"$JS.API.DIRECT.GET.{self.name}", request)
        headers = answer.headers or {}
        if headers.get("Nats-Sequence") == str(seq) and headers.get("Nats-Stream") == self.name:
            return Message(
                log=self.name,
                seq=seq,
                subject=headers["Nats-Subject"],
                data=answer.data,
                msg_id=headers.get(Header.MSG_ID.value),
                recorded_at=rfc3339(headers["Nats-Time-Stamp"]),
            )
        found = await self._api(f"$JS.API.STREAM.MSG.GET.{self.name}", {"seq": seq})
        return None if found is None else self._stored(found["message"])

    async def last(self, subjects: str) -> Message | None:
        """The newest message on these subjects, by the leader's word."""
        request = {"last_by_subj": subjects}
        found = await self._api(f"$JS.API.STREAM.MSG.GET.{self.name}", request)
        return None if found is None else self._stored(found["message"])

    async def next_on(self, subjects: str, first: int) -> Message | None:
        """The first message from a sequence on with such a subject, by the leader's word."""
        request = {"seq": first, "next_by_subj": subjects}
        found = await self._api(f"$JS.API.STREAM.MSG.GET.{self.name}", request)
        return None if found is None else self._stored(found["message"])

    def _stored(self, message: dict[str, Any]) -> Message:
        headers = base64.b64decode(message.get("hdrs") or "")
        return Message(
            log=self.name,
            seq=message["seq"],
            subject=message["subject"],
            data=base64.b64decode(message.get("data") or ""),
            msg_id=_header(headers, Header.MSG_ID.value),
            recorded_at=rfc3339(message["time"]),
        )

    async def _api(self, subject: str, request: dict[str, Any]) -> Any:
        """The answer of JetStream's leader; None when it has no such message."""
        answer = json.loads((await self._request(subject, json.dumps(request).encode())).data)
        error = answer.get("error")
        if error is None:
            return answer
        if error.get("err_code") == _NO_MESSAGE:
            return None
        raise StreamUnavailable(f"JetStream says of {self.name}: {error.get('description')}")

    async def _request(self, subject: str, data: bytes) -> Msg:
        client = connection(self._broker)
        try:
            return await client.request(subject, data, timeout=_TIMEOUT)
        except nats.errors.Error as error:
            raise StreamUnavailable(f"{self.name} does not answer: {error}") from error


def rfc3339(text: str) -> datetime:
    """The time of a JetStream timestamp, cut to microseconds as `moment` cuts it."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    micro = int(fraction[:_MICROSECONDS].ljust(_MICROSECONDS, "0")) if fraction else 0
    return datetime.fromisoformat(whole).replace(microsecond=micro, tzinfo=UTC)


def connection(broker: NatsBroker) -> Client:
    """The client of a broker that is connected; raises `StreamUnavailable`."""
    client = connected_client(broker)
    if client is None or not client.is_connected:
        raise StreamUnavailable("NATS is not connected")
    return client


def _header(block: bytes, name: str) -> str | None:
    for line in block.decode("utf-8", "replace").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return None
