"""Messages that were set aside: who sees which, and who has them handled again."""

from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_contracts import Actor, CommandReply, Event
from casetrail_contracts.commands import HandleLetter, HandleRoutingLetter, HandleTicketsLetter
from casetrail_contracts.registry.letter import LetterHandled

from tests.unit.gateway.world import World, letter_of

ADMIN = "token-admin"

PATH = "/v1/dead-letters"
WHY = {"reason": "the plan is there now"}


def handled(letter: int) -> Event:
    """What routing tells once it has handled one."""
    return Event.build(
        LetterHandled(
            actor=Actor(kind="admin", id="admin"),
            letter=letter,
            service="routing",
            handler="routing",
            failed="ValueError: no plan for the queue returns",
            event_seq=2,
            event_type="casetrail.message.received.v1",
        ),
        workspace="main",
        source="routing",
        subject=f"letter/{letter}",
        time=datetime(2026, 11, 22, 11, tzinfo=UTC),
        id="handled-3",
    )


def world_of(*letters: Any) -> World:
    """A gateway with these set aside."""
    world = World()
    world.stream.letters = {letter.seq: letter for letter in letters}
    return world


async def test_a_workspace_sees_its_own_and_never_what_is_in_them() -> None:
    """Why it failed and where it stands in the log; others' are passed over."""
    world = World()
    answer = await world.get(PATH, ADMIN)
    (letter,) = answer.json()["letters"]
    assert (letter["letter"], letter["service"], letter["seq"]) == (3, "routing", 2)
    assert letter["failed"] == "ValueError: no plan for the queue returns"
    assert letter["handled_again"] == "here"
    assert answer.json()["next_after"] is None
    (other,) = (await world.get(PATH, "token-stranger")).json()["letters"]
    assert other["letter"] == 4


async def test_a_page_says_where_to_go_on() -> None:
    """Also when others' letters filled what is read at once."""
    world = world_of(*(letter_of(n) for n in range(1, 6)))
    first = (await world.get(f"{PATH}?limit=2", ADMIN)).json()
    assert ([one["letter"] for one in first["letters"]], first["next_after"]) == ([1, 2], 2)
    last = (await world.get(f"{PATH}?limit=3&after=2", ADMIN)).json()
    assert ([one["letter"] for one in last["letters"]], last["next_after"]) == ([3, 4, 5], None)
    world = world_of(*(letter_of(n, workspace="x") for n in range(1, 502)), letter_of(502))
    first = (await world.get(PATH, ADMIN)).json()
    assert (first["letters"], first["next_after"]) == ([], 500)
    rest = (await world.get(f"{PATH}?after=500", ADMIN)).json()
    assert [one["letter"] for one in rest["letters"]] == [502]


@pytest.mark.parametrize(
    ("service", "command"), [("routing", HandleRoutingLetter), ("tickets", HandleTicketsLetter)]
)
async def test_the_service_that_set_it_aside_is_asked(
    service: str, command: type[HandleLetter]
) -> None:
    """With who asks and why; its reply is the answer."""
    world = world_of(letter_of(3, service=service, handler=service))
    answer = await world.post(f"{PATH}/3/handle", WHY, ADMIN)
    assert answer.status_code == 200, answer.text
    (sent,) = world.commands.sent
    assert isinstance(sent, command)
    assert (sent.letter, sent.reason, sent.actor.id) == (3, WHY["reason"], "admin")


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ({"service": "audit", "handler": "webhook"}, "casetrail webhooks resend 3"),
        ({"service": "audit", "handler": "audit"}, "casetrail dead replay 3"),
        ({"bytes_omitted": True}, "casetrail dead replay 3"),
    ],
)
async def test_what_only_the_operator_can_repeat_says_how(given: dict[str, Any], how: str) -> None:
    """In the list, and to who tries it here."""
    world = world_of(letter_of(3, **given))
    (letter,) = (await world.get(PATH, ADMIN)).json()["letters"]
    assert letter["handled_again"] == how
    answer = await world.post(f"{PATH}/3/handle", WHY, ADMIN)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":letter-of-another")
    assert how in answer.json()["detail"]
    assert world.commands.sent == []


async def test_what_is_not_there_is_not_found() -> None:
    """Neither a number nobody has, nor one of another workspace: the same answer."""
    world = World()
    gone = await world.post(f"{PATH}/9/handle", WHY, ADMIN)
    others = await world.post(f"{PATH}/4/handle", WHY, ADMIN)
    assert (gone.status_code, others.status_code) == (404, 404)
    assert gone.json()["detail"].replace("9", "4") == others.json()["detail"]
    assert world.commands.sent == []


async def test_a_repeated_command_reaches_the_service_that_did_it() -> None:
    """The letter is gone by then; the log says who handled it."""
    world = World()
    await world.post(f"{PATH}/3/handle", WHY, ADMIN, idempotency_key="k1")
    world.log.add(handled(3))
    del world.stream.letters[3]
    world.commands.answer = lambda _: CommandReply.ok(letter=3, event_seq=2)
    again = await world.post(f"{PATH}/3/handle", WHY, ADMIN, idempotency_key="k1")
    assert (again.status_code, again.json()["letter"]) == (200, 3)
    first, second = world.commands.sent
    assert first.id == second.id


@pytest.mark.parametrize("token", ["token-lead", "token-reviewer"])
async def test_a_refusal_tells_nothing_of_the_letter_and_leaves_a_record(token: str) -> None:
    """Only who runs the workspace has things done again."""
    world = World()
    answer = await world.post(f"{PATH}/3/handle", WHY, token)
    assert answer.status_code == 403
    (refused,) = world.stream.events
    assert refused.noun_verb == "command.rejected"
    assert refused.data.model_dump()["target"] == "letter/3"


async def test_one_that_fails_again_is_a_conflict() -> None:
    """With what the service says."""
    world = World()
    said = "It failed again and stays where it was: ValueError: no plan"
    world.commands.answer = lambda _: CommandReply.rejected("letter-failed-again", said)
    answer = await world.post(f"{PATH}/3/handle", WHY, ADMIN)
    assert (answer.status_code, answer.json()["detail"]) == (409, said)
