"""The hand-over of a shift, as the gateway tells and signs it."""

from typing import Any

from casetrail_contracts.commands import SignHandover

from tests.unit.gateway.story import CV, record
from tests.unit.gateway.world import World

PATH = "/v1/shifts/s-1/handover"
LEAD = {"kind": "lead", "id": "lead", "name": "Team Lead"}


def handed_over() -> World:
    """The shift of the story ended with record 12; then a rule gave its case to somebody else."""
    world = World()
    shift: dict[str, Any] = {"actor": LEAD, "target": "user/a", "conversation_id": None}
    told = {"shift_id": "s-1", "user_id": "a"}
    later = [
        record(
            13,
            "conversation.assigned",
            sequence=3,
            case_id="CASE-1001",
            target=f"conversation/{CV}",
            data={"owner": "agent:b"},
        ),
        record(14, "shift.handover_opened", sequence=4, data={**told, "to": None}, **shift),
        record(
            15,
            "shift.handover_signed",
            sequence=5,
            data={**told, "through": 14, "complete": False},
            **shift,
        ),
    ]
    world.log.documents |= {document["_id"]: document for document in later}
    world.log.complete_through = 15
    return world


async def test_a_hand_over_tells_what_became_of_each_case() -> None:
    """Recomputed from the records after the snapshot, with who opened and signed it."""
    answer = await handed_over().get(PATH)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["user_id"], told["ended_seq"], told["snapshot"]) == ("a", 12, True)
    (case,) = told["cases"]
    assert (case["case_id"], case["outcome"], case["owner"]) == ("CASE-1001", "reowned", "agent:b")
    assert (case["moved_seq"], case["missing"]) == (13, [])
    assert told["counts"]["reowned"] == sum(told["counts"].values()) == 1
    assert (told["opened"]["by"]["id"], told["opened"]["seq"]) == ("lead", 14)
    assert [(one["by"]["id"], one["through"]) for one in told["signatures"]] == [("lead", 14)]
    assert (told["complete"], told["through"]) == (False, 15)


async def test_an_earlier_place_gives_what_was_seen_then() -> None:
    """What somebody signed can be recomputed by anybody, at the `through` of the signature."""
    told = (await handed_over().get(f"{PATH}?through=12")).json()
    assert [case["outcome"] for case in told["cases"]] == ["carried"]


async def test_a_place_outside_is_refused_before_anything_is_signed() -> None:
    """Before the end there is no hand-over; beyond the complete log nobody has seen anything."""
    world = handed_over()
    for through in (11, 16):
        assert (await world.get(f"{PATH}?through={through}")).status_code == 422
        answer = await world.post(f"{PATH}/sign", {"through": through})
        assert answer.json()["type"] == "urn:casetrail:problem:through-outside"
    assert world.commands.sent == []
    assert (await world.post(f"{PATH}/sign", {"through": 15})).status_code == 200
    (sent,) = world.commands.sent
    assert isinstance(sent, SignHandover)
    assert (sent.user_id, sent.shift_id, sent.through) == ("a", "s-1", 15)


async def test_an_unknown_shift_and_one_that_goes_on() -> None:
    """404 and 409; what somebody typed stands in no public field."""
    world = World()
    assert (await world.get("/v1/shifts/923001114291/handover")).status_code == 404
    (look,) = world.stream.events
    assert getattr(look.data, "target") == "shift/unknown"  # noqa: B009
    world.log.documents[12]["action"] = "shift.started"
    for answer in (await world.get(PATH), await world.post(PATH, {})):
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:casetrail:problem:shift-not-ended"


async def test_a_shift_from_before_snapshots_says_so() -> None:
    """No cases are known, which is not the same as none held."""
    world = World()
    del world.log.documents[12]["data"]["cases"]
    told = (await world.get(PATH)).json()
    assert (told["snapshot"], told["cases"]) == (False, [])
