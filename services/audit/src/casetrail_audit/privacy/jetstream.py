"""The streams as an erasure changes them: messages overwritten, dead letters with them."""

import json
from collections import defaultdict
from typing import Any, Final

import nats.errors
from casetrail_contracts.subjects import DEAD, ROUTING_DURABLE, SUPPORT, TICKETS_DURABLE
from faststream.nats import NatsBroker
from nats.js.errors import NotFoundError

from casetrail_audit.adapters.jetstream_log import connection
from casetrail_audit.ports import StreamUnavailable

READERS: Final = (ROUTING_DURABLE, TICKETS_DURABLE)
"""The durables of our services that act on messages: what they have yet to read is not erased."""
EVERYTHING: Final = 2**63 - 1
_NOT_THERE: Final = frozenset({10037})
_NOT_DELETED: Final = frozenset({10043, 10057})
"""What JetStream says when it deleted nothing: mostly that there was nothing to delete, since an
erasure of single fields, or a pass that died, took the message before."""
_TIMEOUT: Final = 5.0


class JetStreamErasures:
    """`SUPPORT` and `DEAD` over the JetStream API."""

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker
        self._letters: defaultdict[int, set[int]] = defaultdict(set)
        self._letters_through = 0

    async def consumed_through(self) -> int:
        """Up to which sequence every service has handled what the stream holds for it."""
        through = EVERYTHING
        for durable in READERS:
            info = await self._api(f"$JS.API.CONSUMER.INFO.{SUPPORT}.{durable}", {})
            if info["num_pending"] or info["num_ack_pending"]:
                through = min(through, info["ack_floor"]["stream_seq"])
        return through

    async def erase(self, seq: int) -> None:
        """Overwrites and deletes a message and its dead letters; again is harmless.

        Without `no_erase` the server overwrites the bytes with random ones before it lets go.
        """
        await self._delete(SUPPORT, seq)
        await self._read_letters()
        for letter in sorted(self._letters.get(seq, ())):
            await self._delete(DEAD, letter)
        self._letters.pop(seq, None)

    async def _read_letters(self) -> None:
        """Learns which dead letters came from which sequence, as far as it does not know yet."""
        state = (await self._api(f"$JS.API.STREAM.INFO.{DEAD}", {}))["state"]
        js = connection(self._broker).jetstream()
        for number in range(
            max(self._letters_through + 1, state["first_seq"]), state["last_seq"] + 1
        ):
            try:
                letter = await js.get_msg(DEAD, number)
            except NotFoundError:
                continue
            except nats.errors.Error as error:
                raise StreamUnavailable(f"{DEAD} does not answer: {error}") from error
            headers = letter.headers or {}
            origin = headers.get("stream_sequence", "")
            if headers.get("stream") == SUPPORT and origin.isdecimal():
                self._letters[int(origin)].add(number)
        self._letters_through = max(self._letters_through, state["last_seq"])

    async def _delete(self, stream: str, seq: int) -> None:
        request = {"seq": seq}
        deleted = await self._api(f"$JS.API.STREAM.MSG.DELETE.{stream}", request, _NOT_DELETED)
        if "error" in deleted:  # only when it surely is not there is that as good
            found = await self._api(f"$JS.API.STREAM.MSG.GET.{stream}", request, _NOT_THERE)
            if "error" not in found:
                reason = deleted["error"].get("description")
                raise StreamUnavailable(f"JetStream keeps {seq} of {stream}: {reason}")

    async def _api(
        self, subject: str, request: dict[str, Any], expected: frozenset[int] = frozenset()
    ) -> Any:
        """The answer; one with an error only when its code is expected."""
        client = connection(self._broker)
        try:
            reply = await client.request(subject, json.dumps(request).encode(), timeout=_TIMEOUT)
        except nats.errors.Error as error:
            raise StreamUnavailable(f"JetStream does not answer: {error}") from error
        answer = json.loads(reply.data)
        fault = answer.get("error")
        if fault is not None and fault.get("err_code") not in expected:
            raise StreamUnavailable(f"JetStream says: {fault.get('description')}")
        return answer
