"""What the staff sees: the event stream followed live, as any subscriber may."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final, Self

import nats
import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

DURABLE: Final = "simulated-staff"
FOLLOWED: Final = ("routing", "tickets", "tickets-people")
"""Durables that have to be through with everything before simulated time goes on."""
_BATCH: Final = 500


@dataclass
class Case:
    """A case as its owner sees it."""

    case_id: str
    conversation_id: str
    owner: str | None = None
    unanswered: bool = True
    heard_at: float = 0
    """Minute of the last message of the customer."""
    answers: int = 0
    complained: bool = False
    ticket: str | None = None
    courier_until: float | None = None
    """Minute at which the courier answers; None while no ticket is there."""
    closed: bool = False


@dataclass
class Screen:
    """All cases, by conversation; fed from the stream."""

    cases: dict[str, Case] = field(default_factory=dict)
    minute: float = 0
    seq: int = 0
    events: int = 0

    def show(self, body: bytes) -> None:
        """One event."""
        event: dict[str, Any] = json.loads(body)
        self.events += 1
        conversation = event.get("conversationid")
        if conversation is None:
            return
        action = event["type"].removeprefix("casetrail.").rpartition(".")[0]
        case = self.cases.get(conversation)
        if action == "conversation.opened" and (case is None or case.case_id != event["caseid"]):
            self.cases[conversation] = Case(event["caseid"], conversation, heard_at=self.minute)
        if case is None:
            return
        self._changed(case, action, event)

    def _changed(self, case: Case, action: str, event: dict[str, Any]) -> None:
        match action:
            case "conversation.assigned" | "conversation.transferred" | "conversation.accepted":
                case.owner = event["data"].get("owner", case.owner)
            case "conversation.queued" | "conversation.unassigned":
                case.owner = None
            case "message.received":
                case.unanswered, case.heard_at = True, self.minute
            case "conversation.escalated":
                case.complained = True
            case "conversation.closed":
                case.closed = True
            case "conversation.reopened":
                case.closed, case.unanswered = False, True
                case.owner = event["data"].get("owner", case.owner)
            case "ticket.closed":
                case.courier_until = None


class Follower:
    """Feeds the screen from JetStream, through kills of the server."""

    def __init__(self, url: str, screen: Screen) -> None:
        self._url = url
        self.screen = screen

    async def __aenter__(self) -> Self:
        self._client = await nats.connect(
            self._url, max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=_silent
        )
        self.stream: JetStreamContext = self._client.jetstream(timeout=5)
        config = ConsumerConfig(durable_name=DURABLE, ack_policy=AckPolicy.ALL)
        self._pull = await self.stream.pull_subscribe(
            "support.>", DURABLE, stream="SUPPORT", config=config
        )
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.close()

    async def caught_up(self, patience: float = 300) -> bool:
        """True when the staff has seen everything, and routing and tickets are through with it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while loop.time() < deadline:
            if self._task.done():
                self._task.result()  # raises what ended it
            if await self._is_caught_up():
                return True
            await asyncio.sleep(0.05)
        return False

    async def _is_caught_up(self) -> bool:
        try:
            infos = await asyncio.gather(
                *(self.stream.consumer_info("SUPPORT", name) for name in FOLLOWED)
            )
            last = (await self.stream.stream_info("SUPPORT")).state.last_seq
        except (nats.errors.Error, nats.js.errors.Error):
            return False
        waiting = sum((info.num_pending or 0) + (info.num_ack_pending or 0) for info in infos)
        return waiting == 0 and self.screen.seq >= last

    async def _follow(self) -> None:
        while True:
            try:
                messages = await self._pull.fetch(_BATCH, timeout=0.25)
                for message in messages:
                    sequence = message.metadata.sequence.stream
                    if sequence > self.screen.seq:
                        self.screen.show(message.data)
                        self.screen.seq = sequence
                if messages:
                    await messages[-1].ack()
            except (TimeoutError, nats.errors.Error, nats.js.errors.Error):
                await asyncio.sleep(0.02)


async def _silent(_: Exception) -> None:
    """The server is killed on purpose."""
