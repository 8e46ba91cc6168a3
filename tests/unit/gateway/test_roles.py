"""Who may use which path: the matrix, walked from the API's own document."""

import pytest
from casetrail_gateway.api.application import make_api
from casetrail_gateway.domain.people import PERMITTED, PUBLIC, may_open

from tests.unit.gateway.test_access_before_answer import address
from tests.unit.gateway.world import AGENT, OTHER_AGENT, PEOPLE, World

BODIES = {
    "assign": {"owner": "b"},
    "escalate": {"reason": "angry"},
    "close": {"reason": "done"},
    "/cases/{case_id}/tickets": {"title": "Parcel"},
    "status": {"status": "in_progress"},
    "claim": {},
    "accept": {},
    "decline": {"reason": "on a call"},
    "transfer": {"owner": "b"},
    "release": {"reason": "my shift ends"},
    "deescalate": {"reason": "a joke"},
    "tags": {"add": ["vip"]},
    "/tickets/{ticket_id}/assign": {"owner": "a"},
    "priority": {"priority": "low"},
    "link": {"case_id": "CASE-1001"},
    "/cases/{case_id}/link": {"into_case_id": "CASE-1002", "reason": "one customer"},
    "handoff": {},
    "chase": {},
    "notes": {"note": "n"},
    "resolve": {"note": "n"},
    "/tickets/{ticket_id}/close": {},
    "reopen": {"reason": "again"},
    "messages": {"text": "We are on it"},
    "/v1/tickets/bulk": {
        "action": {"kind": "close", "note": "strike"},
        "ticket_ids": ["T-1001"],
        "mode": "each",
    },
    "/v1/users": {"id": "c", "name": "Agent C"},
    "/v1/users/{user_id}": {"capacity": 3},
    "deactivate": {"reason": "left"},
    "reactivate": {},
    "presence": {"presence": "away"},
    "shift/start": {},
    "shift/end": {},
    "/handover": {"to": "b"},
    "/handover/sign": {"through": 12},
    "/v1/privacy/erasures": {
        "scope": {"case": "CASE-1001"},
        "policy": "customer-request",
        "reason": "asked by letter",
    },
    "/v1/dead-letters/{letter}/handle": {"reason": "the plan is there now"},
    "/v1/privacy/holds": {"scope": {"customer": "cv_a"}, "reason": "a claim"},
    "/v1/privacy/holds/{hold_id}/release": {"reason": "settled"},
    "reveal": {"purpose": "call back"},
    "/v1/views": {"name": "Mine", "q": "escalated:yes"},
    "/reviews": {"about": "a", "scorecard": "support"},
    "/scores": {"scores": [{"criterion": "tone", "points": 2, "cites": [3]}]},
    "/reviews/{review_id}/notes": {"note": "n"},
    "/dispute": {"criteria": ["tone"], "reason": "no"},
    "/reviews/{review_id}/resolve": {"verdict": "upheld", "reason": "as seen"},
    "/v1/samples": {
        "size": 1,
        "opened_from": "2026-11-22T00:00:00Z",
        "opened_to": "2026-11-23T00:00:00Z",
    },
}
EVERY = sorted(
    (method.upper(), path)
    for path, operations in make_api().openapi()["paths"].items()
    for method in operations
)
OPERATIONS = [operation for operation in EVERY if operation not in PUBLIC]
READERS = {"agent", "lead", "reviewer", "admin", "service"}
EXPECTED = {
    "GET": READERS,
    "POST": {"agent", "lead", "admin"},
}

