"""Twins in memory of what routing keeps in MongoDB, as strict as the real ones."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar

from casetrail_contracts import Event, parse_event
from casetrail_routing.domain.assignment import least_loaded_key
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.decisions import Holder
from casetrail_routing.domain.facts import RuleRef
from casetrail_routing.domain.patience import Heard, Memory, Waits
from casetrail_routing.domain.strategies import Pick
from casetrail_routing.domain.user import User
from casetrail_routing.ports import Key, Quiet, Slot, Standing
from casetrail_runtime.outbox import Applied, Loaded, VersionConflict, version_after

S = TypeVar("S")
START = datetime(2026, 11, 22, 10, 14, 3, 120_000, tzinfo=UTC)


class Crashed(Exception):
    """The process died here, as far as its caller can tell."""


class FakeClock:
    """A clock that a test moves; each look at it is a millisecond later than the one before."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def forward(self, **by: float) -> None:
        """Lets that much time pass."""
        self.time += timedelta(**by)


HOLDS: Final = 3
"""Causes an aggregate in memory holds before it forgets all but the newest: few, so it does."""


class MemoryAggregates(Generic[S]):
    """Aggregates in a dict; `log` has every event of every commit, as bytes, in order."""

    def __init__(self, name: str, log: list[bytes], processed: "MemoryProcessed") -> None:
        self.name = name
        self.log = log
        self.processed = processed
        self.documents: dict[str, Loaded[S]] = {}
        self.crash: Literal["before", "after"] | None = None
        self._parsed: list[Event] = []

    async def load(self, id: str) -> Loaded[S] | None:  # noqa: A002 - the port's word
        await asyncio.sleep(0)
        return self.documents.get(id)

    async def commit(
        self,
        current: Loaded[S],
        state: S | None,
        events: Sequence[Event],
        applied_id: str,
        result: Mapping[str, Any],
    ) -> int:
        await asyncio.sleep(0)
        crash, self.crash = self.crash, None
        if crash == "before":
            raise Crashed
        version = version_after(current, state, events)
        stored = self.documents.get(current.id, Loaded[S](current.id))
        if stored.revision != current.revision:
            raise VersionConflict(current.id)
        plain = json.loads(json.dumps(dict(result)))
        before = dict(stored.applied)
        if len(before) >= HOLDS:
            self.processed.keep(self.name, current.id, before)
            before = dict(list(before.items())[-1:])
        before.pop(applied_id, None)
        self.documents[current.id] = Loaded(
            id=current.id,
            version=version,
            state=stored.state if state is None else state,
            applied={**before, applied_id: Applied(plain, version)},
            revision=current.revision + 1,
        )
        self.log.extend(event.to_bytes() for event in events)
        if crash == "after":
            raise Crashed
        return version

    def events(self, subject: str | None = None) -> list[Event]:
        """The events of the log, parsed; of one subject if given."""
        self._parsed += [parse_event(body) for body in self.log[len(self._parsed) :]]
        return [event for event in self._parsed if subject in {None, event.subject}]


class MemoryConversationStore(MemoryAggregates[Conversation]):
    """Conversations, and the queue."""

    async def waiting(self, workspace: str, limit: int) -> list[Key]:
        await asyncio.sleep(0)
        found = [
            (state.queued_at, key)
            for key, state in self._states()
            if key.workspace == workspace and state.is_waiting
        ]
        found.sort(key=lambda pair: (pair[0] or START, pair[1].id))
        return [key for _, key in found][:limit]

    async def workspaces_waiting(self) -> list[str]:
        return sorted({key.workspace for key, state in self._states() if state.is_waiting})

    async def overdue_offers(self, at: datetime, limit: int) -> list[Key]:
        found = [
            (state.accept_by, key)
            for key, state in self._states()
            if state.is_offered and state.accept_by is not None and state.accept_by <= at
        ]
        return [key for _, key in sorted(found, key=lambda pair: (pair[0], pair[1].id))][:limit]

    async def held(self) -> list[Slot]:
        return [
            Slot(Key(key.workspace, state.owner), state.slot, key.id)
            for key, state in self._states()
            if state.is_open and state.owner is not None and state.slot is not None
        ]

    async def linked_to(self, id: str) -> str | None:  # noqa: A002 - the port's word
        await asyncio.sleep(0)
        found = self.documents.get(id)
        return None if found is None or found.state is None else found.state.linked_to

    async def held_by(self, user: Key) -> list[Key]:
        return sorted(
            (slot.conversation for slot in await self.held() if slot.user == user),
            key=lambda key: key.id,
        )

    def _states(self) -> list[tuple[Key, Conversation]]:
        return [
            (Key(*id_.split(":", 1)), found.state)
            for id_, found in self.documents.items()
            if found.state is not None
        ]


