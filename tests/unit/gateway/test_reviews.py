"""Quality reviews: who scores what by which evidence, disputes, and two who decide at once."""

from typing import Any

import pytest

from tests.unit.gateway.world import World

OF_CASE = "/v1/cases/CASE-1001/reviews"
ROOT = "ab" * 32
GOOD = {
    "understood": 4,
    "kept-informed": 2,
    "handed-over": None,
    "solved": 4,
    "tone": 2,
    "private": 1,
}


def sealed_world() -> World:
    """The story with its log sealed, and without the review that others' tests read."""
    world = World()
    for seq in (901, 902, 903):
        del world.log.documents[seq]
    return world


def scores(**changed: Any) -> dict[str, Any]:
    """A body that answers every question of the card, each by the record of the assignment."""
    points = {**GOOD, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return {
        "scores": [
            {"criterion": name, "points": value, "cites": [] if value is None else [3]}
            for name, value in points.items()
        ]
    }


async def opened(world: World, token: str = "token-reviewer", **headers: str) -> dict[str, Any]:
    """A review of agent a's work."""
    body = {"about": "a", "scorecard": "support"}
    answer = await world.post(OF_CASE, body, token, **headers)
    assert answer.status_code == 201, answer.text
    review: dict[str, Any] = answer.json()
    return review


async def scored(world: World, **changed: Any) -> str:
    """The path of a review that is scored."""
    path = f"/v1/reviews/{(await opened(world))['review_id']}"
    answer = await world.post(f"{path}/scores", scores(**changed), "token-reviewer")
    assert answer.status_code == 200, answer.text
    return path


async def test_a_review_is_opened_scored_disputed_and_resolved() -> None:
    """Each step is an event of the next version, pinned to the sealed log, and all can be read."""
    world = sealed_world()
    path = await scored(world)
    review = (await world.get(path)).json()
    # (3*4/4 + 2*2/4 + 3*4/4 + 1*2/2 + 1) of (3 + 2 + 3 + 1 + 1)
    assert (review["status"], review["total"], review["version"]) == ("scored", 90.0, 2)
    assert review["scores"][0]["cites"] == [{"seq": 3, "event_id": "e3"}]
    assert review["tree"]["root"] == ROOT
    wrong = {"criteria": ["kept-informed"], "reason": "I called twice", "cites": [7]}
    disputed = await world.post(f"{path}/dispute", wrong, "token-agent")
    assert disputed.json()["status"] == "disputed"
    rebuttal = {"kind": "rebuttal", "note": "Calls are not in the case"}
    await world.post(f"{path}/notes", rebuttal, "token-reviewer")
    verdict = {
        "verdict": "changed",
        "reason": "The ticket says so",
        "scores": [{"criterion": "kept-informed", "points": 4, "cites": [7]}],
    }
    resolved = (await world.post(f"{path}/resolve", verdict, "token-lead")).json()
    assert (resolved["status"], resolved["total"], resolved["version"]) == ("resolved", 100.0, 5)
    actions = [entry["action"] for entry in resolved["entries"]]
    assert actions == [f"review.{v}" for v in ("opened", "scored", "disputed", "noted", "resolved")]
    assert resolved["entries"][2]["text"] == "I called twice"
    events = [event for event in world.stream.events if event.noun_verb.startswith("review.")]
    assert [event.version for event in events] == [1, 2, 3, 4, 5]
    assert {event.caseid for event in events} == {"CASE-1001"}


async def test_words_are_private_and_programs_do_not_read_them() -> None:
    """INVARIANT I8: comments, notes and reasons stand in private; a program sees the points."""
    world = sealed_world()
    review = await opened(world)
    path = f"/v1/reviews/{review['review_id']}"
    body = scores()
    body["scores"][0]["comment"] = "Sana had to ask twice"
    await world.post(f"{path}/scores", body, "token-reviewer")
    event = world.stream.events[-1]
    assert event.private_values() == {"comments": {"understood": "Sana had to ask twice"}}
    assert "Sana" not in event.model_dump_json(exclude={"private"})
    assert (await world.get(path)).json()["scores"][0]["comment"] == "Sana had to ask twice"
    seen = (await world.get(path, "token-service")).json()["scores"][0]
    assert (seen["points"], seen["comment"]) == (4, None)


async def test_a_critical_question_decides_alone() -> None:
    """Nothing given for a critical question makes the score 0; no answers make none."""
    world = sealed_world()
    assert (await world.get(await scored(world, private=0))).json()["total"] == 0.0
    nothing = dict.fromkeys((name.replace("-", "_") for name in GOOD), None)
    assert (await world.get(await scored(world, **nothing))).json()["total"] is None


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"scores": [{"criterion": "tone", "points": 2, "cites": [3]}]}, "scores-invalid"),
        (scores(tone=3), "scores-invalid"),
        (scores(colour=1), "scores-invalid"),
        ({"scores": [*scores()["scores"], scores()["scores"][0]]}, "scores-invalid"),
        ({"scores": [{**each, "cites": []} for each in scores()["scores"]]}, "scores-invalid"),
        ({"scores": [{**each, "cites": [8]} for each in scores()["scores"]]}, "cites-invalid"),
        ({"scores": [{**each, "cites": [6]} for each in scores()["scores"]]}, "cites-invalid"),
        ({"scores": [{**each, "cites": [5]} for each in scores()["scores"]]}, "cites-invalid"),
        ({"scores": [{**each, "cites": [999]} for each in scores()["scores"]]}, "cites-invalid"),
    ],
    ids=["missing", "too-many", "unknown", "twice", "bare", "other", "look", "copy", "nowhere"],
)
async def test_a_score_needs_the_card_and_evidence(changed: dict[str, Any], slug: str) -> None:
    """Every question once, within its points, by records of this case; a refusal is recorded."""
    world = sealed_world()
    path = f"/v1/reviews/{(await opened(world))['review_id']}"
    answer = await world.post(f"{path}/scores", changed, "token-reviewer")
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].endswith(slug)
    assert world.stream.events[-1].noun_verb == "command.rejected"
    assert world.stream.events[-1].caseid is None  # beside the case, like the review
    assert (await world.get(path)).json()["status"] == "open"


