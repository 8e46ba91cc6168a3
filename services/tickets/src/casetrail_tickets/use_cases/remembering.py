"""What tickets keeps of others: the newest messages of a conversation, and who there is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.registry.privacy import Erased, ErasureRequested
from casetrail_contracts.registry.user import UserCreated, UserRoleChanged, UserUpdated

from casetrail_tickets.ports import ContextMessage, Contexts, Links, People, Person

_WITH_TEXT: Final = frozenset({"text", "bytes"})
"""Private fields in which the text of a message is; a copy keeps it as bytes."""


@dataclass(frozen=True)
class RememberMessage:
    """Keeps the newest messages of each conversation, for the tickets to come."""

    contexts: Contexts

    async def __call__(self, event: Event) -> None:
        """The message is remembered; an event without a conversation says nothing here."""
        if event.conversationid is None:
            return
        text = event.private_values().get("text")
        message = ContextMessage(
            event_id=event.id,
            time=event.time,
            sender=event.data.actor.kind,
            text=text if isinstance(text, str) else None,
        )
        await self.contexts.remember(event.workspace, event.conversationid, message)


@dataclass(frozen=True)
class ForgetErased:
    """Forgets the texts of a conversation when their erasure is asked for, before it is done.

    The erasure waits until this is handled, so no later ticket can quote what is erased. It is of
    a customer, in whichever of their linked conversations.
    """

    contexts: Contexts
    links: Links

    async def __call__(self, event: Event) -> None:
        """The texts are gone; an erasure of a record that is no message here changes nothing."""
        if event.conversationid is None:
            return
        data = event.data
        if isinstance(data, ErasureRequested):
            takes_texts = data.fields is None or "text" in data.fields
            if takes_texts and data.scope.kind != "record":
                await self._forget(event.workspace, event.conversationid, None)
        elif isinstance(data, Erased):
            ids = [
                record.event_id
                for record in data.records
                if record.event_id is not None and not _WITH_TEXT.isdisjoint(record.fields)
            ]
            await self._forget(event.workspace, event.conversationid, ids)

    async def _forget(
        self, workspace: str, conversation_id: str, event_ids: Sequence[str] | None
    ) -> None:
        group = await self.links.around(workspace, conversation_id)
        for id_ in group.of(conversation_id):
            await self.contexts.forget(workspace, id_, event_ids)


@dataclass(frozen=True)
class RememberPerson:
    """Keeps who there is, so that a ticket is given to somebody who exists."""

    people: People

    async def __call__(self, event: Event) -> None:
        """The person is known from now on; other events of a user say nothing here."""
        data = event.data
        if isinstance(data, UserCreated):
            await self.people.remember(event.workspace, Person(data.user_id, data.name, data.role))
        elif isinstance(data, UserUpdated | UserRoleChanged):
            known = await self.people.find(event.workspace, data.user_id)
            if known is None:
                return
            if isinstance(data, UserUpdated):
                person = replace(known, name=data.name)
            else:
                person = replace(known, role=data.role)
            await self.people.remember(event.workspace, person)
