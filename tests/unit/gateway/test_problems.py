"""Every error is a problem, and nothing a caller sends becomes an operator or a fault of ours."""

import base64
from typing import Any

import pytest
from casetrail_contracts import CommandReply
from casetrail_gateway.api.problems import status_of_reply
from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.errors import CursorMalformed
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.world import World


async def expect(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """The problem, after checking that it is one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:casetrail:problem:{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return body


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/nowhere", 404, "not-found"),
        ("/v1/nowhere", 404, "not-found"),
        ("/v1/cases/923001234567", 404, "not-found"),
        ("/v1/cases/CASE-0/timeline", 404, "not-found"),
        ("/v1/cases/CASE-1001%00", 404, "not-found"),
        ("/v1/tickets/T-99999999999999999999", 404, "not-found"),
        ("/v1/records/abc", 404, "not-found"),
        ("/v1/records/0", 404, "not-found"),
        ("/v1/records/99", 404, "record-not-found"),
        ("/v1/records/9223372036854775808", 404, "not-found"),
        ("/v1/cases/CASE-9999", 404, "case-not-found"),
        ("/v1/tickets/T-9999", 404, "ticket-not-found"),
        ("/v1/conversations/cv_nobody/timeline", 404, "conversation-not-found"),
        ("/v1/cases?q=%22parcel+never+came", 400, "query-not-understood"),
        ("/v1/cases?q=escalated:maybe", 400, "query-not-understood"),
        ("/v1/customers", 400, "query-not-understood"),
        ("/v1/customers?phone=12", 422, "request-invalid"),
        ("/v1/cases?q=T-1001&ticket=T-2", 400, "query-not-understood"),
        ("/v1/records?q=nonsense:parcel", 400, "query-not-understood"),
        ("/v1/cases?cursor=garbage", 400, "cursor-malformed"),
        ("/v1/records?cursor=e30", 400, "cursor-malformed"),
        ("/v1/cases/CASE-1001/timeline?after=x.y", 400, "cursor-malformed"),
        ("/v1/cases?limit=0", 422, "request-invalid"),
        ("/v1/cases?limit=201", 422, "request-invalid"),
        ("/v1/cases?staus=open", 422, "request-invalid"),
        ("/v1/cases?status=open&status=closed", 422, "request-invalid"),
        ("/v1/cases?opened_from=2026-11-22T10:00:00", 422, "request-invalid"),
        ("/v1/cases?opened_from=2026", 422, "request-invalid"),
        ("/v1/cases?opened_from=9999-12-31T23:59:59-14:00", 422, "request-invalid"),
        ("/v1/records?from=0001-01-01T00:00:00%2B14:00", 422, "request-invalid"),
        ("/v1/cases/CASE-1001/timeline?order=random", 422, "request-invalid"),
        ("/v1/cases/CASE-1001/timeline?kinds=,", 422, "request-invalid"),
        ("/v1/records?actor=somebody", 422, "request-invalid"),
    ],
)
async def test_each_wrong_question_is_a_problem(path: str, status: int, slug: str) -> None:
    """Wrong paths, filters, cursors and searches: a precise problem, never a 500."""
    await expect(await World().get(path), status, slug)


@pytest.mark.parametrize(
    "query",
    [
        "status[$ne]=open",
        "owner[$regex]=.*",
        "$where=sleep(1000)",
        'status={"$ne":null}',
        "owner=agent:a%27%7C%7C1",
        "actor[$gt]=",
        "cursor[$gt]=",
    ],
)
@pytest.mark.parametrize("path", ["/v1/cases", "/v1/records"])
async def test_operators_in_a_query_are_refused(path: str, query: str) -> None:
    """Nothing that looks like a MongoDB operator gets past the parameters."""
    await expect(await World().get(f"{path}?{query}"), 422, "request-invalid")


@pytest.mark.parametrize(
    "body",
    [
        {"owner": {"$ne": None}},
        {"owner": ["a"]},
        {"owner": "a", "$set": {"role": "admin"}},
        {"owner": "a", "actor": {"kind": "admin", "id": "x"}},
        {"owner": "a", "workspace": "elsewhere"},
        {"owner": "A B"},
        {},
        [],
        "owner",
        None,
    ],
)
async def test_a_body_with_more_or_other_than_its_fields_is_refused(body: object) -> None:
    """Operators, foreign fields and wrong types in a command never leave the gateway."""
    world = World()
    await expect(await world.post("/v1/cases/CASE-1001/assign", body), 422, "request-invalid")
    assert world.commands.sent == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{not json", 422),
        (b"\xff\xfe", 422),
        (b'{"owner": "a", "\\ud800": 1}', 422),
        (b'{"owner": "\\ud800"}', 422),
        (b"[" * 100_000, 400),
        (b" " * 300_000, 413),
        (b"", 422),
    ],
)
async def test_a_body_that_is_no_json_is_a_problem(raw: bytes, status: int) -> None:
    """Broken bytes, lone surrogates, deep nesting and long bodies are the caller's fault."""
    async with World().asking("token-lead") as client:
        answer = await client.post(
            "/v1/cases/CASE-1001/assign", content=raw, headers={"content-type": "application/json"}
        )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_names_the_right_ones() -> None:
    """405 is a problem and keeps its Allow header."""
    async with World().asking() as client:
        answer = await client.delete("/v1/cases/CASE-1001")
    await expect(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_fault_of_ours_is_told_without_a_traceback() -> None:
    """An unexpected exception is 500 with an id to ask about, and nothing of the inside."""
    world = World()
    world.log.away = ZeroDivisionError("the password is hunter2")
    answer = await world.get("/v1/cases/CASE-1001")
    await expect(answer, 500, "internal")
    assert "hunter2" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_validation_problem_names_every_field_and_repeats_no_value() -> None:
    """`errors` tells where and what; the value itself is not sent back."""
    answer = await World().get("/v1/cases?limit=secret923001234567&status=NO")
    body = await expect(answer, 422, "request-invalid")
    assert {error["where"] for error in body["errors"]} == {"query.limit", "query.status"}
    assert "923001234567" not in answer.text


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (CommandReply.rejected("ticket-not-found", "d"), 404),
        (CommandReply.rejected("version-conflict", "d"), 409),
        (CommandReply.rejected("transition-not-allowed", "d"), 409),
        (CommandReply.rejected("resolution-note-missing", "d"), 422),
        (CommandReply.rejected("not-permitted", "d"), 403),
        (CommandReply.rejected("already-escalated", "d"), 409),
        (CommandReply.rejected("user-exists", "d"), 409),
        (CommandReply.rejected("shift-already-started", "d"), 409),
        (CommandReply.rejected("something-new", "d"), 422),
        (CommandReply.failed("invalid", "d"), 400),
        (CommandReply.failed("unavailable", "d"), 503),
        (CommandReply.failed("internal", "d"), 500),
        (CommandReply(status="failed"), 500),
    ],
)
def test_each_reply_has_its_status(reply: CommandReply, status: int) -> None:
    """The one table from replies to HTTP."""
    assert status_of_reply(reply) == status


