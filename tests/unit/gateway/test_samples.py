"""Samples: drawn from the sealed log, recorded with their seed, and drawn again by everybody."""

import hashlib
import math
from typing import Any

from tests.unit.gateway.test_reviews import ROOT, opened, scores, sealed_world
from tests.unit.gateway.world import World

DAY = {"opened_from": "2026-11-22T00:00:00Z", "opened_to": "2026-11-23T00:00:00Z"}


async def drawn(world: World, **body: Any) -> dict[str, Any]:
    """A sample of at most ten cases."""
    answer = await world.post("/v1/samples", {"size": 10, **DAY, **body}, "token-reviewer")
    assert answer.status_code == 201, answer.text
    sample: dict[str, Any] = answer.json()
    return sample


async def test_a_sample_is_an_event_that_can_be_drawn_again() -> None:
    """The seed comes of the tree's root and the sample's id, and a stranger's draw agrees."""
    world = sealed_world()
    sample = await drawn(world)
    assert sample["redrawn"]["agrees"] is True
    assert sorted(sample["case_ids"]) == ["CASE-1001", "CASE-1002"]
    seed = hashlib.sha256(f"{ROOT}\n{sample['sample_id']}".encode()).hexdigest()
    assert sample["seed"] == seed

    def time(case: str) -> float:
        number = int(hashlib.sha256(f"{seed}\n{case}".encode()).hexdigest()[:16], 16) >> 12
        return -math.log((number + 1) / 2**52)

    assert sample["case_ids"] == sorted(["CASE-1001", "CASE-1002"], key=time)
    event = world.stream.events[-1]
    assert event.noun_verb == "review.sampled"
    assert event.private_values() == {}
    path = f"/v1/samples/{sample['sample_id']}"
    assert (await world.get(path, "token-lead")).json()["redrawn"]["agrees"] is True
    listed = (await world.get("/v1/samples")).json()["items"]
    assert [each["sample_id"] for each in listed] == [sample["sample_id"]]


async def test_what_came_after_the_draw_changes_nothing() -> None:
    """The population is that of the sealed log: a later case is not in it, a lost one shows."""
    world = sealed_world()
    sample = await drawn(world)
    path = f"/v1/samples/{sample['sample_id']}"
    late = dict(world.log.documents[8])
    seq = max(world.log.documents) + 1
    world.log.documents[seq] = {**late, "_id": seq, "event_id": "late", "case_id": "CASE-1003"}
    world.log.complete_through = seq
    assert (await world.get(path)).json()["redrawn"]["agrees"] is True
    world.log.documents[8]["action"] = "conversation.queued"
    again = (await world.get(path)).json()["redrawn"]
    assert (again["agrees"], again["population"]) == (False, 1)


async def test_a_sample_by_risk_weighs_what_happened() -> None:
    """An escalation makes a case likelier; the weight stands in the draw."""
    world = sealed_world()
    world.log.documents[9]["action"] = "conversation.escalated"
    sample = await drawn(world, method="risk")
    weights = {each["case_id"]: each["weight"] for each in sample["cases"]}
    assert weights == {"CASE-1001": 5, "CASE-1002": 1}


async def test_a_sample_of_one_persons_cases() -> None:
    """Only cases that were given to them."""
    world = sealed_world()
    assert (await drawn(world, held_by="a"))["case_ids"] == ["CASE-1001"]
    assert (await drawn(world, held_by="zed"))["case_ids"] == []


async def test_the_same_key_draws_once() -> None:
    """INVARIANT I3: a repeated request is the same sample."""
    world = sealed_world()
    body = {"size": 1, **DAY}
    one = await world.post("/v1/samples", body, "token-lead", idempotency_key="k")
    two = await world.post("/v1/samples", body, "token-lead", idempotency_key="k")
    assert one.json()["sample_id"] == two.json()["sample_id"]
    assert sum(event.noun_verb == "review.sampled" for event in world.stream.events) == 1


async def test_agreement_is_that_of_the_first_scores() -> None:
    """Two reviewers of one case: exact agreement by criterion, whatever a dispute changed later."""
    world = sealed_world()
    sample = await drawn(world, purpose="calibration")
    path = f"/v1/samples/{sample['sample_id']}/agreement"
    assert (await world.get(path)).json()["criteria"] == []
    for token, tone in (("token-reviewer", 2), ("token-lead", 0)):
        body = {"about": "a", "scorecard": "support", "sample_id": sample["sample_id"]}
        review = (await world.post("/v1/cases/CASE-1001/reviews", body, token)).json()
        given = await world.post(
            f"/v1/reviews/{review['review_id']}/scores", scores(tone=tone), token
        )
        assert given.status_code == 200, given.text
    await opened(world)  # of no sample: not part of the comparison
    found = (await world.get(path)).json()
    rows = {row["criterion"]: row for row in found["criteria"]}
    assert (found["reviews"], found["reviewers"]) == (2, ["lead", "r"])
    assert rows["tone"] == {"criterion": "tone", "cases": 1, "exact": 0.0, "alpha": 0.0}
    assert rows["solved"] == {"criterion": "solved", "cases": 1, "exact": 1.0, "alpha": None}
    assert rows["handed-over"]["cases"] == 0
    shown = (await world.get(f"/v1/samples/{sample['sample_id']}")).json()["cases"]
    assert {case["case_id"]: len(case["review_ids"]) for case in shown}["CASE-1001"] == 2


async def test_a_stretch_of_time_has_a_beginning_before_its_end() -> None:
    """Anything else is refused, and an unknown sample is not there."""
    world = sealed_world()
    body = {"size": 1, "opened_from": DAY["opened_to"], "opened_to": DAY["opened_from"]}
    assert (await world.post("/v1/samples", body, "token-lead")).status_code == 400
    assert (await world.get("/v1/samples/sa_1")).status_code == 404
