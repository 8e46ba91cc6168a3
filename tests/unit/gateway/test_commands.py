"""Commands as they leave the gateway, and the answers to them."""

from typing import Any

import pytest
from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    AddCaseNote,
    AddTicketNote,
    AssignConversation,
    AssignTicket,
    BulkTickets,
    ChangePresence,
    ChangeTicketPriority,
    ChangeTicketStatus,
    ChaseTicket,
    ClaimConversation,
    CloseConversation,
    CloseTicket,
    CreateTicket,
    CreateUser,
    DeactivateUser,
    DeescalateConversation,
    EndShift,
    EscalateConversation,
    HandOffTicket,
    LinkConversation,
    LinkTicket,
    OnCase,
    OpenHandover,
    ReactivateUser,
    ReleaseConversation,
    ReopenConversation,
    ReopenTicket,
    ResolveTicket,
    SendMessage,
    SignHandover,
    StartShift,
    TagConversation,
    TransferConversation,
    UpdateUser,
)

from tests.unit.gateway.story import CV
from tests.unit.gateway.world import World

CASE, TICKET = "/v1/cases/CASE-1001", "/v1/tickets/T-1001"
ROWS: list[tuple[str, Any, type[Any], int]] = [
    (f"{CASE}/assign", {"owner": "b", "reason": "speaks Urdu"}, AssignConversation, 200),
    (f"{CASE}/escalate", {"reason": "angry"}, EscalateConversation, 200),
    (f"{CASE}/claim", None, ClaimConversation, 200),
    (f"{CASE}/transfer", {"owner": "b", "note": "waits"}, TransferConversation, 200),
    (f"{CASE}/release", {"reason": "my shift ends"}, ReleaseConversation, 200),
    (f"{CASE}/deescalate", {"reason": "a joke"}, DeescalateConversation, 200),
    (f"{CASE}/tags", {"add": ["vip"], "remove": ["refund"]}, TagConversation, 200),
    (f"{CASE}/notes", {"note": "called"}, AddCaseNote, 201),
    (f"{CASE}/close", {"reason": "solved"}, CloseConversation, 200),
    (f"{CASE}/reopen", {"reason": "again"}, ReopenConversation, 200),
    (
        f"{CASE}/link",
        {"into_case_id": "CASE-1002", "reason": "one customer"},
        LinkConversation,
        200,
    ),
    (f"{CASE}/messages", {"text": "We are on it"}, SendMessage, 201),
    (f"{CASE}/tickets", {"title": "Parcel", "priority": "high"}, CreateTicket, 201),
    (f"{TICKET}/status", {"status": "in_progress"}, ChangeTicketStatus, 200),
    (f"{TICKET}/assign", {"owner": "b", "reason": "knows them"}, AssignTicket, 200),
    (f"{TICKET}/assign", {"owner": None}, AssignTicket, 200),
    (f"{TICKET}/priority", {"priority": "urgent"}, ChangeTicketPriority, 200),
    (
        f"{TICKET}/handoff",
        {"reference": "TCS-1", "expected_at": "2026-11-23T12:00:00+05:00"},
        HandOffTicket,
        200,
    ),
    (f"{TICKET}/chase", {"expected_at": "2026-11-24T12:00:00+05:00"}, ChaseTicket, 200),
    (f"{TICKET}/notes", {"note": "called"}, AddTicketNote, 201),
    (f"{TICKET}/resolve", {"note": "delivered"}, ResolveTicket, 200),
    (f"{TICKET}/close", {}, CloseTicket, 200),
    (f"{TICKET}/close", None, CloseTicket, 200),
    (f"{TICKET}/reopen", {"reason": "again"}, ReopenTicket, 200),
    (
        "/v1/tickets/bulk",
        {
            "action": {"kind": "close", "note": "strike"},
            "ticket_ids": ["T-1001"],
            "mode": "all",
        },
        BulkTickets,
        202,
    ),
    ("/v1/users", {"id": "c", "name": "Agent C"}, CreateUser, 201),
    ("/v1/users/a/deactivate", {"reason": "left"}, DeactivateUser, 200),
    ("/v1/users/a/reactivate", None, ReactivateUser, 200),
    ("/v1/users/a/presence", {"presence": "away"}, ChangePresence, 200),
    ("/v1/users/a/shift/start", {"until": "18:00", "time_zone": "Asia/Karachi"}, StartShift, 200),
    ("/v1/users/a/shift/start", {}, StartShift, 200),
    ("/v1/users/a/shift/start", {"ends_at": "2026-11-22T18:00:00Z"}, StartShift, 200),
    ("/v1/users/a/shift/end", None, EndShift, 200),
    ("/v1/users/a/shift/end", {}, EndShift, 200),
    ("/v1/shifts/s-1/handover", {"to": "b"}, OpenHandover, 201),
    ("/v1/shifts/s-1/handover", None, OpenHandover, 201),
    ("/v1/shifts/s-1/handover/sign", {"through": 12, "note": "seen"}, SignHandover, 200),
]