async def test_who_may_do_what() -> None:
    """The opener scores, the person reviewed disputes, somebody else decides."""
    world = sealed_world()
    path = f"/v1/reviews/{(await opened(world))['review_id']}"
    assert (await world.post(f"{path}/scores", scores(), "token-lead")).status_code == 403
    early = await world.post(
        f"{path}/dispute", {"criteria": ["tone"], "reason": "x"}, "token-agent"
    )
    assert early.status_code == 409
    await world.post(f"{path}/scores", scores(), "token-reviewer")
    again = await world.post(f"{path}/scores", scores(), "token-reviewer")
    assert again.json()["type"].endswith("review-state")
    dispute = {"criteria": ["tone"], "reason": "x"}
    assert (await world.post(f"{path}/dispute", dispute, "token-lead")).status_code == 403
    assert (await world.post(f"{path}/dispute", dispute, "token-other")).status_code == 403
    verdict = {"verdict": "upheld", "reason": "as seen"}
    assert (await world.post(f"{path}/resolve", verdict, "token-lead")).status_code == 409
    assert (await world.post(f"{path}/dispute", dispute, "token-agent")).status_code == 200
    assert (await world.post(f"{path}/resolve", verdict, "token-reviewer")).status_code == 403
    beyond = {
        "verdict": "changed",
        "reason": "x",
        "scores": [{"criterion": "solved", "points": 0, "cites": [3]}],
    }
    assert (await world.post(f"{path}/resolve", beyond, "token-lead")).status_code == 422
    upheld = await world.post(f"{path}/resolve", verdict, "token-lead")
    assert (upheld.json()["status"], upheld.json()["total"]) == ("resolved", 90.0)
    assert (await world.post(f"{path}/dispute", dispute, "token-agent")).status_code == 409