Chosen = tuple[RuleRef, tuple[str, ...]]
"""The strategy that chose, and those that found nobody before."""


@dataclass(frozen=True)
class Reserved:
    """One entry of a user's slots."""

    slot: Slot
    claim: str
    at: datetime
    chosen: Chosen | None = None
    outside: bool = False


def _holder(user: User, taken: Reserved) -> Holder:
    return Holder(user.user_id, user.name, taken.claim, *(taken.chosen or ()))


class MemorySlots:
    """Slots beside the users of a store; each method is one atomic step, as in MongoDB."""

    def __init__(self, users: MemoryAggregates[User], clock: FakeClock) -> None:
        self._users = users
        self._clock = clock
        self._last_assigned: dict[str, datetime] = {}
        self._claims = 0
        self.taken: dict[str, list[Reserved]] = {}

    async def choose(self, slot_for: Key, name: str, picks: Sequence[Pick]) -> Holder | None:
        tried: list[str] = []
        for pick in picks:
            await asyncio.sleep(0)
            again = self._take_over(slot_for, name, None)
            if again is not None:
                return again
            free = self._candidates(slot_for, pick)
            if free:
                user = min(free, key=lambda user: self._key(slot_for, pick, user))
                return self._take(slot_for, name, user, (pick.rule, tuple(tried)))
            tried.append(pick.rule.name)
        return self._take_over(slot_for, name, None)

    def _candidates(self, slot_for: Key, pick: Pick) -> list[User]:
        return [
            user
            for id_, user in self._found()
            if id_.startswith(f"{slot_for.workspace}:")
            and user.takes_cases
            and pick.only in {None, user.user_id}
            and user.user_id != pick.avoid
            and (not pick.languages or set(pick.languages) & set(user.languages))
            and set(pick.skills) <= set(user.skills)
            and self._load(slot_for, user) < user.capacity
        ]

    async def reserve(
        self, slot_for: Key, name: str, *, user_id: str, off_shift: bool
    ) -> Holder | None:
        await asyncio.sleep(0)
        again = self._take_over(slot_for, name, user_id)
        if again is not None:
            return again
        user = dict(self._found()).get(Key(slot_for.workspace, user_id).document)
        if user is None or not user.can_own or not (user.takes_cases or off_shift):
            return None
        if self._load(slot_for, user) >= user.capacity:
            return None
        return self._take(slot_for, name, user, None)

    async def give_back(self, slot: Slot, claim: str) -> None:
        await asyncio.sleep(0)
        self._keep(slot, lambda taken: taken.claim != claim)

    async def release(self, slot: Slot, older_than: timedelta | None = None) -> None:
        await asyncio.sleep(0)
        self._keep(slot, lambda taken: taken.slot != slot or not self._old(taken, older_than))

    async def reserved(self, older_than: timedelta | None = None) -> list[Slot]:
        await asyncio.sleep(0)
        return [
            taken.slot
            for entries in self.taken.values()
            for taken in entries
            if self._old(taken, older_than)
        ]

    async def restore(self, slot: Slot) -> None:
        await asyncio.sleep(0)
        entries = self.taken.setdefault(slot.user.document, [])
        if all(taken.slot != slot for taken in entries):
            entries.append(Reserved(slot, self._claim(), self._clock.time))

    async def mark(self, conversation: Key, *, outside: bool) -> bool:
        await asyncio.sleep(0)
        changed = False
        for id_, entries in self.taken.items():
            for place, taken in enumerate(entries):
                if taken.slot.conversation == conversation and taken.outside != outside:
                    self.taken[id_][place] = replace(taken, outside=outside)
                    changed = True
        return changed

    async def marked(self) -> set[Key]:
        await asyncio.sleep(0)
        every = [taken for entries in self.taken.values() for taken in entries]
        return {taken.slot.conversation for taken in every if taken.outside}

    async def barred(self) -> list[Key]:
        await asyncio.sleep(0)
        return [
            Key(*id_.split(":", 1))
            for id_, user in self._found()
            if user.barred_by is not None and self.taken.get(id_)
        ]

    def _found(self) -> list[tuple[str, User]]:
        return [
            (id_, found.state)
            for id_, found in self._users.documents.items()
            if found.state is not None
        ]

    def _load(self, slot_for: Key, user: User) -> int:
        taken = self.taken.get(Key(slot_for.workspace, user.user_id).document, [])
        return sum(not each.outside for each in taken)

    def _key(self, slot_for: Key, pick: Pick, user: User) -> tuple[int, float, str]:
        last = self._last_assigned.get(Key(slot_for.workspace, user.user_id).document)
        load = self._load(slot_for, user) if pick.first == "least-loaded" else 0
        return least_loaded_key(load, last, user.user_id)

    def _take(self, slot_for: Key, name: str, user: User, chosen: Chosen | None) -> Holder:
        owner = Key(slot_for.workspace, user.user_id)
        slot = Slot(owner, name, slot_for.id)
        taken = Reserved(slot, self._claim(), self._clock.time, chosen)
        self.taken.setdefault(owner.document, []).append(taken)
        self._last_assigned[owner.document] = self._clock()
        return _holder(user, taken)

    def _take_over(self, slot_for: Key, name: str, user_id: str | None) -> Holder | None:
        for id_, entries in self.taken.items():
            for place, taken in enumerate(entries):
                mine = taken.slot.name == name and taken.slot.user.workspace == slot_for.workspace
                if mine and user_id in {None, taken.slot.user.id}:
                    entries[place] = replace(taken, claim=self._claim(), at=self._clock.time)
                    user = dict(self._found())[id_]
                    return _holder(user, entries[place])
        return None

    def _claim(self) -> str:
        self._claims += 1
        return f"claim {self._claims}"

    def _keep(self, slot: Slot, wanted: Any) -> None:
        entries = self.taken.get(slot.user.document, [])
        self.taken[slot.user.document] = [taken for taken in entries if wanted(taken)]

    def _old(self, taken: Reserved, older_than: timedelta | None) -> bool:
        return older_than is None or self._clock.time - taken.at > older_than