@pytest.mark.parametrize(("path", "body", "kind", "status"), ROWS)
async def test_each_path_sends_its_command(
    path: str, body: Any, kind: type[Any], status: int
) -> None:
    """The command of each path, with who asks and what the body says."""
    world = World()
    answer = await world.post(path, body)
    assert answer.status_code == status, answer.text
    assert answer.json() == {"done": True, "version": 3}
    (sent,) = world.commands.sent
    assert isinstance(sent, kind)
    assert (sent.workspace, sent.actor.kind, sent.actor.id) == ("main", "lead", "lead")
    assert sent.actor.name == "Team Lead"
    for name, value in (body or {}).items():
        if name not in {"expected_at", "ends_at", "id", "name", "action"}:
            assert getattr(sent, name) == value
    if path.startswith(CASE):
        assert isinstance(sent, OnCase | CreateTicket)
        assert (sent.case_id, sent.conversation_id) == ("CASE-1001", CV)


async def test_a_person_is_changed_by_patch() -> None:
    """Only what the body names is in the command; nothing named, or an unknown zone, is refused."""
    world = World()
    body = {"capacity": 4, "languages": ["ur"], "time_zone": "Asia/Karachi"}
    answer = await world.send("PATCH", "/v1/users/a", body, if_match='"3"')
    assert answer.status_code == 200, answer.text
    (sent,) = world.commands.sent
    assert isinstance(sent, UpdateUser)
    assert (sent.user_id, sent.expected_version) == ("a", 3)
    assert (sent.capacity, sent.languages, sent.name, sent.role) == (4, ["ur"], None, None)
    for wrong in ({}, {"time_zone": "Mars/Olympus"}, {"capcity": 3}, {"capacity": -1}):
        assert (await world.send("PATCH", "/v1/users/a", wrong)).status_code == 422
    assert len(world.commands.sent) == 1


async def test_a_link_names_the_case_and_its_conversation() -> None:
    """The caller gives a case or a ticket that they may open; both or neither is refused."""
    world = World()
    answer = await world.post(f"{TICKET}/link", {"case_id": "CASE-1001"})
    assert answer.status_code == 200, answer.text
    (sent,) = world.commands.sent
    assert isinstance(sent, LinkTicket)
    assert (sent.target, sent.relation) == ("case/CASE-1001", "concerns")
    assert (sent.ticket_id, sent.target_conversation_id) == ("T-1001", CV)
    for body in (
        {},
        {"case_id": "CASE-1001", "ticket_id": "T-1001"},
        {"case_id": "CASE-1001", "relation": "follows"},
    ):
        assert (await world.post(f"{TICKET}/link", body)).status_code == 422
    assert (await world.post(f"{TICKET}/link", {"ticket_id": "T-9999"})).status_code == 404


async def test_the_same_key_gives_the_same_command_id() -> None:
    """INVARIANT I3: one person's key on one thing is one command, however often it is sent."""
    world = World()
    for _ in range(2):
        await world.post(f"{TICKET}/close", {}, idempotency_key="k-1")
    await world.post(f"{TICKET}/close", {}, idempotency_key="k-2")
    await world.post(f"{TICKET}/close", {}, "token-admin", idempotency_key="k-1")
    await world.post(f"{TICKET}/reopen", {"reason": "r"}, idempotency_key="k-1")
    await world.post(f"{TICKET}/close", {})
    await world.post(f"{TICKET}/close", {})
    ids = [command.id for command in world.commands.sent]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 6