async def test_a_withdrawn_review_has_no_score() -> None:
    """The scores are gone from the review, and stand in its history."""
    world = sealed_world()
    path = await scored(world)
    await world.post(f"{path}/dispute", {"criteria": ["tone"], "reason": "x"}, "token-agent")
    verdict = {"verdict": "withdrawn", "reason": "wrong case"}
    answer = (await world.post(f"{path}/resolve", verdict, "token-admin")).json()
    assert (answer["total"], answer["scores"]) == (None, [])
    assert answer["entries"][1]["total"] == 90.0


async def test_an_agent_sees_reviews_of_their_own_work_only() -> None:
    """INVARIANT I9: in lists, by id, in records, timelines and coaching sets."""
    world = sealed_world()
    path = await scored(world)
    note = {"kind": "coaching", "coaching_set": "courier", "note": "call them", "cites": [3]}
    await world.post(f"{path}/notes", note, "token-reviewer")
    seq = max(world.log.documents)
    for token, shown in (("token-agent", True), ("token-other", False), ("token-lead", True)):
        items = (await world.get("/v1/reviews", token)).json()["items"]
        assert bool(items) == shown
        assert (await world.get(path, token)).status_code == (200 if shown else 403)
        assert (await world.get(f"/v1/records/{seq}", token)).status_code == (200 if shown else 403)
        sets = (await world.get("/v1/coaching", token)).json()["items"]
        assert [each["name"] for each in sets] == (["courier"] if shown else [])
    records = (await world.get("/v1/records?case=CASE-1001&action=review", "token-agent")).json()
    assert len(records["items"]) == 3
    world.log.case_documents["main:CASE-1001"]["holders"] = ["agent:a", "agent:b"]
    records = (await world.get("/v1/records?case=CASE-1001&action=review", "token-other")).json()
    assert records["items"] == []
    timeline = "/v1/cases/CASE-1001/timeline?kinds=review"
    assert (await world.get(timeline, "token-other")).json()["entries"] == []
    assert len((await world.get(timeline, "token-agent")).json()["entries"]) == 3


async def test_reviews_stand_beside_the_timeline() -> None:
    """A review is no part of what happened: the timeline shows it when it is asked for."""
    world = sealed_world()
    await scored(world)
    told = (await world.get("/v1/cases/CASE-1001/timeline")).json()["entries"]
    assert len(told) > 5
    assert not [entry for entry in told if entry["action"].startswith("review.")]
    acts = (await world.get("/v1/users/r/activity")).json()["entries"]
    assert "review.scored" in {entry["action"] for entry in acts}


async def test_a_repeated_request_is_one_step() -> None:
    """INVARIANT I3: the same key gives the same review and the same version."""
    world = sealed_world()
    first = await opened(world, idempotency_key="k")
    second = await opened(world, idempotency_key="k")
    assert first["review_id"] == second["review_id"]
    path = f"/v1/reviews/{first['review_id']}/scores"
    for _ in range(2):
        answer = await world.post(path, scores(), "token-reviewer", idempotency_key="s")
        assert answer.json()["version"] == 2
    assert sum(event.noun_verb == "review.scored" for event in world.stream.events) == 1


async def test_two_who_decide_at_once_make_two_versions() -> None:
    """INVARIANT I4: what somebody stored in between is seen, and decided upon, before ours."""
    world = sealed_world()
    path = await scored(world)
    store = world.stream.store
    other = iter([{"kind": "note", "note": "first"}])

    async def store_after_another(event: Any) -> bool:
        for body in other:
            await world.post(f"{path}/notes", body, "token-lead")
        return await store(event)

    world.stream.store = store_after_another  # type: ignore[method-assign]
    answer = await world.post(f"{path}/notes", {"note": "second"}, "token-reviewer")
    assert answer.json()["version"] == 4
    texts = [entry["text"] for entry in answer.json()["entries"] if entry["kind"] == "note"]
    assert texts == ["first", "second"]


