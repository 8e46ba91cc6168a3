"""Figures of people: what counts for whom, and each with its cases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casetrail_gateway.domain.figures import WITH_NOBODY, Act, figures_of
from casetrail_gateway.domain.log import Interval

from tests.unit.gateway.test_console import signed_in
from tests.unit.gateway.world import World

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
END = START + timedelta(hours=10)


def act(minute: int, action: str, case: str | None = "CASE-1", by: str = "", **more: Any) -> Act:
    """Something that happened so many minutes after the start."""
    kind, _, id_ = by.partition(":")
    return Act(
        seq=minute,
        at=START + timedelta(minutes=minute),
        action=action,
        actor_kind=kind or "service",
        actor_id=id_ or "routing",
        case_id=case,
        **more,
    )


def held(*stretches: tuple[str, str | None, int, int | None]) -> list[Interval]:
    """Who had a case, in minutes after the start."""
    return [
        Interval(
            kind,
            holder,
            START + timedelta(minutes=begins),
            None if ends is None else START + timedelta(minutes=ends),
            begins,
        )
        for kind, holder, begins, ends in stretches
    ]


def test_what_counts_for_whom() -> None:
    """A case that goes from hand to hand, is answered, breaches and is reopened."""
    custody = {
        "CASE-1": held(
            ("queue", "shared", 0, 5), ("owner", "agent:a", 5, 60), ("owner", "agent:b", 60, None)
        ),
        "CASE-2": held(("queue", "shared", 30, 40), ("nobody", None, 40, None)),
    }
    acts = [
        act(0, "conversation.opened"),
        act(5, "conversation.assigned", owner="agent:a"),
        act(6, "conversation.accepted", owner="agent:a"),
        act(10, "message.sent", by="agent:a"),
        act(12, "message.sent", by="agent:a"),
        act(20, "ticket.sla_breached"),
        act(30, "conversation.opened", "CASE-2"),
        act(35, "conversation.assigned", "CASE-2", owner="agent:b"),
        act(36, "conversation.declined", "CASE-2", previous_owner="agent:b"),
        act(38, "conversation.unassigned", "CASE-2", previous_owner="agent:a", expired=True),
        act(39, "conversation.unassigned", "CASE-2", previous_owner="agent:b"),
        act(60, "conversation.transferred", owner="agent:b", previous_owner="agent:a", by="lead:l"),
        act(70, "ticket.resolved", by="agent:b"),
        act(80, "ticket.reopened"),
        act(81, "conversation.escalated"),
        act(82, "command.rejected", None, by="agent:a"),
        act(83, "message.sent", "CASE-2", by="service:bot"),
        act(90, "review.scored", about="agent:a", total=80.0),
        act(91, "review.scored", about="agent:a", total=91.0),
    ]
    people, together = figures_of(acts, custody, START, END)
    counts = {who: {n: t.count for n, t in of.items()} for who, of in people.items()}
    assert counts == {
        "agent:a": {
            "cases": 1,
            "first_response": 1,
            "replies": 2,
            "breaches": 1,
            "expired": 1,
            "handed_on": 1,
            "refused": 1,
            "reviews": 2,
        },
        "agent:b": {
            "cases": 2,
            "declined": 1,
            "released": 1,
            "taken_over": 1,
            "resolved": 1,
            "reopened": 1,
            "escalations": 1,
        },
    }
    assert people["agent:a"]["first_response"].median_seconds == 600
    assert people["agent:a"]["reviews"].mean == 85.5
    assert people["agent:b"]["cases"].newest_cases == ["CASE-1", "CASE-2"]
    assert together["cases"].count == 3
    nobody = together[WITH_NOBODY]
    assert (nobody.count, nobody.newest_cases) == (2, ["CASE-2", "CASE-1"])
    assert sorted(nobody.seconds) == [300, (600 - 30) * 60]


def test_time_with_nobody_ends_with_the_stretch_that_is_asked_for() -> None:
    """What goes on beyond it, or began before it, counts as far as it lies within."""
    custody = {"CASE-1": held(("queue", "q", -60, 30), ("owner", "agent:a", 30, None))}
    _, together = figures_of([act(0, "conversation.opened")], custody, START, END)
    assert together[WITH_NOBODY].median_seconds == 30 * 60


DAY = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z"


async def test_figures_are_told_with_names_and_cases() -> None:
    """Over the story: one case was given to one agent."""
    world = World()
    found = (await world.get(f"/v1/figures?{DAY}")).json()
    (agent,) = [p for p in found["people"] if p["person"] == "agent:a"]
    assert agent["name"] == "Agent A"
    assert agent["figures"]["cases"]["cases"] == ["CASE-1001"]
    assert found["together"]["cases"]["count"] == 1
    assert (await world.get(f"/v1/figures?{DAY}", "token-agent")).status_code == 403
    elsewhere = (await world.get(f"/v1/figures?{DAY}", "token-stranger")).json()
    assert elsewhere["people"] == []


async def test_a_team_is_those_whom_its_events_name() -> None:
    """The newest event about a person says their teams; others are left out."""
    world = World()
    made = {"action": "user.created", "data": {"user_id": "a", "teams": ["delivery"]}}
    world.log.documents[10] = {**world.log.documents[10], **made}
    for team, people in (("delivery", ["agent:a"]), ("returns", [])):
        found = (await world.get(f"/v1/figures?{DAY}&team={team}")).json()
        assert [each["person"] for each in found["people"]] == people
        assert ("cases" in found["together"]) == bool(people)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z", 400),
        ("from=2026-01-01T00:00:00Z&to=2026-11-22T00:00:00Z", 400),
        ("from=yesterday&to=2026-11-22T00:00:00Z", 422),
        ("", 422),
    ],
)
async def test_a_stretch_that_cannot_be_counted_is_refused(query: str, status: int) -> None:
    """Backwards, longer than a month, no time at all."""
    assert (await World().get(f"/v1/figures?{query}")).status_code == status


async def test_two_cases_are_compared_fact_by_fact() -> None:
    """What differs is marked; both have to be theirs."""
    world = World()
    path = "/v1/compare/cases?left=CASE-1001&right=CASE-1002"
    found = (await world.get(path)).json()
    facts = {fact["name"]: fact for fact in found["facts"]}
    assert (facts["messages_in"]["left"], facts["messages_in"]["right"]) == (2, 0)
    assert facts["messages_in"]["differs"] is True
    assert (facts["tickets"]["left"], facts["tickets"]["right"]) == (1, 1)  # it concerns both
    assert facts["transfers"] == {
        "name": "transfers",
        "left": 0,
        "right": 0,
        "unit": None,
        "differs": False,
    }
    assert facts["open_for"]["unit"] == "seconds"
    assert [person["id"] for person in found["left"]["people"]] == ["a"]
    assert (await world.get(path, "token-agent")).status_code == 403
    assert (await world.get(path, "token-stranger")).status_code == 404


async def test_a_case_is_compared_with_itself_before() -> None:
    """As of a moment only what had happened by then counts."""
    world = World()
    before = "2026-11-22T10:12:30Z"
    path = f"/v1/compare/cases?left=CASE-1001&right=CASE-1001&left_as_of={before}"
    facts = {fact["name"]: fact for fact in (await world.get(path)).json()["facts"]}
    assert (facts["tickets"]["left"], facts["tickets"]["right"]) == (0, 1)
    assert (facts["messages_in"]["left"], facts["messages_in"]["right"]) == (1, 2)


async def test_two_shifts_are_compared() -> None:
    """By what became of their cases; only for leads and reviewers."""
    world = World()
    found = (await world.get("/v1/compare/shifts?left=s-1&right=s-1", "token-lead")).json()
    assert found["of"] == "shifts"
    assert not any(fact["differs"] for fact in found["facts"])
    assert {"cases_held", "dropped", "escalations_untouched"} <= {f["name"] for f in found["facts"]}
    missing = await world.get("/v1/compare/shifts?left=s-1&right=s-9", "token-lead")
    assert missing.status_code == 404


async def test_the_pages_of_figures_and_comparison() -> None:
    """The console shows the same, with each figure's cases a click away."""
    world = World()
    async with signed_in(world) as browser:
        page = (await browser.get("/quality/figures?start=2026-11-22&end=2026-11-23")).text
        assert "Agent A" in page
        assert 'href="/cases/CASE-1001"' in page
        empty = (await browser.get("/quality/figures")).text
        assert 'name="start"' in empty
        compared = (await browser.get("/compare?left=CASE-1001&right=case-1002")).text
        assert "Time with nobody" in compared
        assert "CASE-1002" in compared
        shifts = await browser.get("/compare?left=s-1&right=s-1")
        assert shifts.status_code == 200
        assert (await browser.get("/compare?left=CASE-1001")).status_code == 200
        assert (await browser.get("/compare?left=CASE-1001&right=s-1")).status_code == 400
