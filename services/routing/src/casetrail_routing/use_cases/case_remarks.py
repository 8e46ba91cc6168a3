"""What people write on a case: the mark Escalated, tags, notes."""

from dataclasses import dataclass

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    AddCaseNote,
    DeescalateConversation,
    EscalateConversation,
    TagConversation,
)

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import Deescalated, Escalated, NoteAdded, Tagged, Untagged
from casetrail_routing.domain.refusals import AlreadyEscalated, NotEscalated, TagsUnchanged
from casetrail_routing.ports import Loaded
from casetrail_routing.use_cases.case_desk import CaseDesk, Change
from casetrail_routing.use_cases.causes import Cause


@dataclass(frozen=True)
class EscalateCase:
    """Marks a case Escalated by hand."""

    desk: CaseDesk

    async def __call__(self, command: EscalateConversation) -> CommandReply:
        """The reply: `case_id`, `escalated`."""

        async def decide(_: Loaded[Conversation], state: Conversation, __: Cause) -> Change:
            if state.escalated:
                raise AlreadyEscalated(f"{state.case_id} is marked Escalated already.")
            return Change([Escalated()], {"escalated": True})

        return await self.desk.answer(command, decide, reason=command.reason)


@dataclass(frozen=True)
class DeescalateCase:
    """Takes the mark Escalated away; a rule may set it again at the next message."""

    desk: CaseDesk

    async def __call__(self, command: DeescalateConversation) -> CommandReply:
        """The reply: `case_id`, `escalated`."""

        async def decide(_: Loaded[Conversation], state: Conversation, __: Cause) -> Change:
            if not state.escalated:
                raise NotEscalated(f"{state.case_id} is not marked Escalated.")
            return Change([Deescalated()], {"escalated": False})

        return await self.desk.answer(command, decide, reason=command.reason)


@dataclass(frozen=True)
class TagCase:
    """Puts tags on a case and takes some off, also after its close; one event for each tag."""

    desk: CaseDesk

    async def __call__(self, command: TagConversation) -> CommandReply:
        """The reply: `case_id`, `tags` as they are now."""

        async def decide(_: Loaded[Conversation], state: Conversation, __: Cause) -> Change:
            before = set(state.tags)
            new = sorted(set(command.add) - before)
            gone = sorted(set(command.remove) & before)
            if not new and not gone:
                raise TagsUnchanged(
                    f"{state.case_id} has these tags already: {', '.join(state.tags) or 'none'}."
                )
            tags = sorted((before | set(new)) - set(gone))
            return Change([*map(Tagged, new), *map(Untagged, gone)], {"tags": tags})

        return await self.desk.answer(command, decide, reason=None, wanted="any")


@dataclass(frozen=True)
class AddNote:
    """Adds a note to a case, also after its close: what is known is always worth writing."""

    desk: CaseDesk

    async def __call__(self, command: AddCaseNote) -> CommandReply:
        """The reply: `case_id`, `note_id`."""

        async def decide(_: Loaded[Conversation], __: Conversation, ___: Cause) -> Change:
            return Change([NoteAdded(command.id)], {"note_id": command.id})

        return await self.desk.answer(command, decide, reason=None, note=command.note, wanted="any")
