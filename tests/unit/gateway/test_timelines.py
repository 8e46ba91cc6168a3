"""Timelines, lists and records as they are answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casetrail_gateway.domain.lateness import LATE_AFTER, Footprint, late_seqs

from tests.unit.gateway.story import CV, LEAF, PHONE, SECRET_TEXT, case_document, record
from tests.unit.gateway.world import World

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


async def read(world: World, path: str, token: str = "token-reviewer") -> Any:
    """The JSON of a good answer."""
    answer = await world.get(path, token)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_case_timeline_has_the_shape_of_the_contract() -> None:
    """The fields that architecture §6 names, and entries in log order."""
    timeline = await read(World(), "/v1/cases/CASE-1001/timeline")
    assert {"case", "entries", "holes", "complete_through", "tree", "next_cursor"} <= set(timeline)
    assert timeline["case"]["case_id"] == "CASE-1001"
    assert timeline["tree"] == {"size": 12, "root": "ab" * 32}
    assert timeline["complete_through"] == 12
    assert timeline["next_cursor"] is None
    entry = timeline["entries"][2]
    assert set(entry) >= {
        *("seq", "at", "recorded_at", "actor", "on_behalf_of", "action", "target", "summary"),
        *("changes", "reason", "cause", "event_id", "late"),
    }
    assert [entry["seq"] for entry in timeline["entries"]] == [1, 2, 3, 4, 7, 9, 10]
    assert entry["summary"] == "Assigned to Agent A from shared inbox queue"
    assert entry["changes"] == [{"field": "owner", "old": None, "new": "agent:a"}]


async def test_copies_are_folded_into_the_first() -> None:
    """INVARIANT I3: a duplicate is no entry of its own; its original counts it."""
    timeline = await read(World(), "/v1/cases/CASE-1001/timeline")
    copies = {entry["seq"]: entry["copies"] for entry in timeline["entries"]}
    assert copies[4] == 1
    assert sum(copies.values()) == 1
    assert 5 not in copies


async def test_a_hole_is_told_in_words_and_place() -> None:
    """INVARIANT I4: a version that is missing is shown where it is missing."""
    timeline = await read(World(), "/v1/cases/CASE-1001/timeline")
    assert timeline["holes"] == [
        {
            "subject": "ticket/T-1001",
            "first": 2,
            "last": 3,
            "before_seq": 9,
            "sentence": "Not in the log before record 9: versions 2-3 of ticket/T-1001.",
        }
    ]


async def test_causes_name_their_record_or_say_that_there_is_none() -> None:
    """An entry says what it follows from; a command has no record of its own."""
    entries = {
        e["seq"]: e for e in (await read(World(), "/v1/cases/CASE-1001/timeline"))["entries"]
    }
    assert entries[2]["cause"] == {"event_id": "e1", "seq": 1, "action": "message.received"}
    assert entries[3]["cause"] == {"event_id": "a-command", "seq": None, "action": None}
    assert entries[1]["cause"] is None


async def test_looks_are_shown_when_asked_for() -> None:
    """`access` is left out of a timeline unless `kinds` names it."""
    world = World()
    shown = await read(world, "/v1/cases/CASE-1001/timeline?kinds=access,ticket.created")
    assert [entry["action"] for entry in shown["entries"]] == ["access.viewed", "ticket.created"]


async def test_lateness_does_not_depend_on_what_is_shown() -> None:
    """Record 10 happened before 9 and is late on its own page, filtered, and backwards."""
    world = World()
    for query in ("", "?after=9", "?kinds=message.status_changed", "?order=desc&limit=1"):
        entries = (await read(world, f"/v1/cases/CASE-1001/timeline{query}"))["entries"]
        assert {e["seq"]: e["late"] for e in entries}[10] is True
        assert not any(e["late"] for e in entries if e["seq"] != 10)


def test_late_is_earlier_than_what_stands_before_by_more_than_the_threshold() -> None:
    """Exactly the threshold is not late, a moment more is; so is a lower version."""
    first = Footprint(1, AT, "ticket/T-1", 2)
    assert late_seqs([first, Footprint(2, AT - LATE_AFTER, None, None)]) == frozenset()
    more = LATE_AFTER + timedelta(milliseconds=1)
    assert late_seqs([first, Footprint(2, AT - more, None, None)]) == {2}
    assert late_seqs([first, Footprint(2, AT, "ticket/T-1", 1)]) == {2}
    assert late_seqs([first, Footprint(2, AT, "ticket/T-2", 1)]) == frozenset()


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_join_to_the_whole(order: str, limit: int) -> None:
    """Following next_cursor gives every entry once, in order, for any page size."""
    world = World()
    whole = (await read(world, f"/v1/cases/CASE-1001/timeline?order={order}"))["entries"]
    found: list[Any] = []
    after = ""
    while True:
        page = await read(world, f"/v1/cases/CASE-1001/timeline?order={order}&limit={limit}{after}")
        found += page["entries"]
        if page["next_cursor"] is None:
            break
        after = f"&after={page['next_cursor']}"
    assert found == whole


async def test_what_is_not_complete_yet_is_not_shown() -> None:
    """An entry after a place that may still be filled waits for it."""
    world = World()
    world.log.complete_through = 8
    timeline = await read(world, "/v1/cases/CASE-1001/timeline")
    assert [entry["seq"] for entry in timeline["entries"]] == [1, 2, 3, 4, 7]
    assert timeline["complete_through"] == 8


async def test_ticket_and_conversation_timelines() -> None:
    """The same shape, over a ticket or over all cases of a conversation."""
    world = World()
    ticket = await read(world, "/v1/tickets/T-1001/timeline")
    assert [entry["seq"] for entry in ticket["entries"]] == [7, 9]
    assert ticket["ticket"]["held_by"] == "courier"
    assert ticket["case"]["case_id"] == "CASE-1001"
    conversation = await read(world, f"/v1/conversations/{CV}/timeline")
    assert [entry["seq"] for entry in conversation["entries"]] == [1, 2, 3, 4, 7, 9, 10]
    assert conversation["conversation_id"] == CV


async def test_a_cursor_of_one_timeline_is_refused_by_another() -> None:
    """Cursors are bound to their list."""
    world = World()
    page = await read(world, "/v1/cases/CASE-1001/timeline?limit=1")
    answer = await world.get(f"/v1/tickets/T-1001/timeline?after={page['next_cursor']}")
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:casetrail:problem:cursor-malformed"


async def test_a_record_shows_its_leaf_and_hides_what_is_personal() -> None:
    """Index, leaf and leaf input are there; phone and name are masked, ids and salt are not."""
    found = await read(World(), "/v1/records/1")
    assert (found["seq"], found["index"], found["leaf"]) == (1, 0, LEAF.hex())
    assert found["leaf_input"] == '{"seq":1}'
    assert found["private"] == {
        "text": SECRET_TEXT,
        "phone": "····4291",
        "name": "S····",
        "raw": "····",
        "wamid": "····",
    }
    assert PHONE not in str(found)


async def test_a_program_sees_no_text_anywhere() -> None:
    """The service role gets facts: no message text in records, timelines or summaries."""
    world = World()
    for path in (
        "/v1/records/1",
        "/v1/records",
        "/v1/cases/CASE-1001/timeline",
        f"/v1/conversations/{CV}/timeline",
        "/v1/tickets/T-1001/timeline",
    ):
        answer = await world.get(path, "token-service")
        assert answer.status_code == 200
        assert SECRET_TEXT not in answer.text
        assert "Parcel never came" not in answer.text


async def test_gaps_and_copies_are_records_too() -> None:
    """Every sequence answers: a gap says why, a copy names its first."""
    world = World()
    gap = await read(world, "/v1/records/11")
    assert (gap["kind"], gap["problem"], gap["summary"]) == (
        "gap",
        "deleted",
        "Nothing here any more: deleted",
    )
    copy = await read(world, "/v1/records/5")
    assert (copy["kind"], copy["of"]) == ("duplicate", 4)


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("?actor=agent:a", [12, 9, 7]),
        ("?action=ticket", [9, 7]),
        ("?action=ticket.created", [7]),
        ("?target=user/a", [12]),
        ("?case=CASE-1002", [8]),
        ("?ticket=T-1001&order=asc", [7, 9]),
        ("?from=2026-11-22T10:13:42Z", [12]),
        ("?from=2026-11-22T15:13:02%2B05:00&to=2026-11-22T10:13:22Z", [8, 7]),
    ],
)
async def test_records_are_found_by_their_fields(query: str, seqs: list[int]) -> None:
    """Each filter of the contract, the newest first unless asked otherwise."""
    found = await read(World(), f"/v1/records{query}")
    assert [item["seq"] for item in found["items"]] == seqs


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["CASE-1002", "CASE-1001"]),
        ("?q=case-1001", ["CASE-1001"]),
        ("?q=T-1001", ["CASE-1001"]),
        ("?q=agent:b", ["CASE-1002"]),
        ("?owner=agent:a", ["CASE-1001"]),
        ("?ticket=T-1001", ["CASE-1001"]),
        ("?escalated=true", []),
        ("?status=open&escalated=false&limit=1", ["CASE-1002"]),
        ("?opened_from=2026-11-22T10:11:53Z", []),
        ("?opened_to=2026-11-22T10:11:53Z", ["CASE-1002", "CASE-1001"]),
        ("?q=CASE-1001&owner=agent:b", []),
    ],
)
async def test_cases_are_found_by_their_fields(query: str, names: list[str]) -> None:
    """Each filter of the contract that is offered now."""
    found = await read(World(), f"/v1/cases{query}")
    assert [item["case_id"] for item in found["items"]] == names


async def test_case_pages_join() -> None:
    """The list of cases goes on where the page before ended."""
    world = World()
    first = await read(world, "/v1/cases?limit=1")
    second = await read(world, f"/v1/cases?limit=1&cursor={first['next_cursor']}")
    assert [c["case_id"] for c in first["items"] + second["items"]] == ["CASE-1002", "CASE-1001"]
    assert second["next_cursor"] is None
    other = await world.get(f"/v1/cases?limit=1&status=open&cursor={first['next_cursor']}")
    assert other.status_code == 400


async def test_an_activity_is_what_one_person_did() -> None:
    """All acts of a person, the newest first, also those outside of cases."""
    world = World()
    found = await read(world, "/v1/users/a/activity?limit=2")
    assert [entry["seq"] for entry in found["entries"]] == [12, 9]
    rest = await read(world, f"/v1/users/a/activity?limit=2&after={found['next_cursor']}")
    assert [entry["seq"] for entry in rest["entries"]] == [7]


async def test_another_teams_odd_event_is_shown_as_far_as_it_goes() -> None:
    """Actors, changes and data of any shape make no 500."""
    world = World()
    world.log.documents[13] = {
        **record(13, "parcel.scanned", case_id="CASE-1001"),
        "actor": {"kind": "robot", "name": 5, "id": 7},
        "changes": ["x", {"field": 3}, {"old": 1}, {"field": "place", "new": {"a": 1}}],
        "data": {"deep": [{"er": None}]},
        "reason": None,
    }
    world.log.complete_through = 13
    entries = (await read(world, "/v1/cases/CASE-1001/timeline"))["entries"]
    assert entries[-1]["actor"]["kind"] == "unknown"
    assert entries[-1]["actor"]["id"] == "7"
    assert [change["field"] for change in entries[-1]["changes"]] == ["place"]
    assert (await world.get("/v1/records/13")).status_code == 200


async def test_a_case_that_shows_up_while_waiting_is_found() -> None:
    """The log is a moment behind: what is missed is asked for again before the answer is 404."""
    world = World()
    calls = 0
    find = world.log.case

    async def behind(workspace: str, case_id: str) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            return None
        return await find(workspace, case_id)

    world.log.case = behind  # type: ignore[method-assign]
    assert (await world.get("/v1/cases/CASE-1001")).status_code == 200
    world.log.case_documents["main:CASE-1003"] = case_document("CASE-1003", episodes=[])
    assert (await world.get("/v1/cases/CASE-1003")).json()["version"] == 2


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("as_of=2026-11-22T10:12:25Z", [1, 2, 3, 10]),
        ("as_known=2026-11-22T10:12:25Z", [1, 2, 3]),
        ("as_known=2026-11-22T10:12:25Z&as_of=2026-11-22T10:12:05Z", [1]),
        ("as_known=2026-11-22T10:00:00Z", []),
    ],
)
async def test_who_knew_what_when(query: str, seqs: list[int]) -> None:
    """What had happened by a moment, what the log knew by then, and both."""
    answer = await World().get(f"/v1/cases/CASE-1001/timeline?{query}")
    assert answer.status_code == 200, answer.text
    assert [entry["seq"] for entry in answer.json()["entries"]] == seqs
