"""Every read leaves a record first, found by walking the API's own document."""

import json
from typing import Any

import pytest
from casetrail_contracts import parse_event
from casetrail_gateway.api.application import make_api
from casetrail_gateway.api.examples import BULK_ID
from casetrail_gateway.api.reads import OPERATIONAL, every_read_is_recorded
from casetrail_gateway.domain.errors import LogUnavailable, NotPermitted
from casetrail_gateway.use_cases.looking import AccessBeforeAnswer
from casetrail_gateway.use_cases.records import ReadRecord
from fastapi import FastAPI

from tests.unit.gateway.story import CV, PHONE, SECRET_TEXT
from tests.unit.gateway.world import LEAD, World

VALUES = {
    "case_id": "CASE-1001",
    "ticket_id": "T-1001",
    "conversation_id": CV,
    "seq": "1",
    "user_id": "a",
    "shift_id": "s-1",
    "erasure_id": "er_1",
    "hold_id": "ho_1",
    "customer_id": CV,
    "view_id": "vw_1",
    "bulk_id": BULK_ID,
    "review_id": "rv_1",
    "sample_id": "sa_1",
    "letter": "3",
}
ASKED = {
    "/v1/customers": "?phone=%2B923001114291",
    "/v1/live": "?seconds=0",
    "/v1/export": "?format=jsonl",
    "/v1/figures": "?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z",
    "/v1/compare/cases": "?left=CASE-1001&right=CASE-1001&left_as_of=2026-11-22T10:12:30Z",
    "/v1/compare/shifts": "?left=s-1&right=s-1",
}
"""What a path needs to be asked at all."""
READS = sorted(
    path
    for path, operations in make_api().openapi()["paths"].items()
    if "get" in operations and path.startswith("/v1")
)
RECORDED = [path for path in READS if path not in OPERATIONAL]


def address(path: str) -> str:
    """The path with ids that exist."""
    asked = ASKED.get(path, "")
    for name, value in VALUES.items():
        path = path.replace(f"{{{name}}}", value)
    return path + asked


def test_the_walk_finds_the_reads_of_the_contract() -> None:
    """The list that the tests below walk is the contract's, so none of them can pass empty."""
    assert len(RECORDED) == 30
    assert set(READS) - set(RECORDED) == {"/v1/log/status"}


@pytest.mark.parametrize("path", RECORDED)
async def test_a_read_is_recorded_before_anything_is_read_out(path: str) -> None:
    """INVARIANT I9: each read publishes who looked at what, and waits for it, before it answers."""
    world = World()
    answer = await world.get(address(path))
    assert answer.status_code == 200, answer.text
    (event,) = world.stream.events
    stored = parse_event(event.to_bytes())
    assert stored.noun_verb in {"access.viewed", "access.searched", "access.exported"}
    assert stored.data.actor.id == "r"
    assert stored.data.actor.kind == "reviewer"
    assert stored.sequence is None
    assert stored.subject.startswith("access/")
    assert stored.workspace == "main"
    given_out = {"timeline", "records", "cases", "head", "command", "letters"} & set(world.journal)
    if path == "/v1/scorecards":  # of the settings, not of the log
        assert not given_out
        return
    assert min(world.journal.index(what) for what in given_out) > world.journal.index("recorded")


@pytest.mark.parametrize("path", RECORDED)
async def test_nothing_is_given_out_when_the_look_cannot_be_recorded(path: str) -> None:
    """INVARIANT I9: without the stream's acknowledgement the answer is 503 and holds no data."""
    world = World()
    world.stream.refusing = True
    answer = await world.get(address(path))
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:casetrail:problem:access-not-recorded"
    for secret in (SECRET_TEXT, PHONE, f"····{PHONE[-4:]}", "Agent A", "TCS-88121", "agent:a"):
        assert secret not in answer.text
    assert not {"timeline", "records", "cases", "head"} & set(world.journal)


