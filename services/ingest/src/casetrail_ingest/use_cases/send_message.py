"""A message to a customer: sent once for each command, and never without a word of what became.

The command is kept before WhatsApp is asked, and its outcome, with its event, after. A process
that dies in between leaves a message nobody knows the fate of: it is told as `unknown`, never sent
again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from casetrail_contracts import CommandReply, Event
from casetrail_contracts.commands import SendMessage
from casetrail_contracts.ids import derive_id, message_id
from casetrail_contracts.registry.message import MessageSendFailed, MessageSent
from casetrail_runtime.outbox import Aggregates, Decision, Loaded

from casetrail_ingest.domain.sending import Accepted, Json, Letter, NotSent
from casetrail_ingest.ports import Clock, Sendings, WhatsApp

log = structlog.get_logger()

SERVICE: Final = "ingest"
ATTEMPTS: Final = 6
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 20.0
REPLY_WITHIN: Final = 3.0
"""Seconds after which the sender is answered `sending`; the log tells how it ends."""
FORGOTTEN_AFTER: Final = timedelta(minutes=5)
"""Longer than any sending takes: what is still under way then was left by a process that died."""

_UNKNOWN: Final = NotSent(
    "unknown", again=False, title="the process ended while WhatsApp was asked"
)


@dataclass
class SendMessages:
    """Answers `command.ingest.send`."""

    aggregates: Aggregates[Json]
    sendings: Sendings
    whatsapp: WhatsApp
    workspace_key: bytes
    clock: Clock
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    reply_within: float = REPLY_WITHIN
    _under_way: set[asyncio.Task[CommandReply]] = field(default_factory=set)

    async def __call__(self, command: SendMessage) -> CommandReply:
        """The reply: `message_id` and `status` (`sent`, or `sending` when it takes longer)."""
        key = f"{command.workspace}:{command.id}"
        kept = {"status": "sending", "at": self.clock(), "command": command.model_dump(mode="json")}
        begun = await self.aggregates.handle(
            key, f"{command.id}/begin", lambda _: Decision({"begun": True}, kept)
        )
        if begun.repeated:
            return await self._known(key, command)
        task = asyncio.create_task(self._send(key, command))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait({task}, timeout=self.reply_within)
        return task.result() if task.done() else CommandReply.ok(status="sending")

    async def settle_forgotten(self) -> int:
        """How many sendings that nobody is working on any more were told as unknown."""
        forgotten = await self.sendings.under_way(before=self.clock() - FORGOTTEN_AFTER)
        for key, kept in forgotten:
            command = SendMessage.model_validate(kept["command"])
            log.warning("sending_forgotten", command_id=command.id)
            await self._settle(key, command, _UNKNOWN, attempts=1)
        return len(forgotten)

    async def close(self) -> None:
        """Returns when what is under way has ended."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=10)

    async def _known(self, key: str, command: SendMessage) -> CommandReply:
        """The reply to the same command again."""
        found = await self.aggregates.load(key)
        state = {} if found is None or found.state is None else found.state
        if state.get("status") == "sending":
            return CommandReply.ok(status="sending")
        return CommandReply.model_validate({**state["reply"], "digest": command.digest})

    async def _send(self, key: str, command: SendMessage) -> CommandReply:
        letter = letter_of(command)
        pause, result, attempt = FIRST_PAUSE, _UNKNOWN, 0
        for attempt in range(1, ATTEMPTS + 1):
            answered = await self.whatsapp.send(
                command.phone_number_id, letter.request(command.id[:512])
            )
            if isinstance(answered, Accepted):
                return await self._settle(key, command, answered, attempt)
            result = answered
            if not answered.again or attempt == ATTEMPTS:
                break
            await self.pause(pause if answered.wait is None else answered.wait)
            pause = min(pause * 2, LONGEST_PAUSE)
        return await self._settle(key, command, result, attempt)

    async def _settle(
        self, key: str, command: SendMessage, result: Accepted | NotSent, attempts: int
    ) -> CommandReply:
        event, reply = self._told(command, result, attempts)

        def decide(current: Loaded[Json]) -> Decision[Json]:
            state: Mapping[str, Any] = current.state or {}
            if state.get("status") != "sending":
                return Decision(state.get("reply", {}))
            done = {
                "status": "sent" if isinstance(result, Accepted) else "failed",
                "at": state["at"],
                "reply": reply.model_dump(mode="json"),
            }
            return Decision(done["reply"], done, [event])

        outcome = await self.aggregates.handle(key, f"{command.id}/settled", decide)
        return CommandReply.model_validate(outcome.result)

    def _told(
        self, command: SendMessage, result: Accepted | NotSent, attempts: int
    ) -> tuple[Event, CommandReply]:
        number, letter = command.phone_number_id, letter_of(command)
        about = command.about_wamid
        named = {
            "message_type": letter.kind,
            "phone_number_id": number,
            "in_reply_to": None if about is None else message_id(self.workspace_key, number, about),
        }
        private = {k: v for k, v in _private(command).items() if v is not None}
        if isinstance(result, Accepted):
            public_id = message_id(self.workspace_key, number, result.wamid)
            data: MessageSent | MessageSendFailed = MessageSent(
                actor=command.actor,
                on_behalf_of=command.on_behalf_of,
                message_id=public_id,
                via="api",
                **named,
            )
            private["wamid"] = result.wamid
            reply = CommandReply.ok(status="sent", message_id=public_id)
        else:
            public_id = message_id(self.workspace_key, number, command.id)
            data = MessageSendFailed(
                actor=command.actor,
                on_behalf_of=command.on_behalf_of,
                message_id=public_id,
                outcome=result.outcome,
                code=result.code,
                title=result.title,
                attempts=attempts,
                **named,
            )
            reply = CommandReply.rejected(
                f"message-{result.outcome}", _advice(result), message_id=public_id
            )
        event = Event.build(
            data,
            workspace=command.workspace,
            source=SERVICE,
            subject=f"message/{public_id}",
            time=self.clock(),
            id=derive_id(command.workspace, "sending", command.id),
            correlationid=command.correlation_id or command.id,
            causationid=command.id,
            conversationid=command.conversation_id,
            caseid=command.case_id,
            private=private,
        )
        return event, reply


