"""One suite over the twins in memory and the real MongoDB adapters: they keep the same promises."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from casetrail_routing.adapters import mongo
from casetrail_routing.adapters.mongo_activity import ACTIVITY, MongoActivity
from casetrail_routing.adapters.mongo_activity import INDEXES as ACTIVITY_INDEXES
from casetrail_routing.adapters.mongo_identities import IDENTITIES, MongoIdentities
from casetrail_routing.adapters.mongo_memories import MEMORIES, MEMORY_INDEXES, MongoMemories
from casetrail_routing.adapters.mongo_slots import MongoSlots
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import RuleRef
from casetrail_routing.domain.patience import Heard
from casetrail_routing.domain.strategies import First, Pick
from casetrail_routing.domain.user import User
from casetrail_routing.ports import (
    ActivityStore,
    ConversationStore,
    Identities,
    Key,
    Loaded,
    Memories,
    Quiet,
    Slot,
    Slots,
    Standing,
    UserStore,
    VersionConflict,
)
from casetrail_runtime.mongo import Database, ensure_indexes

from tests.unit.routing.memory import (
    START,
    FakeClock,
    MemoryActivity,
    MemoryAggregates,
    MemoryConversationStore,
    MemoryIdentities,
    MemoryMemories,
    MemoryProcessed,
    MemorySlots,
)


@dataclass(frozen=True)
class Stores:
    """The stores under test."""

    conversations: ConversationStore
    users: UserStore
    slots: Slots
    memories: Memories

    async def put_user(self, user: User, workspace: str = "main") -> None:
        """Stores a state without a history; the version stays 0."""
        id_ = Key(workspace, user.user_id).document
        current = await self.users.load(id_) or Loaded[User](id_)
        await self.users.commit(current, user, [], f"put {user}", {})

    async def put(self, id_: str, state: Conversation) -> None:
        """Stores a state without a history; the version stays 0."""
        key = Key("main", id_).document
        current = await self.conversations.load(key) or Loaded[Conversation](key)
        await self.conversations.commit(current, state, [], f"put {state}", {})

    async def places(self) -> list[tuple[str, str]]:
        """Who has which slot, sorted."""
        return sorted((slot.user.id, slot.name) for slot in await self.slots.reserved())


def in_memory() -> Stores:
    """The twins."""
    processed = MemoryProcessed()
    users: MemoryAggregates[User] = MemoryAggregates("users", [], processed)
    conversations = MemoryConversationStore("conversations", [], processed)
    return Stores(conversations, users, MemorySlots(users, FakeClock()), MemoryMemories())


@pytest.fixture(params=["memory", "mongo"])
async def stores(request: pytest.FixtureRequest, mongo_db: Database) -> Stores:
    """The twins, then the adapters on a database of this test."""
    if request.param == "memory":
        return in_memory()
    await ensure_indexes(mongo_db, {**mongo.INDEXES, **MEMORY_INDEXES})
    return Stores(
        mongo.MongoConversationStore(mongo_db[mongo.CONVERSATIONS]),
        mongo.user_store(mongo_db[mongo.USERS]),
        MongoSlots(mongo_db[mongo.USERS]),
        MongoMemories(mongo_db[MEMORIES]),
    )


def user(user_id: str, capacity: int = 2, **fields: Any) -> User:
    """An agent on shift."""
    return User(
        **{
            "user_id": user_id,
            "name": f"Agent {user_id.upper()}",
            "role": "agent",
            "capacity": capacity,
            "version": 0,
            "shift_id": "s",
            **fields,
        }
    )


RULE = RuleRef("least-loaded", "sha256:1", "in words")
ANYBODY = [Pick(RULE)]
WAITING = Conversation(
    case_id="CASE-1001",
    phone_number_id="1",
    channel="whatsapp",
    cases=1,
    status="open",
    opened_at=START,
    version=0,
    queue="shared-inbox",
    queued_at=START,
    queued_by="e-2",
)


async def test_a_state_comes_back_as_it_was_stored(stores: Stores) -> None:
    """Times with their zone, tuples as tuples, None as None."""
    someone = user("a", skills=("delivery",), languages=("ur", "en"))
    await stores.put_user(someone)
    await stores.put("cv_1", WAITING)
    found = await stores.users.load("main:a")
    conversation = await stores.conversations.load("main:cv_1")
    assert found is not None
    assert found.state == someone
    assert conversation is not None
    assert conversation.state == WAITING
    assert await stores.users.load("main:nobody") is None


async def test_a_write_on_an_old_reading_conflicts(stores: Stores) -> None:
    """Of two writers that read the same, one must read again; also for a new document."""
    fresh = Loaded[Conversation]("main:cv_1")
    await stores.conversations.commit(fresh, WAITING, [], "c-1", {"n": 1})
    with pytest.raises(VersionConflict):
        await stores.conversations.commit(fresh, WAITING, [], "c-2", {})
    read = await stores.conversations.load("main:cv_1")
    assert read is not None
    await stores.conversations.commit(read, None, [], "c-3", {})
    with pytest.raises(VersionConflict):
        await stores.conversations.commit(read, WAITING, [], "c-4", {})
    after = await stores.conversations.load("main:cv_1")
    assert after is not None
    assert after.state == WAITING
    assert {id_: dict(applied.result) for id_, applied in after.applied.items()} == {
        "c-1": {"n": 1},
        "c-3": {},
    }


async def test_who_waits_longest_comes_first(stores: Stores) -> None:
    """Only open cases without owner wait; the others are not in the queue."""
    await stores.put("cv_b", replace(WAITING, queued_at=START + timedelta(seconds=2)))
    await stores.put("cv_a", replace(WAITING, queued_at=START + timedelta(seconds=3)))
    await stores.put("cv_c", replace(WAITING, queued_at=START + timedelta(seconds=1)))
    await stores.put("cv_d", replace(WAITING, owner="a", slot="s-1", queued_at=None))
    await stores.put("cv_e", replace(WAITING, status="closed", queued_at=None))
    assert [key.id for key in await stores.conversations.waiting("main", 10)] == [
        "cv_c",
        "cv_b",
        "cv_a",
    ]
    assert [key.id for key in await stores.conversations.waiting("main", 1)] == ["cv_c"]
    assert await stores.conversations.waiting("other", 10) == []
    assert await stores.conversations.workspaces_waiting() == ["main"]
    assert await stores.conversations.held() == [Slot(Key("main", "a"), "s-1", "cv_d")]


async def test_least_loaded_then_longest_idle_then_id(stores: Stores) -> None:
    """The rule, in the order it says."""
    for user_id in ("c", "a", "b"):
        await stores.put_user(user(user_id))
    chosen = []
    for number in range(7):
        holder = await stores.slots.choose(Key("main", f"cv_{number}"), f"s-{number}", ANYBODY)
        chosen.append(None if holder is None else holder.user_id)
    assert chosen == ["a", "b", "c", "a", "b", "c", None]
    await stores.slots.release(Slot(Key("main", "c"), "s-2", "cv_2"))
    await stores.slots.release(Slot(Key("main", "b"), "s-1", "cv_1"))
    holder = await stores.slots.choose(Key("main", "cv_9"), "s-9", ANYBODY)
    assert holder is not None
    assert (holder.user_id, holder.name) == ("b", "Agent B")


async def test_least_loaded_passes_over_the_one_to_avoid(stores: Stores) -> None:
    """Somebody else, or nobody; under another name they are chosen again."""
    await stores.put_user(user("a"))
    key = Key("main", "cv_1")
    assert await stores.slots.choose(key, "s-1", [Pick(RULE, avoid="a")]) is None
    assert await stores.places() == []
    await stores.put_user(user("b"))
    holder = await stores.slots.choose(key, "s-1", [Pick(RULE, avoid="a")])
    assert holder is not None
    assert holder.user_id == "b"


@pytest.mark.parametrize(
    "away",
    [user("a", 0), user("a", shift_id=None), user("a", role="reviewer"), user("a", role="admin")],
)
async def test_who_may_not_have_a_case_gets_none(stores: Stores, away: User) -> None:
    """No capacity, no shift, or a role that works no cases."""
    await stores.put_user(away)
    await stores.put_user(user("elsewhere"), workspace="other")
    assert await stores.slots.choose(Key("main", "cv_1"), "s-1", ANYBODY) is None
    assert await stores.places() == []


async def test_one_user_can_be_asked_for(stores: Stores) -> None:
    """Off shift only when that is said; over capacity never."""
    await stores.put_user(user("a", 1, shift_id=None))
    key = Key("main", "cv_1")

    def ask(name: str, *, off_shift: bool) -> Any:
        return stores.slots.reserve(key, name, user_id="a", off_shift=off_shift)

    assert await ask("s-1", off_shift=False) is None
    assert await ask("s-1", off_shift=True) is not None
    assert await ask("s-2", off_shift=True) is None
    assert await stores.slots.reserve(key, "s-3", user_id="nobody", off_shift=True) is None


async def test_fifty_at_once_never_take_more_than_there_is(stores: Stores) -> None:
    """Seven places, fifty that ask: seven get one."""
    await stores.put_user(user("a", 3))
    await stores.put_user(user("b", 4))
    holders = await asyncio.gather(
        *(stores.slots.choose(Key("main", f"cv_{n}"), f"s-{n}", ANYBODY) for n in range(50))
    )
    assert sum(holder is not None for holder in holders) == 7
    assert [who for who, _ in await stores.places()] == ["a"] * 3 + ["b"] * 4


async def test_the_same_slot_again_is_taken_over(stores: Stores) -> None:
    """A repeated attempt takes no second place; only the last one can give it back."""
    await stores.put_user(user("a"))
    await stores.put_user(user("b"))
    key = Key("main", "cv_1")
    first = await stores.slots.choose(key, "s-1", ANYBODY)
    second = await stores.slots.choose(key, "s-1", ANYBODY)
    assert first is not None
    assert second is not None
    assert (first.user_id, second.user_id) == ("a", "a")
    slot = Slot(Key("main", "a"), "s-1", "cv_1")
    await stores.slots.give_back(slot, first.claim)
    assert await stores.places() == [("a", "s-1")]
    await stores.slots.give_back(slot, second.claim)
    assert await stores.places() == []


async def test_a_slot_is_freed_by_name_or_by_age(stores: Stores) -> None:
    """Freeing twice is harmless; a young one stays when only old ones are meant."""
    await stores.put_user(user("a"))
    await stores.slots.choose(Key("main", "cv_1"), "s-1", ANYBODY)
    slot = Slot(Key("main", "a"), "s-1", "cv_1")
    assert await stores.slots.reserved() == [slot]
    assert await stores.slots.reserved(timedelta(hours=1)) == []
    await stores.slots.release(slot, timedelta(hours=1))
    assert await stores.places() == [("a", "s-1")]
    await stores.slots.release(slot)
    await stores.slots.release(slot)
    assert await stores.places() == []


async def test_a_slot_can_be_restored_beyond_capacity(stores: Stores) -> None:
    """What is held is held; it counts for the next one who asks."""
    await stores.put_user(user("a", 1))
    for name in ("s-1", "s-2", "s-2"):
        await stores.slots.restore(Slot(Key("main", "a"), name, f"cv_{name}"))
    assert await stores.places() == [("a", "s-1"), ("a", "s-2")]
    assert await stores.slots.choose(Key("main", "cv_3"), "s-3", ANYBODY) is None


async def test_a_users_own_write_leaves_the_slots_alone(stores: Stores) -> None:
    """A shift that ends does not take the cases away."""
    await stores.put_user(user("a"))
    await stores.slots.choose(Key("main", "cv_1"), "s-1", ANYBODY)
    await stores.put_user(user("a", shift_id=None))
    assert await stores.places() == [("a", "s-1")]


HELD = replace(WAITING, queue=None, queued_at=None, queued_by=None, owner="a", owner_name="A")


async def test_overdue_offers_come_longest_overdue_first(stores: Stores) -> None:
    """Only offers of open cases whose time has come; accepted and waiting ones are none."""
    at = START + timedelta(minutes=5)
    for id_, minutes in (("cv_late", 2), ("cv_later", 4), ("cv_due", 5), ("cv_ahead", 6)):
        by = START + timedelta(minutes=minutes)
        await stores.put(id_, replace(HELD, slot=id_, accept_by=by))
    await stores.put("cv_held", replace(HELD, slot="held"))
    await stores.put("cv_waiting", WAITING)
    found = await stores.conversations.overdue_offers(at, 10)
    assert [key.id for key in found] == ["cv_late", "cv_later", "cv_due"]
    assert len(await stores.conversations.overdue_offers(at, 2)) == 2


@pytest.fixture(params=["memory", "mongo"])
async def activity(request: pytest.FixtureRequest, mongo_db: Database) -> ActivityStore:
    """The twin, then the adapter on a database of this test."""
    if request.param == "memory":
        return MemoryActivity()
    await ensure_indexes(mongo_db, ACTIVITY_INDEXES)
    return MongoActivity(mongo_db[ACTIVITY])


async def test_quiet_cases_are_open_without_an_open_ticket(activity: ActivityStore) -> None:
    """Whatever order the events come in, and however often: the newest version decides."""
    one, two, three = (Key("main", f"cv_{n}") for n in (1, 2, 3))
    opened = Standing(None, 1, open=True)
    for key in (one, two, three):
        await activity.heard(key, f"opened {key.id}", START, opened)
    later = START + timedelta(minutes=1)
    await activity.heard(one, "m2", later, None)
    await activity.heard(one, "m1", START - timedelta(minutes=1), Standing(None, 2, open=None))
    await activity.heard(two, "t1", START, Standing("T-1001", 1, open=True))
    await activity.heard(three, "closed", later, Standing(None, 5, open=False))
    await activity.heard(three, "reopened late", START, Standing(None, 4, open=True))
    assert await activity.quiet_since(later, 10) == [Quiet(one, "m2", later, 2)]
    assert await activity.quiet_since(START, 10) == []
    for version, is_open in ((2, False), (1, True), (2, False)):
        await activity.heard(two, f"t{version}", START, Standing("T-1001", version, is_open))
    found = await activity.quiet_since(later, 10)
    assert [(quiet.conversation, quiet.version) for quiet in found] == [(two, 1), (one, 2)]


async def test_round_robin_goes_by_turns_whatever_anybody_holds(stores: Stores) -> None:
    """Longest since the last assignment first; the one who has room alone when nobody else has."""
    await stores.put_user(user("a", 9))
    await stores.put_user(user("b", 1))
    await stores.put_user(user("c", 9))
    for name in ("x", "y", "z"):
        await stores.slots.restore(Slot(Key("main", "a"), name, f"cv_{name}"))
    chosen = []
    for number in range(6):
        picks = [Pick(RULE, "longest-idle")]
        holder = await stores.slots.choose(Key("main", f"cv_{number}"), f"s-{number}", picks)
        chosen.append(None if holder is None else holder.user_id)
    assert chosen == ["a", "b", "c", "a", "c", "a"]


async def test_a_language_and_skills_narrow_who_is_chosen(stores: Stores) -> None:
    """One of the languages, all of the skills; nobody rather than somebody who cannot."""
    await stores.put_user(user("a", languages=("en",)))
    await stores.put_user(user("b", languages=("ur", "en"), skills=("refunds",)))
    await stores.put_user(user("c", languages=("ur",), skills=("refunds", "tax"), capacity=1))

    async def ask(name: str, **needs: Any) -> str | None:
        holder = await stores.slots.choose(Key("main", name), name, [Pick(RULE, **needs)])
        return None if holder is None else holder.user_id

    assert await ask("s-1", languages=("ur-Latn", "ur"), skills=("refunds", "tax")) == "c"
    assert await ask("s-2", languages=("ur-Latn", "ur"), skills=("refunds", "tax")) is None
    assert await ask("s-3", languages=("ur",)) == "b"
    assert await ask("s-4", languages=("pa",)) is None
    assert await ask("s-5", only="a") == "a"
    assert await ask("s-6", only="nobody") is None


async def test_the_first_choice_that_finds_somebody_is_named(stores: Stores) -> None:
    """With those that found nobody before it; also when the same slot is asked for again."""
    await stores.put_user(user("a", languages=("en",)))
    last, speaks = RuleRef("last-owner", "v1", "t1"), RuleRef("match", "v2", "t2")
    picks = [Pick(last, only="gone"), Pick(speaks, languages=("ur",)), Pick(RULE)]
    first = await stores.slots.choose(Key("main", "cv_1"), "s-1", picks)
    again = await stores.slots.choose(Key("main", "cv_1"), "s-1", [Pick(speaks)])
    for holder in (first, again):
        assert holder is not None
        assert (holder.user_id, holder.rule) == ("a", RULE)
        assert holder.tried == ("last-owner", "match")
    assert await stores.places() == [("a", "s-1")]
    by_hand = await stores.slots.reserve(Key("main", "cv_2"), "s-2", user_id="a", off_shift=True)
    assert by_hand is not None
    assert by_hand.rule is None


@pytest.mark.parametrize("gone", ["away", "offline"])
async def test_who_is_not_at_their_desk_is_not_chosen(stores: Stores, gone: Any) -> None:
    """Nor who is deactivated; a person may still give a case to somebody who is away."""
    await stores.put_user(user("a", presence=gone))
    await stores.put_user(user("b", active=False))
    key = Key("main", "cv_1")
    assert await stores.slots.choose(key, "s-1", ANYBODY) is None
    assert await stores.slots.reserve(key, "s-2", user_id="a", off_shift=False) is None
    assert await stores.slots.reserve(key, "s-3", user_id="b", off_shift=True) is None
    assert await stores.slots.reserve(key, "s-4", user_id="a", off_shift=True) is not None


async def test_who_may_own_no_longer_and_still_has_a_place_is_found(stores: Stores) -> None:
    """And the open cases that are theirs, by name."""
    await stores.put_user(user("a"))
    await stores.put_user(user("b"))
    for name, owner in (("cv_1", "a"), ("cv_2", "b"), ("cv_3", "a")):
        await stores.slots.reserve(Key("main", name), name, user_id=owner, off_shift=True)
        await stores.put(name, replace(WAITING, owner=owner, slot=name, queued_at=None))
    assert await stores.slots.barred() == []
    await stores.put_user(user("a", active=False, barred_by="e-9"))
    await stores.put_user(user("c", active=False, barred_by="e-8"))
    assert await stores.slots.barred() == [Key("main", "a")]
    held = await stores.conversations.held_by(Key("main", "a"))
    assert held == [Key("main", "cv_1"), Key("main", "cv_3")]


@pytest.mark.parametrize("first", ["least-loaded", "longest-idle"])
async def test_many_at_once_take_what_there_is_by_every_choice(
    stores: Stores, first: First
) -> None:
    """Forty that ask for ten places: ten get one, and nobody is over capacity."""
    for user_id in ("a", "b"):
        await stores.put_user(user(user_id, 5, languages=("ur",), skills=("refunds",)))
    picks = [
        Pick(RULE, only="a"),
        Pick(RULE, first, languages=("ur",), skills=("refunds",)),
        Pick(RULE, first),
    ]
    holders = await asyncio.gather(
        *(stores.slots.choose(Key("main", f"cv_{n}"), f"s-{n}", picks) for n in range(40))
    )
    assert sum(holder is not None for holder in holders) == 10
    assert [who for who, _ in await stores.places()] == ["a"] * 5 + ["b"] * 5


async def test_what_waits_follows_from_messages_and_answers_in_any_order(stores: Stores) -> None:
    """Again is harmless; an older answer changes nothing; one told of is not named again."""
    key, memories = Key("main", "cv_1"), stores.memories
    minute = timedelta(minutes=1)
    late = Heard("m2", START + 2 * minute, "refund-wanted")
    await asyncio.gather(*(memories.hear(key, late) for _ in range(5)))
    memory = await memories.hear(key, Heard("m1", START))
    assert [each.event_id for each in memory.heard] == ["m1", "m2"]
    assert memory.matched("refund-wanted") == (late,)
    (wait,) = await memories.overdue("overdue", START + minute, 10)
    assert (wait.conversation_id, wait.memory) == ("cv_1", memory)
    assert await memories.overdue("overdue", START - minute, 10) == []
    await memories.told(wait, "overdue")
    assert await memories.overdue("overdue", START + minute, 10) == []
    assert len(await memories.overdue("another", START + minute, 10)) == 1
    await memories.answered(key, START + minute)
    await memories.answered(key, START)
    (wait,) = await memories.overdue("overdue", START + 9 * minute, 10)
    assert wait.memory.unanswered == (late,)
    await memories.answered(key, START + 2 * minute)
    assert await memories.overdue("overdue", START + 9 * minute, 10) == []
    await memories.answered(Key("main", "cv_2"), START + minute)
    assert (await memories.hear(Key("main", "cv_2"), Heard("m3", START))).unanswered == ()


async def test_what_is_answered_and_matched_no_rule_is_forgotten(stores: Stores) -> None:
    """A message costs as much after a thousand that were answered as after one."""
    key, memories, minute = Key("main", "cv_1"), stores.memories, timedelta(minutes=1)
    refund = Heard("m1", START, "refund-wanted")
    await memories.hear(key, refund)
    for n in range(2, 6):
        await memories.hear(key, Heard(f"m{n}", START + n * minute))
    await memories.answered(key, START + 4 * minute)
    memory = await memories.hear(key, Heard("m3", START + 3 * minute))  # delivered again
    assert [each.event_id for each in memory.heard] == ["m1", "m5"]
    assert memory.matched("refund-wanted") == (refund,)
    assert [each.event_id for each in memory.unanswered] == ["m5"]


async def test_who_leads_a_conversation(stores: Stores) -> None:
    """Nobody, unless it is linked; an unknown one leads itself."""
    await stores.put("cv_1", WAITING)
    linked = replace(WAITING, status="closed", queue=None, linked_to="cv_1")
    await stores.put("cv_2", linked)
    assert await stores.conversations.linked_to("main:cv_1") is None
    assert await stores.conversations.linked_to("main:cv_2") == "cv_1"
    assert await stores.conversations.linked_to("main:cv_3") is None


async def test_what_waits_in_one_conversation_waits_in_the_leading_one(stores: Stores) -> None:
    """What is answered there stays answered; again changes nothing."""
    minute, memories = timedelta(minutes=1), stores.memories
    source, target = Key("main", "cv_2"), Key("main", "cv_1")
    for n in (1, 3):
        await memories.hear(source, Heard(f"m{n}", START + n * minute))
    await memories.answered(source, START + 2 * minute)
    await memories.hear(target, Heard("m4", START + 4 * minute))
    await memories.carry(source, target)
    await memories.carry(source, target)
    await memories.carry(Key("main", "cv_9"), target)
    (wait, _) = await memories.overdue("overdue", START + 9 * minute, 10)
    assert [each.event_id for each in wait.memory.unanswered] == ["m3"]
    memory = await memories.hear(target, Heard("m4", START + 4 * minute))
    assert [each.event_id for each in memory.unanswered] == ["m3", "m4"]


async def test_open_tickets_keep_the_leading_case_from_being_idle(activity: ActivityStore) -> None:
    """Until they are closed, which is heard in either conversation."""
    source, target, later = Key("main", "cv_2"), Key("main", "cv_1"), START + timedelta(hours=1)
    await activity.heard(target, "opened", START, Standing(None, 1, open=True))
    await activity.heard(source, "t2", START, Standing("T-1001", 2, open=True))
    await activity.heard(source, "t3", START, Standing("T-1001", 3, open=None))
    await activity.carry(source, target)
    await activity.carry(Key("main", "cv_9"), target)
    assert await activity.quiet_since(later, 10) == []
    await activity.heard(target, "t1", START, Standing("T-1001", 1, open=False))
    assert await activity.quiet_since(later, 10) == []
    await activity.heard(target, "t4", START, Standing("T-1001", 4, open=False))
    assert len(await activity.quiet_since(later, 10)) == 1


@pytest.fixture(params=["memory", "mongo"])
async def identities(request: pytest.FixtureRequest, mongo_db: Database) -> Identities:
    """The twin, then the adapter on a database of this test."""
    return (
        MemoryIdentities() if request.param == "memory" else MongoIdentities(mongo_db[IDENTITIES])
    )


async def test_ids_told_together_are_one_customers(identities: Identities) -> None:
    """Nearest first, each with the event that told of it first; one workspace each."""
    await asyncio.gather(*(identities.told("main", ["cv_1", "cv_2"], "e1") for _ in range(5)))
    await identities.told("main", ["cv_2", "cv_1", "cv_3"], "e2")
    await identities.told("main", ["cv_3", "cv_4"], "e3")
    await identities.told("other", ["cv_1", "cv_9"], "e4")
    found = await identities.together(Key("main", "cv_1"))
    assert list(found.items()) == [("cv_2", "e1"), ("cv_3", "e2"), ("cv_4", "e3")]
    assert await identities.together(Key("main", "cv_8")) == {}


async def test_a_place_outside_counts_for_no_capacity(stores: Stores) -> None:
    """It stays a place; marked back it counts again, and then there is no room."""
    await stores.put_user(user("a", capacity=1))
    one, two = Key("main", "cv_1"), Key("main", "cv_2")
    assert await stores.slots.choose(one, "s-1", ANYBODY) is not None
    assert not await stores.slots.mark(one, outside=False)
    assert await stores.slots.mark(one, outside=True)
    assert not await stores.slots.mark(one, outside=True)
    assert not await stores.slots.mark(Key("other", "cv_1"), outside=False)
    assert await stores.slots.marked() == {one}
    assert await stores.slots.choose(two, "s-2", ANYBODY) is not None
    assert await stores.places() == [("a", "s-1"), ("a", "s-2")]
    assert await stores.slots.choose(Key("main", "cv_3"), "s-3", ANYBODY) is None
    await stores.slots.release(Slot(Key("main", "a"), "s-2", "cv_2"))
    assert await stores.slots.mark(one, outside=False)
    assert await stores.slots.marked() == set()
    assert await stores.slots.choose(two, "s-2", ANYBODY) is None


async def test_outside_is_what_has_open_tickets_that_are_all_outside(
    activity: ActivityStore,
) -> None:
    """The newest version decides, in whatever order; what was carried counts as well."""
    one, two, none = (Key("main", f"cv_{n}") for n in (1, 2, 3))
    await activity.heard(one, "t3", START, Standing("T-1", 3, None, outside=True))
    await activity.heard(one, "t2", START, Standing("T-1", 2, None, outside=False))
    assert await activity.outside([one]) == set(), "nothing is known to be open"
    await activity.heard(one, "t1", START, Standing("T-1", 1, open=True))
    assert await activity.outside([one, none]) == {one}
    await activity.carry(one, two)
    assert await activity.outside([one, two]) == {one, two}
    await activity.heard(two, "u1", START, Standing("T-2", 1, open=True))
    assert await activity.outside([one, two]) == {one}
    await activity.heard(two, "u2", START, Standing("T-2", 2, open=False))
    assert await activity.outside([two]) == {two}