EXPECTED_OF = {
    ("POST", "/v1/customers/{customer_id}/reveal"): READERS - {"service"},
    ("POST", "/v1/views"): READERS - {"service"},
    ("DELETE", "/v1/views/{view_id}"): READERS - {"service"},
    ("POST", "/v1/cases/{case_id}/link"): {"lead", "admin"},
    ("POST", "/v1/tickets/bulk"): {"lead", "admin"},
    ("GET", "/v1/tickets/bulk/{bulk_id}"): {"lead", "admin", "reviewer"},
    ("POST", "/v1/users"): {"lead", "admin"},
    ("PATCH", "/v1/users/{user_id}"): {"lead", "admin"},
    ("POST", "/v1/users/{user_id}/deactivate"): {"lead", "admin"},
    ("POST", "/v1/users/{user_id}/reactivate"): {"lead", "admin"},
    ("GET", "/v1/shifts/{shift_id}/handover"): {"lead", "reviewer", "admin"},
    ("POST", "/v1/shifts/{shift_id}/handover"): {"lead", "admin"},
    ("POST", "/v1/shifts/{shift_id}/handover/sign"): {"lead", "admin"},
    ("GET", "/v1/privacy/erasures/{erasure_id}"): {"reviewer", "admin"},
    ("POST", "/v1/cases/{case_id}/reviews"): {"lead", "reviewer", "admin"},
    ("POST", "/v1/reviews/{review_id}/scores"): {"lead", "reviewer", "admin"},
    ("POST", "/v1/reviews/{review_id}/notes"): READERS - {"service"},
    ("POST", "/v1/reviews/{review_id}/resolve"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/coaching"): READERS - {"service"},
    ("POST", "/v1/samples"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/figures"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/compare/shifts"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/samples"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/samples/{sample_id}"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/samples/{sample_id}/agreement"): {"lead", "reviewer", "admin"},
    ("GET", "/v1/dead-letters"): {"reviewer", "admin"},
    ("POST", "/v1/dead-letters/{letter}/handle"): {"admin"},
    ("POST", "/v1/privacy/erasures"): {"admin"},
    ("POST", "/v1/privacy/holds"): {"admin"},
    ("POST", "/v1/privacy/holds/{hold_id}/release"): {"admin"},
}

OF_ONE_PERSON = {f"/v1/reviews/{{review_id}}/{step}" for step in ("scores", "dispute", "resolve")}
"""What a role may do, and of those only one person on a given day (test_reviews.py)."""


def body_of(path: str) -> object:
    """A body the path takes."""
    return next(body for end, body in reversed(BODIES.items()) if path.endswith(end))


def test_the_table_and_the_paths_are_the_same() -> None:
    """Every path of the API stands in the role table or among the public ones, and no other."""
    assert set(EVERY) == set(PERMITTED) | PUBLIC
    assert set(OPERATIONS) == set(PERMITTED)


@pytest.mark.parametrize("role", sorted(PEOPLE))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_each_role_on_each_path(role: str, method: str, path: str) -> None:
    """INVARIANT I9: reads are for all roles, commands for agent, lead, admin; agents add nobody."""
    world = World()
    token = f"token-{role}"
    where = address(path)
    if method == "GET":
        if path in {"/v1/records", "/v1/export"}:
            where += f"{'&' if '?' in where else '?'}case=CASE-1001"
        answer = await world.get(where, token)
    elif method == "DELETE":
        saved = await world.post("/v1/views", {"name": "Mine", "q": "x"}, token)
        name = saved.json().get("view_id", "vw_1")
        answer = await world.delete(path.replace("{view_id}", name), token)
    else:
        answer = await world.send(method, where, body_of(path), token)
    expected = EXPECTED_OF.get((method, path)) or EXPECTED[method]
    if role in expected and path in OF_ONE_PERSON:
        assert f"The role {role} may not" not in answer.text
        assert answer.status_code in {200, 403, 409, 422}, answer.text
    elif role in expected:
        assert answer.status_code in {200, 201, 202}, answer.text
    else:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:casetrail:problem:not-permitted"
        assert world.commands.sent == []


@pytest.mark.parametrize("token", [None, "", "wrong"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_without_a_good_token_nothing_answers(
    token: str | None, method: str, path: str
) -> None:
    """INVARIANT I9: no token or a wrong one is 401 with a challenge, before any body is read."""
    world = World()
    async with world.asking(token) as client:
        answer = await client.request(method, address(path), content=b"{not json")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="casetrail"')
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.journal == []


async def test_an_unknown_path_tells_a_stranger_nothing() -> None:
    """Below /v1 a stranger gets 401 for what exists and for what does not."""
    world = World()
    assert (await world.get("/v1/nothing", None)).status_code == 401
    assert (await world.get("/v1", None)).status_code == 401
    assert (await world.get("/v1/nothing")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/cases/CASE-1001",
        "/v1/cases/CASE-1001/timeline",
        "/v1/tickets/T-1001",
        "/v1/tickets/T-1001/timeline",
        "/v1/conversations/cv_6ajxh7e6vooz6cksap7wr3rmvq/timeline",
        "/v1/records/1",
        "/v1/records/3",
    ],
)
async def test_another_workspace_does_not_exist(path: str) -> None:
    """INVARIANT I9: with another workspace's token every id is 404, also for an administrator."""
    world = World()
    answer = await world.get(path, "token-stranger")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("-not-found")


async def test_lists_of_another_workspace_are_empty() -> None:
    """INVARIANT I9: lists and activities hold the token's workspace only, and the log's gaps."""
    world = World()
    for path, key in (
        ("/v1/cases", "items"),
        ("/v1/records", "items"),
        ("/v1/users/a/activity", "entries"),
    ):
        shown = (await world.get(path, "token-stranger")).json()[key]
        assert [one for one in shown if one.get("kind") != "gap"] == []


def test_an_agent_opens_what_they_own_once_held_or_nobody_owns() -> None:
    """The rule of custody, case by case."""
    held = frozenset({"agent:a", "agent:b"})
    assert may_open(AGENT, "agent:a", frozenset())
    assert may_open(AGENT, "agent:b", held)
    assert may_open(AGENT, None, frozenset())
    assert not may_open(AGENT, "agent:b", frozenset({"agent:b"}))
    assert not may_open(OTHER_AGENT, "agent:a", frozenset({"agent:a"}))
    assert all(
        may_open(person, "agent:b", frozenset())
        for role, person in PEOPLE.items()
        if role != "agent"
    )


async def test_an_agents_lists_hold_only_what_is_theirs() -> None:
    """An agent's case list leaves out cases of others; a lead's does not."""
    world = World()
    mine = (await world.get("/v1/cases", "token-agent")).json()["items"]
    assert [case["case_id"] for case in mine] == ["CASE-1001"]
    everybodys = (await world.get("/v1/cases", "token-lead")).json()["items"]
    assert [case["case_id"] for case in everybodys] == ["CASE-1002", "CASE-1001"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 403),
        ("?actor=agent:b", 403),
        ("?actor=agent:a", 200),
        ("?case=CASE-1001", 200),
        ("?case=CASE-1002", 403),
        ("?ticket=T-1001", 200),
        ("?ticket=T-1001&case=CASE-1002", 403),
        ("?actor=agent:a&case=CASE-1002", 403),
    ],
)
async def test_an_agent_searches_their_own_records(query: str, status: int) -> None:
    """An agent's search of the log is narrowed to a case of theirs or to themselves."""
    world = World()
    answer = await world.get(f"/v1/records{query}", "token-agent")
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("seq", "status"), [(1, 200), (3, 200), (8, 403), (12, 200), (11, 403)])
async def test_an_agent_reads_records_of_their_cases(seq: int, status: int) -> None:
    """A record is theirs by its case, by its conversation's episode, or when they did it."""
    world = World()
    assert (await world.get(f"/v1/records/{seq}", "token-agent")).status_code == status


async def test_an_agent_reads_their_own_activity_only() -> None:
    """A lead reads everybody's activity, an agent their own."""
    world = World()
    assert (await world.get("/v1/users/b/activity", "token-agent")).status_code == 403
    assert (await world.get("/v1/users/b/activity", "token-lead")).status_code == 200