class MemoryProcessed:
    """Causes remembered for good; `crash` loses one mark, as a kill between write and mark does."""

    def __init__(self) -> None:
        self.marks: dict[str, Applied] = {}
        self.crash = False
        self.overtaken: Callable[[], Awaitable[None]] | None = None
        """What others do behind the next answer, before whoever asked goes on."""

    async def seen(self, id: str) -> Applied | None:  # noqa: A002 - the port's word
        await asyncio.sleep(0)
        known = self.marks.get(id)
        others, self.overtaken = self.overtaken, None
        if others is not None:
            await others()
        return known

    async def mark(self, id: str, result: Mapping[str, Any], version: int = 0) -> None:  # noqa: A002
        await asyncio.sleep(0)
        if self.crash:
            self.crash = False
            raise Crashed
        self.marks.setdefault(id, Applied(json.loads(json.dumps(dict(result))), version))

    mark_soon = mark

    def keep(self, store: str, id: str, causes: Mapping[str, Applied]) -> None:  # noqa: A002
        """What an aggregate is about to forget."""
        for cause_id, applied in causes.items():
            self.marks.setdefault(f"{cause_id}@{store}/{id}", applied)


@dataclass
class Activity:
    """What was heard of one conversation; places are its case (None) and its tickets."""

    last_at: datetime
    last_event_id: str
    versions: dict[str | None, int] = field(default_factory=dict)
    said: dict[str | None, tuple[int, bool]] = field(default_factory=dict)
    moved: dict[str | None, tuple[int, bool]] = field(default_factory=dict)


class MemoryActivity:
    """When something last happened in each conversation."""

    def __init__(self) -> None:
        self.heard_of: dict[Key, Activity] = {}

    async def heard(
        self, conversation: Key, event_id: str, at: datetime, standing: Standing | None
    ) -> None:
        await asyncio.sleep(0)
        heard = self.heard_of.setdefault(conversation, Activity(at, event_id))
        if at > heard.last_at:
            heard.last_at, heard.last_event_id = at, event_id
        if standing is None:
            return
        place, version = standing.ticket_id, standing.version
        heard.versions[place] = max(version, heard.versions.get(place, 0))
        if standing.open is not None and version > heard.said.get(place, (0, False))[0]:
            heard.said[place] = (version, standing.open)
        if standing.outside is not None and version > heard.moved.get(place, (0, False))[0]:
            heard.moved[place] = (version, standing.outside)

    async def outside(self, conversations: Sequence[Key]) -> set[Key]:
        await asyncio.sleep(0)
        found: set[Key] = set()
        for key in conversations:
            if (heard := self.heard_of.get(key)) is None:
                continue
            opened = [place for place, (_, is_open) in heard.said.items() if place and is_open]
            if opened and all(heard.moved.get(place, (0, False))[1] for place in opened):
                found.add(key)
        return found

    async def quiet_since(self, before: datetime, limit: int) -> list[Quiet]:
        await asyncio.sleep(0)
        found = [
            Quiet(key, heard.last_event_id, heard.last_at, heard.versions[None])
            for key, heard in self.heard_of.items()
            if heard.last_at <= before
            and [place for place, (_, is_open) in heard.said.items() if is_open] == [None]
        ]
        return sorted(found, key=lambda quiet: quiet.last_at)[:limit]

    async def carry(self, source: Key, target: Key) -> None:
        known = self.heard_of.get(source)
        for place, version in {} if known is None else known.versions.items():
            if known is not None and place is not None:
                at, by = known.last_at, known.last_event_id
                said, is_open = known.said.get(place, (0, None))
                await self.heard(target, by, at, Standing(place, said, is_open))
                moved, outside = known.moved.get(place, (0, None))
                await self.heard(target, by, at, Standing(place, moved, None, outside))
                await self.heard(target, by, at, Standing(place, version, None))


