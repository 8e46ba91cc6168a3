"""Commands answered: once per command id, and never refused without a trace."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from casetrail_contracts import Command, CommandReply, Event
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.command import CommandRejected

from casetrail_routing.domain.refusals import Refused, VersionMoved
from casetrail_routing.ports import Clock, Key, Loaded, ProcessedStore, Publishing, VersionConflict
from casetrail_routing.use_cases.causes import SERVICE
from casetrail_routing.use_cases.once import Rivals, once_key

Attempt = Callable[[], Awaitable[CommandReply]]


@dataclass(frozen=True)
class Target:
    """What a command is aimed at: `noun` and `store` name the aggregate's kind."""

    noun: str
    store: str
    key: Key
    conversation_id: str | None = None
    case_id: str | None = None


@dataclass(frozen=True)
class Answering:
    """Carries commands out; the same command id again is answered the same and has no effect."""

    processed: ProcessedStore
    publisher: Publishing
    clock: Clock

    async def __call__(self, command: Command, target: Target, attempt: Attempt) -> CommandReply:
        """The reply, after the write it reports or after the refusal is in the stream.

        `attempt` loads, asks for the reply of `before`, decides and writes; it is called again when
        a rival was faster.
        """
        once = once_key(command.id, target.store, target.key)
        try:
            reply = await self._attempt(target, attempt)
            mark = self.processed.mark_soon  # the aggregate knows the reply as well
        except Refused as refusal:
            await self.publisher.publish(self._rejection(command, target, refusal))
            reply = CommandReply.rejected(refusal.code, refusal.detail)
            if isinstance(refusal, VersionMoved):
                reply = reply.model_copy(update={"version": refusal.version})
            mark = self.processed.mark
        await mark(once, reply.model_dump(mode="json"), reply.version or 0)
        return reply

    async def before(
        self, command: Command, target: Target, current: Loaded[Any]
    ) -> CommandReply | None:
        """The reply this command got before `current` was loaded; None when it is new.

        The log is asked after the aggregate was loaded, never before: what a rival did and the
        aggregate has forgotten since is in the log by then.
        """
        known = current.applied.get(command.id)
        if known is None:
            known = await self.processed.seen(once_key(command.id, target.store, target.key))
        return None if known is None else CommandReply.model_validate(known.result)

    async def _attempt(self, target: Target, attempt: Attempt) -> CommandReply:
        async for _ in Rivals(target.key):
            try:
                return await attempt()
            except VersionConflict:
                continue
        raise AssertionError("unreachable: Rivals ends by raising")

    def _rejection(self, command: Command, target: Target, refusal: Refused) -> Event:
        return Event.build(
            CommandRejected(
                actor=command.actor,
                on_behalf_of=command.on_behalf_of,
                command=command.command_name(),
                command_id=command.id,
                target=f"{target.noun}/{target.key.id}",
                code=refusal.code,
                detail=refusal.detail,
                refused_by=SERVICE,
            ),
            workspace=command.workspace,
            source=SERVICE,
            subject=f"command/{command.id}",
            time=self.clock(),
            id=derive_id(command.id, "rejected"),
            correlationid=command.id if command.correlation_id is None else command.correlation_id,
            causationid=command.id,
            conversationid=target.conversation_id,
            caseid=target.case_id,
        )


def check_version(command: Command, version: int) -> None:
    """Refuses a command whose author saw another version of the aggregate."""
    expected = command.expected_version
    if expected is not None and expected != version:
        raise VersionMoved(expected, version)