@pytest.mark.parametrize("key", ["", " ", "a" * 201, "ключ"])
async def test_a_key_that_is_none_is_refused(key: str) -> None:
    """An unusable Idempotency-Key is an error and not ignored."""
    world = World()
    async with world.asking("token-lead") as client:
        answer = await client.post(
            f"{TICKET}/close", json={}, headers={b"Idempotency-Key": key.encode()}
        )
    assert answer.status_code == 422
    assert world.commands.sent == []


@pytest.mark.parametrize(
    ("if_match", "version"), [('"3"', 3), ('W/"3"', 3), ("3", 3), ("*", None), (None, None)]
)
async def test_if_match_is_the_expected_version(if_match: str | None, version: int | None) -> None:
    """The version of an If-Match header goes with the command."""
    world = World()
    headers = {} if if_match is None else {"if_match": if_match}
    await world.post(f"{TICKET}/close", {}, **headers)
    assert world.commands.sent[0].expected_version == version


@pytest.mark.parametrize("if_match", ["abc", '"-1"', '"1", "2"', '"1.5"', '""'])
async def test_an_if_match_that_is_no_version_is_refused(if_match: str) -> None:
    """A condition that cannot be read must not become no condition."""
    world = World()
    answer = await world.post(f"{TICKET}/close", {}, if_match=if_match)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:casetrail:problem:header-malformed"
    assert world.commands.sent == []


async def test_who_comes_second_is_told_what_changed() -> None:
    """Two agents act on one version: the second gets 409 with field, old → new, who and when."""
    world = World()
    custody = {"field": "custody", "old": None, "new": "courier"}
    world.log.documents[9]["changes"] = [custody]
    world.commands.answer = lambda _: CommandReply.rejected(
        "version-conflict", "The ticket is at version 4."
    ).model_copy(update={"version": 4})
    answer = await world.post(f"{TICKET}/close", {}, if_match='"2"')
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:casetrail:problem:version-conflict"
    assert problem["version"] == 4
    (first,) = problem["changed"]  # version 3 is a hole of this log
    assert first["version"] == 4
    assert (first["action"], first["actor"]["id"]) == ("ticket.handed_off", "a")
    assert first["changes"] == [custody]
    assert first["summary"].startswith("Handed off to courier")
    (look,) = world.stream.events
    assert (look.noun_verb, look.data.model_dump()["target"]) == ("access.viewed", "ticket/T-1001")


async def test_a_conflict_without_its_look_recorded_tells_no_changes() -> None:
    """INVARIANT I9: nothing of the case is read out when the look cannot be recorded."""
    world = World()
    world.stream.refusing = True
    world.commands.answer = lambda _: CommandReply.rejected(
        "version-conflict", "The ticket is at version 4."
    ).model_copy(update={"version": 4})
    answer = await world.post(f"{TICKET}/close", {}, if_match='"2"')
    assert (answer.status_code, answer.json()["changed"]) == (409, None)
    assert "records" not in world.journal


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{CASE}/tickets", {"title": "Parcel"}),
        (f"{CASE}/messages", {"text": "We are on it"}),
        ("/v1/users", {"id": "c", "name": "Agent C"}),
        ("/v1/privacy/holds", {"scope": {"case": "CASE-1001"}, "reason": "a dispute"}),
    ],
)
async def test_what_is_new_has_no_version_to_match(path: str, body: Any) -> None:
    """A condition that nothing can check is refused, and not ignored."""
    world = World()
    answer = await world.post(path, body, "token-admin", if_match='"1"')
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:casetrail:problem:precondition-not-available"
    assert world.commands.sent == []


@pytest.mark.parametrize("path", [TICKET, CASE])
async def test_what_is_read_names_its_version(path: str) -> None:
    """The ETag of a read goes into the If-Match of the command that follows it."""
    world = World()
    answer = await world.get(path)
    version = answer.json()["version"]
    assert answer.headers["etag"].startswith(f'"{version}-')
    done = await world.post(f"{TICKET}/close", {}, if_match=answer.headers["etag"])
    assert world.commands.sent[0].expected_version == version
    assert done.headers["etag"] == '"3"'