async def test_a_version_that_has_moved_on_is_a_conflict() -> None:
    """`If-Match` names the version somebody decided on."""
    world = sealed_world()
    path = await scored(world)
    answer = await world.post(f"{path}/notes", {"note": "n"}, "token-reviewer", if_match='"1"')
    assert answer.status_code == 409
    assert answer.json()["version"] == 2
    good = await world.post(f"{path}/notes", {"note": "n"}, "token-reviewer", if_match='"2"')
    assert good.headers["etag"] == '"3"'


async def test_nothing_is_decided_on_a_log_that_is_behind() -> None:
    """What may have happened in between is not known, so the answer is: not now."""
    world = sealed_world()
    path = await scored(world)
    world.stream.last = 999
    answer = await world.post(f"{path}/notes", {"note": "n"}, "token-reviewer")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("log-behind")


async def test_an_unsealed_log_bears_nothing_out() -> None:
    """A review points into a signed tree, so it waits for one."""
    world = sealed_world()
    world.log.sealed = None
    body = {"about": "a", "scorecard": "support"}
    answer = await world.post(OF_CASE, body, "token-reviewer")
    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [
        ({"about": "a", "scorecard": "none"}, "token-reviewer", 404),
        ({"about": "zed", "scorecard": "support"}, "token-reviewer", 409),
        ({"about": "lead", "scorecard": "support"}, "token-lead", 403),
        ({"about": "a", "scorecard": "support"}, "token-agent", 403),
        ({"about": "a", "scorecard": "support"}, "token-stranger", 404),
    ],
)
async def test_what_cannot_be_opened_says_why(
    body: dict[str, Any], token: str, status: int
) -> None:
    """An unknown card, somebody who never had the case, oneself, a role that may not."""
    answer = await sealed_world().post(OF_CASE, body, token)
    assert answer.status_code == status, answer.text


async def test_reviews_are_listed_by_what_they_are() -> None:
    """Filters hold for the review as it stands; a page goes on where it ended."""
    world = sealed_world()
    path = await scored(world)
    for _ in range(3):
        await opened(world)
    for query, count in (
        ("", 4),
        ("?status=open", 3),
        ("?status=scored", 1),
        ("?about=agent:a", 4),
        ("?about=agent:b", 0),
        ("?reviewer=r&scorecard=support&case=CASE-1001", 4),
        ("?scorecard=escalation", 0),
        ("?sample=sa_1", 0),
    ):
        items = (await world.get(f"/v1/reviews{query}")).json()["items"]
        assert len(items) == count, query
    page = (await world.get("/v1/reviews?limit=3")).json()
    rest = (await world.get(f"/v1/reviews?limit=3&cursor={page['next_cursor']}")).json()
    assert [each["review_id"] for each in rest["items"]] == [path.rpartition("/")[2]]
    assert rest["next_cursor"] is None
    assert (await world.get("/v1/reviews?limit=3", "token-stranger")).json()["items"] == []


async def test_a_missing_version_is_a_hole_of_the_review() -> None:
    """INVARIANT I5: what the log does not have is shown."""
    world = sealed_world()
    path = await scored(world)
    await world.post(f"{path}/notes", {"note": "n"}, "token-reviewer")
    lost = next(d for d in world.log.documents.values() if d["action"] == "review.scored")
    lost["kind"] = "gap"
    review = (await world.get(path)).json()
    assert [(hole["first"], hole["last"]) for hole in review["holes"]] == [(2, 2)]
    assert (review["status"], review["version"]) == ("open", 3)


async def test_a_review_that_is_not_there_leaves_its_name_private() -> None:
    """What somebody typed may be a number: it stands in the private part of the look."""
    world = sealed_world()
    assert (await world.get("/v1/reviews/rv_923001114291")).status_code == 404
    assert (await world.get("/v1/samples/sa_923001114291")).status_code == 404
    for event in world.stream.events:
        assert "923001114291" not in event.model_dump_json(exclude={"private"})
        assert "923001114291" in str(event.private_values())
