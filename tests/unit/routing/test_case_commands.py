"""What people do with a case, and what they are refused."""

import asyncio

import pytest
from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    AddCaseNote,
    ClaimConversation,
    Command,
    DeescalateConversation,
    ReleaseConversation,
    ReopenConversation,
    TagConversation,
    TransferConversation,
)
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.conversation import (
    ConversationAssigned,
    ConversationClosed,
    ConversationTransferred,
    ConversationUnassigned,
)

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World


@pytest.fixture
async def world() -> World:
    """Agents a and b on duty with two places each; a holds CASE-1001."""
    made = World()
    await made.on_duty("a", "b", capacity=2)
    await made.receive(samples.message())
    return made


async def refused(world: World, command: Command) -> CommandReply:
    """The reply of a command that must be refused, with its record in the stream."""
    before = list(world.log)
    reply = await world.ask(command)
    assert reply.status == "rejected"
    assert world.log == before
    event = world.publisher.events[-1]
    assert isinstance(event.data, CommandRejected)
    assert event.subject == f"command/{command.id}"
    assert (event.data.command_id, event.data.code) == (command.id, reply.code)
    assert event.data.detail == reply.detail
    assert event.data.actor == command.actor
    assert event.sequence is None
    return reply


async def test_a_case_is_given_to_somebody_by_hand(world: World) -> None:
    """The author acts, the owner changes hands, and so does the slot."""
    command = samples.assign("b", reason="speaks Pashto")
    reply = await world.ask(command)
    assert reply == CommandReply.ok(4, case_id="CASE-1001", owner="agent:b", owner_on_shift=True)
    event = world.events()[-1]
    assert isinstance(event.data, ConversationAssigned)
    assert event.data.actor == samples.LEAD
    assert event.private_values() == {"reason": "speaks Pashto"}
    assert (event.data.previous_owner, event.data.owner) == ("agent:a", "agent:b")
    assert event.causationid == command.id
    assert (world.load("a"), world.load("b")) == (0, 1)


async def test_a_waiting_case_can_be_given_to_somebody_off_shift(world: World) -> None:
    """Who assigns by hand knows who stays late; the reply says so."""
    await world.ask(samples.user_create("c"))
    reply = await world.ask(samples.assign("c"))
    assert reply.status == "ok"
    assert reply.result["owner_on_shift"] is False


