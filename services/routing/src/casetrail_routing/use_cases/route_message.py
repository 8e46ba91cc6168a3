"""A customer's message: opens or reopens a case, gives it an owner, flags a complaint."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from casetrail_contracts import Event
from casetrail_contracts.registry.message import MessageReceived

from casetrail_routing.domain.complaints import EscalationRules, find_complaint, find_topic
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.decisions import (
    Holder,
    Inbound,
    Need,
    escalation,
    need_of,
    open_case,
    reopen_in_queue,
    reopen_with_previous_owner,
)
from casetrail_routing.domain.facts import ConversationFact
from casetrail_routing.domain.language import language_of
from casetrail_routing.domain.patience import Heard
from casetrail_routing.ports import (
    Clock,
    DrainRequests,
    Key,
    Loaded,
    Memories,
    Numbers,
    ProcessedStore,
    VersionConflict,
)
from casetrail_routing.use_cases import causes
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.custody import Choice, Custody, Plan
from casetrail_routing.use_cases.linking import Links
from casetrail_routing.use_cases.once import Rivals, once_key

RulesInForce = Callable[[], EscalationRules]
"""The rules as they stand at the moment they are asked for."""


@dataclass(frozen=True)
class RoutingPolicy:
    """What a workspace decides about routing."""

    rules: RulesInForce
    reopen_window: timedelta
    inbox: Inbox


def text_of(event: Event) -> str | None:
    """What the customer wrote; None when it was no text, or is erased."""
    text = event.private_values().get("text")
    return text if isinstance(text, str) else None


def heard_of(event: Event, rules: EscalationRules) -> Heard:
    """A message as a conversation's memory keeps it."""
    topic = find_topic(rules.complaints, text_of(event))
    return Heard(event.id, event.time, None if topic is None else topic.rule.name)


@dataclass(frozen=True)
class RouteMessage:
    """Takes `message.received` of one conversation; the same event again has no effect."""

    custody: Custody
    numbers: Numbers
    processed: ProcessedStore
    drain: DrainRequests
    policy: RoutingPolicy
    memories: Memories
    links: Links
    clock: Clock

    async def __call__(self, event: Event, message: MessageReceived, conversation_id: str) -> None:
        """Returns when the message has had its effect, or is known to have had it."""
        written_in = Key(event.workspace, conversation_id)
        once = once_key(event.id, self.custody.conversations.name, written_in)
        if await self.processed.seen(once) is not None:
            return
        async for _ in Rivals(written_in):
            try:
                await self._route(written_in, event, message)
            except VersionConflict:
                continue
            break
        await self.processed.mark(once, {})

    async def _route(self, written_in: Key, event: Event, message: MessageReceived) -> None:
        key = await self.links.home(written_in, event, message.phone_number_id, message.channel)
        inbound = await self._inbound(written_in, key, event, message)
        current = await self.custody.load(key)
        if current.state is not None and current.state.linked_to is not None:
            await self._still_leads(key)
        again = await self._took(key, current, event)
        if not again:
            await self._take(key, current, inbound, causes.of_event(event, self.clock()))
        if again or current.state is None:
            await self.links.join_known(key, event)

    async def _took(self, key: Key, current: Loaded[Conversation], event: Event) -> bool:
        """True when the message has had its effect here: a process died behind its write.

        What the conversation has forgotten by now is in the log, under the conversation's name.
        """
        if event.id in current.applied or not current.forgot:
            return event.id in current.applied
        once = once_key(event.id, self.custody.conversations.name, key)
        return await self.processed.seen(once) is not None

    async def _still_leads(self, key: Key) -> None:
        """Raises `VersionConflict` when the conversation has yielded since it was found to lead.

        A case opened in it now would be the customer's second one, and nobody would look again.
        """
        if await self.links.roots.of(key) != key:
            raise VersionConflict(f"{key.document} was linked by others")

    async def _inbound(
        self, written_in: Key, key: Key, event: Event, message: MessageReceived
    ) -> Inbound:
        text = text_of(event)
        rules = self.policy.rules()
        heard = heard_of(event, rules)
        memory = await self.memories.hear(key, heard)
        complaint = find_complaint(rules, text, memory)
        return Inbound(
            event_id=event.id,
            at=event.time,
            phone_number_id=message.phone_number_id,
            channel=message.channel,
            rule=None if complaint is None else complaint.rule,
            matched=() if complaint is None else complaint.matched,
            language=language_of(text),
            topic=heard.topic,
            observed=None if complaint is None else complaint.observed,
            conversation_id=None if written_in == key else written_in.id,
        )

    async def _take(
        self, key: Key, current: Loaded[Conversation], inbound: Inbound, cause: Cause
    ) -> None:
        state = current.state
        need = need_of(state, inbound, self.policy.reopen_window)
        if need is Need.NEW_CASE:
            case_id = await self._case_id(key, state)
            queued = self.policy.inbox.queued(key.workspace)
            plan = partial(open_case, inbound, case_id, queued, cause.at)
            await self._write_queued(key, current, plan, cause)
        elif need is Need.REOPENING and state is not None:
            await self._reopen(key, current, state, inbound, cause)
        elif need is Need.ESCALATION:
            await self.custody.commit(key, current, escalation(inbound), cause, {})

    async def _case_id(self, key: Key, state: Conversation | None) -> str:
        """`CASE-<n>`: the n-th case of a conversation has one number, whatever opens it."""
        nth = 1 if state is None else state.cases + 1
        return f"CASE-{await self.numbers.take(key.workspace, f'{key.id}:{nth}')}"

    async def _reopen(
        self,
        key: Key,
        current: Loaded[Conversation],
        state: Conversation,
        inbound: Inbound,
        cause: Cause,
    ) -> None:
        if state.owner is not None:
            facts = reopen_with_previous_owner(state, inbound)
            owner = await self.custody.reserve(
                key, current, lambda _: facts, cause, Choice(state.owner)
            )
            if owner is not None:
                await self.custody.commit(key, current, facts, cause, {}, owner)
                return
        queued = self.policy.inbox.queued(key.workspace)
        plan = partial(reopen_in_queue, state, inbound, queued, cause.at)
        await self._write_queued(key, current, plan, cause)

    async def _write_queued(
        self, key: Key, current: Loaded[Conversation], plan: Plan, cause: Cause
    ) -> None:
        """Writes a case that enters the queue, and leaves it at once if somebody is free.

        Nobody passes those who wait already: then the case queues, and the queue is drained.
        """
        others_wait = bool(await self.custody.conversations.waiting(key.workspace, 1))
        holder: Holder | None = None
        if not others_wait:
            holder = await self.custody.reserve(key, current, plan, cause)
        facts: Sequence[ConversationFact] = plan(holder)
        sealed = await self.custody.commit(key, current, facts, cause, {}, holder)
        if others_wait:
            self.drain.ask(key.workspace, sealed.events[-1].id, cause.correlation_id)