class MemoryNumbers:
    """Case numbers from 1001, one per cause."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str], int] = {}

    async def take(self, workspace: str, cause_id: str) -> int:
        await asyncio.sleep(0)
        of_workspace = [number for (name, _), number in self.taken.items() if name == workspace]
        return self.taken.setdefault((workspace, cause_id), 1001 + len(of_workspace))


class MemoryPublisher:
    """Events of no aggregate."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, event: Event) -> None:
        await asyncio.sleep(0)
        self.events.append(parse_event(event.to_bytes()))


class NotedRequests:
    """Requests to drain the queue, noted for the test to carry out."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, str | None]] = []

    def ask(self, workspace: str, cause_id: str | None, correlation_id: str | None) -> None:
        self.asked.append((workspace, cause_id, correlation_id))


class MemoryMemories:
    """What customers wrote and when they were answered."""

    def __init__(self) -> None:
        self.of: dict[str, Memory] = {}
        self._told: dict[tuple[str, str], str] = {}

    async def hear(self, conversation: Key, message: Heard) -> Memory:
        await asyncio.sleep(0)
        known = self.of.get(conversation.document, Memory())
        others = [each for each in known.heard if each.event_id != message.event_id]
        heard = tuple(sorted([*others, message], key=lambda each: each.at))[-100:]
        self._keep(conversation, replace(known, heard=heard))
        return self.of[conversation.document]

    async def answered(self, conversation: Key, at: datetime) -> None:
        await asyncio.sleep(0)
        known = self.of.get(conversation.document, Memory())
        latest = at if known.answered_at is None else max(at, known.answered_at)
        self._keep(conversation, replace(known, answered_at=latest))

    def _keep(self, conversation: Key, memory: Memory) -> None:
        worth = [each for each in memory.heard if each.topic or each in memory.unanswered]
        self.of[conversation.document] = replace(memory, heard=tuple(worth))

    async def overdue(self, rule: str, before: datetime, limit: int) -> list[Waits]:
        await asyncio.sleep(0)
        found = []
        for id_, memory in self.of.items():
            waits = memory.unanswered
            told = bool(waits) and self._told.get((id_, rule)) == waits[0].event_id
            if waits and waits[0].at <= before and not told:
                key = Key(*id_.split(":", 1))
                found.append(Waits(key.id, key.workspace, memory))
        return sorted(found, key=lambda wait: wait.memory.unanswered[0].at)[:limit]

    async def told(self, wait: Waits, rule: str) -> None:
        await asyncio.sleep(0)
        id_ = Key(wait.workspace, wait.conversation_id).document
        self._told[id_, rule] = wait.memory.unanswered[0].event_id

    async def carry(self, source: Key, target: Key) -> None:
        for message in self.of.get(source.document, Memory()).unanswered:
            await self.hear(target, message)


class MemoryIdentities:
    """Which conversation ids were told to be one customer's."""

    def __init__(self) -> None:
        self._others: dict[str, dict[str, str]] = {}

    async def told(self, workspace: str, ids: Sequence[str], event_id: str) -> None:
        await asyncio.sleep(0)
        for id_ in ids:
            known = self._others.setdefault(Key(workspace, id_).document, {})
            for other in ids:
                if other != id_:
                    known.setdefault(other, event_id)

    async def together(self, conversation: Key) -> Mapping[str, str]:
        await asyncio.sleep(0)
        known: dict[str, str] = {}
        asking = [conversation.id]
        while asking:
            fresh = {
                other: by
                for id_ in asking
                for other, by in self._others.get(
                    Key(conversation.workspace, id_).document, {}
                ).items()
                if other not in {conversation.id, *known}
            }
            asking = sorted(fresh)
            known |= {id_: fresh[id_] for id_ in asking}
        return known