async def test_the_look_names_the_case_so_that_its_timeline_can_show_it() -> None:
    """A look at a case or ticket carries the ids of case, ticket and conversation."""
    world = World()
    await world.get("/v1/tickets/T-1001/timeline")
    (event,) = world.stream.events
    assert (event.caseid, event.ticketid, event.conversationid) == ("CASE-1001", "T-1001", CV)
    assert event.model_dump()["data"]["what"] == "ticket_timeline"
    assert event.model_dump()["data"]["target"] == "ticket/T-1001"


async def test_a_refused_read_is_recorded_as_refused() -> None:
    """INVARIANT I9: an agent's 403 on somebody else's case leaves a record that says refused."""
    world = World()
    answer = await world.get("/v1/cases/CASE-1002/timeline", "token-agent")
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:casetrail:problem:not-permitted"
    (event,) = world.stream.events
    assert event.model_dump()["data"]["outcome"] == "refused"
    assert event.caseid == "CASE-1002"
    assert "timeline" not in world.journal


async def test_a_refusal_that_cannot_be_recorded_is_not_told() -> None:
    """INVARIANT I9: also a 403 is an answer about a case, so it waits for its record."""
    world = World()
    world.stream.refusing = True
    answer = await world.get("/v1/cases/CASE-1002", "token-agent")
    assert answer.status_code == 503


async def test_a_role_that_may_not_read_is_recorded_and_gets_nothing() -> None:
    """INVARIANT I9: without permission the read never answers, and the attempt is recorded."""
    world = World()
    wiring = world.app.state.wiring
    read = ReadRecord(world.log, LEAD, 1)
    give = AccessBeforeAnswer(world.stream, wiring.clock)
    with pytest.raises(NotPermitted):
        await give(LEAD, read, permitted=False, correlation_id="c")
    (event,) = world.stream.events
    assert event.model_dump()["data"]["outcome"] == "refused"
    assert "head" not in world.journal


async def test_asking_for_what_is_not_there_is_recorded_too() -> None:
    """A 404 leaves a record that says nothing was found."""
    world = World()
    answer = await world.get("/v1/cases/CASE-9999")
    assert answer.status_code == 404
    (event,) = world.stream.events
    assert event.model_dump()["data"]["found"] is False


async def test_what_a_person_typed_is_private_in_the_record() -> None:
    """A search text, and a user id nobody has, may be personal: they stand in `private` only."""
    world = World()
    await world.get("/v1/cases?q=agent:a")
    await world.get("/v1/users/923001114291/activity")
    for event in world.stream.events:
        public = {k: v for k, v in event.model_dump(mode="json").items() if k != "private"}
        assert PHONE not in json.dumps(public)
        assert event.private_values()["query"]


async def test_a_database_that_is_away_is_503_and_says_so() -> None:
    """A log that does not answer is a problem of its own, not a 500."""
    world = World()
    world.log.away = LogUnavailable("The database does not answer.")
    answer = await world.get("/v1/cases/CASE-1001")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:casetrail:problem:log-unavailable"
    assert answer.headers["retry-after"]


def test_a_read_that_came_another_way_stops_the_start() -> None:
    """INVARIANT I9: an application with a bare `GET /v1/…` route cannot be made."""
    app = FastAPI()

    @app.get("/v1/backdoor")
    async def backdoor() -> dict[str, Any]:
        return {}

    with pytest.raises(RuntimeError, match="/v1/backdoor"):
        every_read_is_recorded(app)


async def test_the_status_of_the_log_names_no_case_and_is_not_recorded() -> None:
    """Monitoring reads numbers every few seconds: no case content, so no look."""
    world = World()
    world.stream.last = 15
    answer = await world.get("/v1/log/status", "token-agent")
    assert answer.json() == {
        "stream_last_seq": 15,
        "complete_through": 12,
        "sealed_size": 12,
        "lag": 3,
        "gaps": [{"seq": 11, "problem": "deleted"}],
        "duplicates": 1,
        "poison": 0,
        "dead_letters": 2,
        "cosigned_size": 0,
        "witnesses": [],
    }
    assert world.stream.events == []
