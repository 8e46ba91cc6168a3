"""Customers who wait too long for an answer, marked Escalated by a rule."""

from dataclasses import dataclass
from typing import Final

from casetrail_contracts import Event

from casetrail_routing.domain.facts import Escalated
from casetrail_routing.domain.patience import WaitingRule, Waits, observed
from casetrail_routing.ports import Clock, Key, Memories, VersionConflict
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.custody import Custody
from casetrail_routing.use_cases.linking import Roots
from casetrail_routing.use_cases.route_message import RulesInForce

BATCH: Final = 200
ANSWERING: Final = frozenset({"agent", "lead", "admin", "unknown"})
"""Whose message is an answer: a person's. `unknown` is the phone app, which names nobody."""


@dataclass(frozen=True)
class HearAnswer:
    """Remembers that somebody answered, or that the case ended; either ends the wait."""

    memories: Memories
    roots: Roots

    async def __call__(self, event: Event) -> None:
        """Messages that a program sends by itself are no answers."""
        if event.conversationid is None:
            return
        closes = event.type.startswith("casetrail.conversation.closed.")
        if closes or event.data.actor.kind in ANSWERING:
            key = Key(event.workspace, event.conversationid)
            if not closes:
                key = await self.roots.of(key)
            await self.memories.answered(key, event.time)


@dataclass(frozen=True)
class EscalateWaiting:
    """Looks for customers whom nobody has answered in time.

    What it knows is in the store, so a restart forgets no wait. A wait marks a case once: when a
    person takes the mark away, the same wait does not set it again.
    """

    custody: Custody
    memories: Memories
    rules: RulesInForce
    clock: Clock

    async def look(self) -> int:
        """How many cases were marked."""
        marked = 0
        for rule in self.rules().waiting:
            before = self.clock() - rule.after
            for wait in await self.memories.overdue(rule.name, before, BATCH):
                marked += await self._mark(rule, wait)
        return marked

    async def _mark(self, rule: WaitingRule, wait: Waits) -> bool:
        """Whether it was this that marked the case; a rival's write leaves it to the next look."""
        key = Key(wait.workspace, wait.conversation_id)
        current = await self.custody.load(key)
        state, messages = current.state, wait.memory.unanswered
        if state is None:
            return False  # the message is not routed yet
        marks = state.is_open and not state.escalated
        if marks:
            now = self.clock()
            first = messages[0].event_id
            fact = Escalated(rule.ref, (), first, observed(messages, now))
            try:
                await self.custody.commit(
                    key, current, [fact], Cause(first, key.workspace, now), {}
                )
            except VersionConflict:
                return False
        await self.memories.told(wait, rule.name)
        return marks