SEQS = st.integers(min_value=0, max_value=2**63 - 1)
LIST = cursors.fingerprint("cases", {"status": "open"})


@given(seq=SEQS)
def test_a_cursor_comes_back_as_it_went(seq: int) -> None:
    """Encoding and decoding are inverse for every sequence."""
    assert cursors.decode(LIST, cursors.encode(LIST, seq)) == seq
    assert cursors.place(LIST, cursors.encode(LIST, seq)) == seq


@given(text=st.text(max_size=300))
def test_any_other_text_is_a_malformed_cursor(text: str) -> None:
    """Whatever somebody sends is a cursor we made, or refused; never another exception."""
    try:
        seq = cursors.decode(LIST, text)
    except CursorMalformed:
        return
    assert cursors.encode(LIST, seq) == text


@given(raw=st.binary(max_size=60))
def test_any_other_base64_is_a_malformed_cursor(raw: bytes) -> None:
    """Also well-formed base64 of anything."""
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    try:
        seq = cursors.decode(LIST, text)
    except CursorMalformed:
        return
    assert cursors.encode(LIST, seq) == text


def test_a_cursor_holds_no_time_and_is_bound_to_its_filters() -> None:
    """INVARIANT: cursors are places in the log; other filters make another list."""
    cursor = cursors.encode(LIST, 42)
    assert base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).endswith(b".42")
    with pytest.raises(CursorMalformed, match="other filters"):
        cursors.decode(cursors.fingerprint("cases", {}), cursor)
