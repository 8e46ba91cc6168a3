"""Conversations of one customer, led as one: found by what WhatsApp told, or joined by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from casetrail_contracts import CommandReply, Event
from casetrail_contracts.commands import LinkConversation
from casetrail_contracts.registry.customer import CustomerIdentified

from casetrail_routing.domain.consequences import MARK_STAYS
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import Escalated, Linked
from casetrail_routing.domain.linking import Lead, leading, yields
from casetrail_routing.domain.refusals import CaseIsClosed, CaseNotCurrent, SameConversation
from casetrail_routing.ports import (
    ActivityStore,
    Clock,
    DrainRequests,
    Identities,
    Key,
    Led,
    Loaded,
    Memories,
    VersionConflict,
)
from casetrail_routing.use_cases import causes
from casetrail_routing.use_cases.case_desk import CaseDesk, Change
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.custody import Custody
from casetrail_routing.use_cases.once import Rivals


@dataclass(frozen=True)
class Roots:
    """Where what is written in a conversation is led."""

    conversations: Led

    async def of(self, key: Key) -> Key:
        """The conversation that leads this one: itself, unless it is linked.

        Two that were linked to each other at the same moment are led by the one with the lower id,
        which begins a new case with the next message.
        """
        path = [key]
        while (to := await self.conversations.linked_to(path[-1].document)) is not None:
            following = Key(key.workspace, to)
            if following in path:
                return min(path[path.index(following) :], key=lambda each: each.id)
            path.append(following)
        return path[-1]


@dataclass(frozen=True)
class Carrying:
    """Tells the leading conversation who waits for an answer and which tickets are open."""

    memories: Memories
    activity: ActivityStore

    async def __call__(self, source: Key, target: Key) -> None:
        """Again is harmless."""
        await self.memories.carry(source, target)
        await self.activity.carry(source, target)


@dataclass(frozen=True)
class Links:
    """Links the conversations of one customer to the one that leads them."""

    custody: Custody
    identities: Identities
    roots: Roots
    carry: Carrying
    drain: DrainRequests
    clock: Clock

    async def home(self, key: Key, event: Event, phone_number_id: str, channel: str) -> Key:
        """Where a message written in this conversation is led.

        The first message in a conversation that WhatsApp told of before links it to the one that
        the customer has already.
        """
        current = await self.custody.load(key)
        if current.state is not None:
            return key if current.state.linked_to is None else await self.roots.of(key)
        known = await self.identities.together(key)
        leads = await self._leads(key.workspace, list(known))
        if not leads:
            return key
        lead = leading(leads)
        linked = Linked(
            lead.conversation_id,
            lead.state.case_id,
            phone_number_id,
            channel,
            identity_event_id=known.get(lead.conversation_id, next(iter(known.values()))),
        )
        cause = causes.of_event(event, self.clock())
        try:
            await self.custody.commit(key, current, [linked], cause, {})
        except VersionConflict:
            return await self.home(key, event, phone_number_id, channel)
        return await self.roots.of(key)

    async def join_known(self, key: Key, event: Event) -> None:
        """Links what was told of a conversation while its first case was being opened."""
        known = await self.identities.together(key)
        if known:
            ids = [key.id, *known]
            await self.join(ids, event, next(iter(known.values())))

    async def join(self, ids: Sequence[str], event: Event, identity_event_id: str) -> None:
        """Makes one conversation lead all of these in which somebody has written."""
        workspace = event.workspace
        async for _ in Rivals(Key(workspace, ids[0])):
            leads = await self._leads(workspace, ids)
            if len(leads) < 2:  # noqa: PLR2004 - one leads itself
                return
            lead = leading(leads)
            cause = replace(causes.of_event(event, self.clock()), id=identity_event_id)
            try:
                for id_ in sorted(leads.keys() - {lead.conversation_id}):
                    await self._yield(Key(workspace, id_), lead, cause, identity_event_id)
            except VersionConflict:
                continue
            return

    async def _leads(self, workspace: str, ids: Sequence[str]) -> Mapping[str, Conversation]:
        """The conversations that lead these, by id; without those nobody has written in."""
        roots = {(await self.roots.of(Key(workspace, id_))).id for id_ in ids}
        found = {id_: await self.custody.load(Key(workspace, id_)) for id_ in sorted(roots)}
        return {id_: each.state for id_, each in found.items() if each.state is not None}

    async def _yield(self, key: Key, lead: Lead, cause: Cause, identity_event_id: str) -> None:
        current = await self.custody.load(key)
        state = current.state
        if state is None or state.linked_to is not None:
            raise VersionConflict(f"{key.document} was linked by others")
        target = Key(key.workspace, lead.conversation_id)
        await self.prepare(key, state, target, cause)
        sealed = await self.custody.commit(
            key, current, yields(state, lead, identity_event_id), cause, {}
        )
        if state.slot is not None:
            self.drain.ask(key.workspace, sealed.events[-1].id, cause.correlation_id)

    async def prepare(self, key: Key, state: Conversation, target: Key, cause: Cause) -> None:
        """What the leading conversation takes over, before the other one yields to it.

        Before, because a crash in between is then made good by doing all of it again.
        """
        await self.carry(key, target)
        if not (state.is_open and state.escalated):
            return
        lead = await self.custody.load(target)
        if lead.state is not None and lead.state.is_open and not lead.state.escalated:
            await self.custody.commit(target, lead, [Escalated(MARK_STAYS.ref)], cause, {})


def told_together(event: Event) -> Sequence[str]:
    """The ids of conversations that a `customer.identified` says are one customer's."""
    assert isinstance(event.data, CustomerIdentified)
    told = event.data
    before = [] if told.previous_conversation_id is None else [told.previous_conversation_id]
    return list(dict.fromkeys([told.conversation_id, *before, *told.alias_conversation_ids]))