async def test_nobody_is_given_a_case_over_capacity(world: World) -> None:
    """Not even by hand: capacity is a promise."""
    await world.ask(samples.user_create("c", capacity=0))
    reply = await refused(world, samples.assign("c"))
    assert reply.code == "owner-at-capacity"
    assert "0 of 0" in (reply.detail or "")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (samples.assign("a"), "already-owner"),
        (samples.assign("nobody"), "owner-not-found"),
        (samples.assign("r"), "owner-role"),
        (samples.assign("b", "cv_9"), "case-not-found"),
        (samples.assign("b", case_id="CASE-9"), "case-not-current"),
        (samples.assign("b", expected_version=1), "version-conflict"),
        (samples.close(case_id="CASE-9"), "case-not-current"),
        (samples.escalate("cv_9"), "case-not-found"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_recorded(
    world: World, command: Command, code: str
) -> None:
    """Each refusal has a stable slug and a record of who tried what."""
    await world.ask(samples.user_create("r", role="reviewer"))
    assert (await refused(world, command)).code == code


async def test_a_conflict_names_the_version_it_is_at(world: World) -> None:
    """Whoever comes second learns which version to look at; the state is as it was."""
    reply = await refused(world, samples.assign("b", expected_version=1))
    assert (reply.code, reply.version) == ("version-conflict", 3)


async def test_the_expected_version_may_fit(world: World) -> None:
    """A command on the version its author saw is carried out."""
    assert (await world.ask(samples.assign("b", expected_version=3))).status == "ok"


async def test_a_person_escalates_once(world: World) -> None:
    """The reason is the person's; the second time is refused."""
    assert (await world.ask(samples.escalate())).result["escalated"] is True
    event = world.events()[-1]
    assert event.data.actor == samples.LEAD
    assert event.private_values() == {"reason": "third call"}
    assert (await refused(world, samples.escalate())).code == "already-escalated"


async def test_a_closed_case_frees_its_owner(world: World) -> None:
    """The note is personal; nothing else can be done to the case until the customer writes."""
    reply = await world.ask(samples.close(note="Sana ji is happy"))
    assert reply.result == {"case_id": "CASE-1001", "status": "closed"}
    event = world.events()[-1]
    assert isinstance(event.data, ConversationClosed)
    assert event.data.owner == "agent:a"
    assert event.private_values() == {"reason": "solved", "note": "Sana ji is happy"}
    assert "Sana" not in event.data.model_dump_json()
    assert world.load("a") == 0
    for command in (samples.close(), samples.escalate(), samples.assign("b")):
        assert (await refused(world, command)).code == "case-closed"


async def test_the_same_command_again_answers_the_same(world: World) -> None:
    """INVARIANT I3: one id, one effect, one reply, also when it was a refusal."""
    command = samples.assign("b", id="c-1")
    first = await world.ask(command)
    log = list(world.log)
    assert await world.ask(command) == first
    refusal = samples.assign("b", id="c-2")
    refused_first = await world.ask(refusal)
    published = len(world.publisher.events)
    await world.ask(samples.assign("a"))
    assert await world.ask(refusal) == refused_first
    assert len(world.publisher.events) == published
    assert world.log[: len(log)] == log


async def test_the_same_command_twenty_times_at_once_has_one_effect(world: World) -> None:
    """INVARIANT I3: every copy gets the one reply."""
    command = samples.assign("b")
    replies = await asyncio.gather(*(world.ask(command) for _ in range(20)))
    assert {reply.model_dump_json() for reply in replies} == {replies[0].model_dump_json()}
    assert world.verbs().count("assigned") == 2
    assert (world.load("a"), world.load("b")) == (0, 1)


async def test_a_crash_after_the_write_answers_the_repetition(world: World) -> None:
    """INVARIANT I10: the reply was lost, not the command."""
    command = samples.close()
    world.conversations.crash = "after"
    with pytest.raises(Crashed):
        await world.ask(command)
    assert (await world.ask(command)).status == "ok"
    assert world.verbs().count("closed") == 1


async def test_a_close_serves_who_waits_longest(world: World) -> None:
    """The freed place goes to the oldest waiting case, caused by the close."""
    for number in range(2, 8):
        await world.receive(samples.message(f"cv_{number}"))
        await world.serve_queue()
    waiting = [n for n in range(2, 8) if world.conversation(f"cv_{n}").is_waiting]
    assert waiting == [5, 6, 7]
    await world.ask(samples.close())
    closed = world.events()[-1]
    assert world.conversation("cv_5").owner == "a"
    assert world.events("cv_5")[-1].causationid == closed.id
    assert world.conversation("cv_6").is_waiting


async def test_whoever_asks_first_claims_a_waiting_case(world: World) -> None:
    """The one who asks owns it; the next is told who has it; nobody claims over capacity."""
    for user_id in ("a", "b"):
        await world.ask(samples.shift_end(user_id))
    await world.receive(samples.message("cv_2"))
    assert world.verbs("cv_2") == ["opened", "queued"]
    claim = samples.on_case(ClaimConversation, "cv_2", "CASE-1002", by="b")
    assert (await world.ask(claim)).result["owner"] == "agent:b"
    event = world.events("cv_2")[-1]
    assert isinstance(event.data, ConversationAssigned)
    assert (event.data.actor.kind, event.data.actor.id) == ("agent", "b")
    assert event.data.reason == "from shared inbox queue"
    again = samples.on_case(ClaimConversation, "cv_2", "CASE-1002", by="a")
    assert (await refused(world, again)).code == "case-has-owner"
    twice = samples.on_case(ClaimConversation, "cv_2", "CASE-1002", by="b")
    assert (await refused(world, twice)).code == "already-owner"
    for number in (3, 4):
        await world.receive(samples.message(f"cv_{number}"))
    await world.ask(samples.on_case(ClaimConversation, "cv_3", "CASE-1003", by="b"))
    full = samples.on_case(ClaimConversation, "cv_4", "CASE-1004", by="b")
    assert (await refused(world, full)).code == "owner-at-capacity"
    stranger = samples.on_case(ClaimConversation, "cv_4", "CASE-1004", by="ghost")
    assert (await refused(world, stranger)).code == "owner-not-found"


async def test_an_owner_hands_a_case_on_and_nobody_else_does(world: World) -> None:
    """The event is a transfer with both names; the slot moves along."""
    foreign = samples.on_case(TransferConversation, by="b", owner="b")
    assert (await refused(world, foreign)).code == "not-yours"
    command = samples.on_case(
        TransferConversation, by="a", owner="b", reason="speaks Pashto", note="waits since noon"
    )
    assert (await world.ask(command)).status == "ok"
    event = world.events()[-1]
    assert isinstance(event.data, ConversationTransferred)
    assert (event.data.previous_owner, event.data.owner) == ("agent:a", "agent:b")
    assert event.private_values() == {"reason": "speaks Pashto", "note": "waits since noon"}
    assert (world.load("a"), world.load("b")) == (0, 1)
    by_lead = samples.on_case(TransferConversation, owner="a")
    assert (await world.ask(by_lead)).result["owner"] == "agent:a"
    assert (await refused(world, samples.on_case(TransferConversation, owner="a"))).code == (
        "already-owner"
    )


async def test_what_is_given_back_goes_to_somebody_else(world: World) -> None:
    """The queue serves it at once, never to the one who gave it back; others are not held up."""
    command = samples.on_case(ReleaseConversation, by="a", reason="my shift ends")
    assert (await world.ask(command)).status == "ok"
    assert world.verbs()[-3:] == ["unassigned", "queued", "assigned"]
    unassigned = world.events()[-3]
    assert isinstance(unassigned.data, ConversationUnassigned)
    assert (unassigned.data.released, unassigned.data.previous_owner) == (True, "agent:a")
    assert unassigned.private_values() == {"reason": "my shift ends"}
    assert world.conversation().owner == "b"
    await world.ask(samples.shift_end("a"))
    await world.ask(samples.on_case(ReleaseConversation, by="b", reason="not mine either"))
    assert world.conversation().owner is None
    await world.receive(samples.message("cv_2"))
    await world.serve_queue()
    assert world.conversation("cv_2").owner == "b"
    await world.drain.sweep()
    assert world.conversation().owner is None
    await world.ask(samples.shift_start("a"))
    assert world.conversation().owner == "a"
    assert world.conversation().released_by is None


async def test_the_mark_is_taken_away_with_a_reason(world: World) -> None:
    """Once; and a complaint marks the case again."""
    nothing = samples.on_case(DeescalateConversation, reason="calm")
    assert (await refused(world, nothing)).code == "not-escalated"
    await world.ask(samples.escalate())
    reply = await world.ask(samples.on_case(DeescalateConversation, by="a", reason="it was a joke"))
    assert reply.result["escalated"] is False
    event = world.events()[-1]
    assert [change.model_dump() for change in event.data.changes] == [
        {"field": "escalated", "old": True, "new": False}
    ]
    assert event.private_values() == {"reason": "it was a joke"}
    await world.receive(samples.message(text="parcel nahi aya"))
    assert world.conversation().escalated


async def test_tags_and_notes_are_written_also_after_the_close(world: World) -> None:
    """An event for each tag that changed; a note's text is private."""
    tags = samples.on_case(TagConversation, by="a", add=["vip", "wedding", "vip"])
    assert (await world.ask(tags)).result["tags"] == ["vip", "wedding"]
    assert world.verbs()[-2:] == ["tagged", "tagged"]
    assert (await refused(world, samples.on_case(TagConversation, add=["vip"]))).code == (
        "tags-unchanged"
    )
    await world.ask(samples.close())
    both = samples.on_case(TagConversation, add=["refund"], remove=["vip", "never-there"])
    assert (await world.ask(both)).result["tags"] == ["refund", "wedding"]
    assert world.verbs()[-2:] == ["tagged", "untagged"]
    note = samples.on_case(AddCaseNote, by="a", note="she called back")
    assert (await world.ask(note)).result["note_id"] == note.id
    assert world.events()[-1].private_values() == {"note": "she called back"}
    assert world.conversation().notes == 1
    assert not world.conversation().is_open


async def test_a_closed_case_is_reopened_by_hand(world: World) -> None:
    """With the owner it had when they are free, else with another, else in the queue."""
    open_ = samples.on_case(ReopenConversation, reason="the courier lied")
    assert (await refused(world, open_)).code == "case-open"
    await world.ask(samples.close())
    reply = await world.ask(samples.on_case(ReopenConversation, reason="the courier lied"))
    assert reply.result == {"case_id": "CASE-1001", "status": "open", "owner": "agent:a"}
    assert world.verbs()[-4:] == ["reopened", "unassigned", "queued", "assigned"]
    reopened, assigned = world.events()[-4], world.events()[-1]
    assert reopened.data.actor == samples.LEAD
    assert reopened.private_values() == {"reason": "the courier lied"}
    assert assigned.data.actor.rule == "previous-owner"
    await world.ask(samples.close())
    await world.ask(samples.shift_end("a"))
    reply = await world.ask(samples.on_case(ReopenConversation, reason="again"))
    assert reply.result["owner"] == "agent:b"
    await world.ask(samples.close())
    await world.ask(samples.shift_end("b"))
    reply = await world.ask(samples.on_case(ReopenConversation, reason="and again"))
    assert reply.result["owner"] is None
    assert world.conversation().is_waiting