def letter_of(command: SendMessage) -> Letter:
    """The message of a command as WhatsApp takes it."""
    kind, content = _content(command)
    return Letter(kind, content, command.wa_id, command.user_id, command.about_wamid)


def _content(command: SendMessage) -> tuple[str, Json]:
    if command.template is not None:
        template = command.template
        content: Json = {"name": template.name, "language": {"code": template.language}}
        if template.components:
            content["components"] = template.components
        return "template", content
    if command.media is not None:
        return command.media.type, command.media.model_dump(exclude={"type"}, exclude_none=True)
    if command.reaction is not None:
        return "reaction", {"emoji": command.reaction.emoji}
    return "text", {"body": command.text}


def _private(command: SendMessage) -> dict[str, Any]:
    media = command.media
    return {
        "text": command.text if media is None else media.caption,
        "phone": command.wa_id,
        "user_id": command.user_id,
        "emoji": None if command.reaction is None else command.reaction.emoji,
        "template": None if command.template is None else command.template.model_dump(),
        "media": None if media is None else media.model_dump(exclude_none=True),
    }


def _advice(result: NotSent) -> str:
    said = "" if result.code is None else f" (code {result.code}: {result.title})"
    return {
        "refused": f"WhatsApp did not take the message{said}. It was not sent.",
        "unreachable": "WhatsApp cannot be reached. The message was not sent; try again later.",
        "unknown": "Nobody knows whether WhatsApp took the message: look for its delivery news "
        "before you write again.",
    }[result.outcome]