@dataclass(frozen=True)
class JoinConversations:
    """Takes `customer.identified`: several ids are one customer."""

    identities: Identities
    links: Links

    async def __call__(self, event: Event) -> None:
        """Returns when it is remembered, and what is known already is linked; again is harmless."""
        ids = told_together(event)
        if len(ids) == 1:
            return
        await self.identities.told(event.workspace, ids, event.id)
        await self.links.join(ids, event, event.id)


@dataclass(frozen=True)
class LinkCase:
    """Makes another case go on in the place of this one, because a person says so."""

    desk: CaseDesk
    links: Links

    async def __call__(self, command: LinkConversation) -> CommandReply:
        """The reply: `case_id`, `linked_to` (the case that goes on), `merged`."""

        async def decide(_: Loaded[Conversation], state: Conversation, cause: Cause) -> Change:
            lead = await self._lead(command, state)
            key = Key(command.workspace, command.conversation_id)
            await self.links.prepare(
                key, state, Key(command.workspace, lead.conversation_id), cause
            )
            result = {"linked_to": lead.state.case_id, "merged": state.is_open}
            return Change(yields(state, lead, None), result)

        return await self.desk.answer(command, decide, reason=command.reason, wanted="any")

    async def _lead(self, command: LinkConversation, state: Conversation) -> Lead:
        named = Key(command.workspace, command.into_conversation_id)
        target = await self.links.roots.of(named)
        if target.id == command.conversation_id:
            raise SameConversation(
                f"{command.into_case_id} and {command.case_id} are of one conversation already."
            )
        found = (await self.links.custody.load(target)).state
        if found is None or found.case_id != command.into_case_id:
            current = "in no case" if found is None else f"in {found.case_id}"
            raise CaseNotCurrent(
                f"{command.into_case_id} is not a current case: its conversation is {current}."
            )
        if state.is_open and not found.is_open:
            raise CaseIsClosed(
                f"{found.case_id} is closed and {state.case_id} is open: reopen that one first, "
                "or link it to this one instead."
            )
        return Lead(target.id, found)
