"""Who is chosen, by which strategy, and how the event says so."""

import hashlib

import pytest
from casetrail_contracts.commands import ReleaseConversation, UpdateUser
from casetrail_contracts.registry.conversation import ConversationAssigned
from casetrail_routing.adapters.assignment_yaml import parse_plans
from casetrail_routing.domain.language import language_of
from casetrail_routing.domain.strategies import DEFAULT_PLANS, Strategy

from tests.unit.routing import samples
from tests.unit.routing.world import World


async def world_with(choose: str) -> World:
    """A world whose cases are given out by this plan; nobody is there yet."""
    world = World()
    world.plans = parse_plans(f"plans:\n  - choose: {choose}\n", "assignment.yaml")
    return world


async def people(world: World, **speaks: list[str]) -> None:
    """Users on shift with these languages."""
    for user_id, languages in speaks.items():
        await world.ask(samples.user_create(user_id))
        if languages:
            await world.ask(samples.on_user(UpdateUser, user_id, languages=languages))
        await world.ask(samples.shift_start(user_id))


def assigned(world: World, conversation_id: str = "cv_1") -> ConversationAssigned:
    """The last assignment of the conversation."""
    found = [event.data for event in world.events(conversation_id)]
    return [data for data in found if isinstance(data, ConversationAssigned)][-1]


async def test_the_event_has_the_rule_as_it_stood() -> None:
    """Name, version and text: the version is the hash of the text, so anyone can check it."""
    world = await world_with("[last-owner, {strategy: match, language: true}, round-robin]")
    await people(world, a=[], b=[])
    await world.receive(samples.message(text="mera order kahan hai"))
    data = assigned(world)
    assert data.actor.rule == "round-robin"
    assert data.rule_text is not None
    digest = hashlib.sha256(data.rule_text.encode()).hexdigest()
    assert data.actor.rule_version == f"sha256:{digest}"
    assert data.tried == ["match"], "last-owner has nothing to say about a first case"


async def test_the_last_owner_gets_the_customers_next_case() -> None:
    """Also long after the case before was closed; not while they are away."""
    world = await world_with("[last-owner, least-loaded]")
    await people(world, a=[], b=[])
    await world.receive(samples.message())
    owner = world.conversation().owner
    await world.ask(samples.close())
    await world.receive(samples.message("cv_2"))
    world.clock.forward(hours=100)
    await world.receive(samples.message(at=world.clock.time))
    assert world.conversation().case_id != "CASE-1001"
    assert world.conversation().owner == owner
    assert assigned(world).actor.rule == "last-owner"
    await world.ask(samples.close(case_id=world.conversation().case_id))
    assert owner is not None
    await world.ask(samples.shift_end(owner))
    world.clock.forward(hours=100)
    await world.receive(samples.message(at=world.clock.time))
    assert world.conversation().owner not in {None, owner}
    assert (assigned(world).actor.rule, assigned(world).tried) == ("least-loaded", ["last-owner"])


async def test_who_gave_the_case_back_is_no_last_owner() -> None:
    """Sticky is no way around a release."""
    world = await world_with("[last-owner, least-loaded]")
    await people(world, a=[])
    await world.receive(samples.message())
    await world.ask(samples.on_case(ReleaseConversation, by="a", reason="mine is full"))
    assert world.conversation().is_waiting
    await people(world, b=[])
    assert world.conversation().owner == "b"


async def test_a_case_goes_to_who_speaks_its_language() -> None:
    """Script and words tell the language; who reads Urdu reads Roman Urdu too."""
    world = await world_with("[{strategy: match, language: true}, least-loaded]")
    await people(world, a=["en"], b=["ur"])
    await world.receive(samples.message("cv_1", "میرا آرڈر کب آئے گا"))
    await world.receive(samples.message("cv_2", "mera order kab aaye ga"))
    await world.receive(samples.message("cv_3", "when will my order come"))
    owners = [world.conversation(f"cv_{n}").owner for n in (1, 2, 3)]
    assert owners == ["b", "b", "a"]
    assert {assigned(world, f"cv_{n}").actor.rule for n in (1, 2, 3)} == {"match"}
    assert [world.conversation(f"cv_{n}").language for n in (1, 2, 3)] == ["ur", "ur-Latn", "en"]


async def test_a_complaint_goes_to_who_has_the_skill_for_it() -> None:
    """Skills by complaint rule; a case without that need is left to the next strategy."""
    world = await world_with(
        "[{strategy: match, skills: {refund-wanted: [refunds]}}, least-loaded]"
    )
    await people(world, a=[], b=[])
    await world.ask(samples.on_user(UpdateUser, "b", skills=["refunds"]))
    for number in range(3):
        await world.receive(samples.message(f"cv_{number}", "I want a refund"))
    assert [world.conversation(f"cv_{n}").owner for n in range(3)] == ["b"] * 3
    await world.receive(samples.message("cv_9", "salam"))
    assert world.conversation("cv_9").owner == "a"
    assert assigned(world, "cv_9").tried is None


async def test_a_case_that_nobody_can_take_holds_up_nobody_else() -> None:
    """Without a fall-back a case waits for its speaker; others behind it are served."""
    world = await world_with("[{strategy: match, language: true}]")
    await people(world, a=["en"])
    await world.receive(samples.message("cv_1", "میرا آرڈر کب آئے گا"))
    await world.receive(samples.message("cv_2", "when will my order come"))
    await world.serve_queue()
    assert world.conversation("cv_1").is_waiting
    assert world.conversation("cv_2").owner == "a"
    await people(world, b=["ur"])
    assert world.conversation("cv_1").owner == "b"


def test_the_version_is_of_words_and_parameters() -> None:
    """Another parameter is another version; without parameters it is the words alone."""
    one, two = Strategy("match", language=True), Strategy("match", skills={"always": ("x",)})
    assert one.rule.version != two.rule.version
    assert one.rule.text.splitlines()[0] == two.rule.text.splitlines()[0]
    assert one.rule.text.endswith('{"first":"least-loaded","language":true,"skills":{}}')


def test_the_first_plan_that_covers_a_case_is_its_plan() -> None:
    """By workspace and queue; a case that none covers waits for a person."""
    plans = parse_plans(
        """plans:
  - {workspace: main, queue: vip, choose: [last-owner, least-loaded]}
  - {workspace: main, choose: [round-robin]}
  - {queue: vip, choose: [least-loaded]}
""",
        "assignment.yaml",
    )
    assert [plan.covers("main", "vip") for plan in plans.plans] == [True, True, True]
    assert [plan.covers("other", "vip") for plan in plans.plans] == [False, False, True]
    assert [plan.covers("other", "shared-inbox") for plan in plans.plans] == [False] * 3
    assert DEFAULT_PLANS.plans[0].covers("any", None)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("mera parcel nahi aya", "ur-Latn"),
        ("Assalam o alaikum, order kab tak aye ga?", "ur-Latn"),
        ("where is my parcel", "en"),
        ("please send the size chart", "en"),
        ("میرا پارسل کہاں ہے", "ur"),
        ("parcel کہاں ہے بھائی صاحب", "ur"),
        ("ok", None),
        ("👍 12345", None),
        ("", None),
        (None, None),
    ],
)
def test_the_language_is_told_from_script_and_common_words(
    text: str | None, language: str | None
) -> None:
    """No answer rather than a wrong one where no word tells."""
    assert language_of(text) == language