async def test_a_rejection_is_told_with_its_reason() -> None:
    """What the domain says no to comes back with its code and its sentence."""
    world = World()
    world.commands.answer = lambda _: CommandReply.rejected(
        "resolution-note-missing", "Say how it ended: a resolution note is required."
    )
    answer = await world.post(f"{TICKET}/close", {})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:casetrail:problem:resolution-note-missing"
    assert "resolution note" in answer.json()["detail"]


async def test_a_service_that_fails_is_told_without_its_inside() -> None:
    """failed/internal is 500 with what to do, not what went wrong inside."""
    world = World()
    world.commands.answer = lambda _: CommandReply.failed("internal", "KeyError: 'hunter2'")
    answer = await world.post(f"{TICKET}/close", {})
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Idempotency-Key" in answer.json()["detail"]


async def test_no_reply_is_504_and_says_that_the_outcome_is_unknown() -> None:
    """Silence is neither yes nor no."""
    world = World()
    world.commands.silent = True
    answer = await world.post(f"{TICKET}/close", {})
    assert answer.status_code == 504
    assert answer.json()["type"] == "urn:casetrail:problem:outcome-unknown"


@pytest.mark.parametrize(
    ("path", "body", "token"),
    [
        ("/v1/cases/CASE-1002/close", {"reason": "r"}, "token-agent"),
        (f"{CASE}/close", {"reason": "r"}, "token-other"),
        (f"{TICKET}/close", {}, "token-other"),
        ("/v1/users/b/shift/start", {}, "token-agent"),
        ("/v1/users/b/presence", {"presence": "away"}, "token-agent"),
        ("/v1/users/b/deactivate", {"reason": "r"}, "token-agent"),
        ("/v1/users", {"id": "c", "name": "C", "role": "admin"}, "token-lead"),
        (f"{CASE}/close", {"reason": "r"}, "token-reviewer"),
    ],
)
async def test_a_refused_command_leaves_a_record(path: str, body: Any, token: str) -> None:
    """INVARIANT I9: who tried what on what is recorded as command.rejected by the gateway."""
    world = World()
    answer = await world.post(path, body, token)
    assert answer.status_code == 403
    assert world.commands.sent == []
    (event,) = world.stream.events
    assert event.noun_verb == "command.rejected"
    data = event.model_dump()["data"]
    assert (data["code"], data["refused_by"]) == ("not-permitted", "gateway")
    assert data["target"].split("/")[1] in path or data["target"] == "user/c"
    assert event.subject == f"command/{data['command_id']}"


async def test_a_command_on_a_case_that_is_not_there_is_404() -> None:
    """A case nobody knows has no conversation to send a command to."""
    world = World()
    assert (await world.post("/v1/cases/CASE-9/close", {"reason": "r"})).status_code == 404
    assert (await world.post("/v1/tickets/T-9/close", {})).status_code == 404
    assert world.commands.sent == []


async def test_an_agent_acts_on_their_case_and_their_shift() -> None:
    """What is theirs goes through with their name on it."""
    world = World()
    assert (await world.post(f"{CASE}/escalate", {"reason": "r"}, "token-agent")).status_code == 200
    assert (await world.post("/v1/users/a/shift/end", {}, "token-agent")).status_code == 200
    assert {(c.actor.kind, c.actor.id) for c in world.commands.sent} == {("agent", "a")}


@pytest.mark.parametrize(
    ("headers", "correlation"),
    [
        (
            {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        (
            {"x_request_id": "7b2c491f-1589-5a0e-ad93-8973a750a6eb"},
            "7b2c491f-1589-5a0e-ad93-8973a750a6eb",
        ),
    ],
)
async def test_a_trace_or_request_id_becomes_the_correlation(
    headers: dict[str, str], correlation: str
) -> None:
    """What the caller calls the request is what the log calls it."""
    world = World()
    await world.post(f"{TICKET}/close", {}, **headers)
    assert world.commands.sent[0].correlation_id == correlation


async def test_a_free_request_id_is_echoed_but_not_published() -> None:
    """A request id may hold anything, a phone number too: the log gets one derived from it."""
    world = World()
    answer = await world.post(f"{TICKET}/close", {}, x_request_id="call-923001234567")
    assert answer.headers["x-request-id"] == "call-923001234567"
    assert "923001234567" not in (world.commands.sent[0].correlation_id or "")
