"""The clocks of a ticket against a second implementation that lives through every minute."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from casetrail_contracts.clocks import (
    ALWAYS,
    ClockName,
    History,
    Policy,
    Reading,
    Step,
    agreement,
    readings,
    runs,
    taken,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.contracts.test_clocks_calendar import MINUTE, calendars, is_working, moments

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
PLAIN = Policy(
    "plain",
    {
        "first_response": 15 * MINUTE,
        "next_response": 30 * MINUTE,
        "resolution": timedelta(hours=4),
    },
    ALWAYS,
    pauses={"resolution": frozenset({"awaiting_customer"})},
)
STATES = ["in_progress", "awaiting_customer", "awaiting_courier", "resolved", "closed", "reopened"]


def state_step(at: datetime, state: str, version: int) -> Step:
    """A ticket that is in another state."""
    action = {
        "new": "ticket.created",
        "resolved": "ticket.resolved",
        "closed": "ticket.closed",
        "reopened": "ticket.reopened",
    }.get(state, "ticket.status_changed")
    data = {"status": state} if state == "new" else {}
    changes = [{"field": "status", "old": None, "new": state}]
    return Step(action, f"v{version}", at, "agent", version, data, changes, seq=version)


def said(at: datetime, side: str, name: str) -> Step:
    """A message of the customer or of staff."""
    if side == "customer":
        return Step("message.received", name, at, "customer")
    return Step("message.sent", name, at, "agent")


def history_of(steps: Sequence[Step]) -> History:
    """The fold."""
    history: History | None = None
    for step in steps:
        history = taken(history, step)
    assert history is not None
    return history


def promised(history: History, policy: Policy) -> History:
    """The history with a promise for every run, made when it began."""
    steps = [
        Step(
            "ticket.sla_started",
            f"promise of {run.begun_by}",
            run.began_at,
            "rule",
            None,
            {"clock": run.clock, "begun_by": run.begun_by, "policy": {"text": policy.plain()}},
        )
        for run in runs(history, frozenset(policy.targets))
    ]
    for step in steps:
        history = taken(history, step) or history
    return history


@dataclass
class Slow:
    """One wait as somebody with a stopwatch sees it."""

    clock: ClockName
    begun_by: str
    open: bool = True
    used: int = 0
    breached: datetime | None = None
    stopped: datetime | None = None


def live_through(  # noqa: C901, PLR0912 - every rule of the clocks, once more, in another way
    steps: Sequence[Step], policy: Policy, end: datetime
) -> list[Slow]:
    """What a stopwatch in somebody's hand shows at `end`, having ticked through every minute."""
    by_minute = {step.at: step for step in steps}
    waits: list[Slow] = []
    state, ended = "new", False
    at = steps[0].at
    while at <= end:
        step = by_minute.get(at)
        if step is not None and step.version is not None:
            state = "new" if step.action == "ticket.created" else step.changes[0]["new"]
            ended = state in {"resolved", "closed"}
            if step.action == "ticket.created":
                waits += [
                    Slow(clock, step.event_id)
                    for clock in ("first_response", "resolution")
                    if clock in policy.targets
                ]
            for wait in waits:
                if ended and wait.open:
                    wait.open, wait.stopped = False, at
                if not ended and wait.clock == "resolution" and not wait.open:
                    wait.open, wait.stopped = True, None
        elif step is not None and step.action == "message.sent" and not ended:
            for wait in waits:
                if wait.open and wait.clock != "resolution":
                    wait.open, wait.stopped = False, at
        elif step is not None and not ended and "next_response" in policy.targets:
            owed = any(wait.open and wait.clock != "resolution" for wait in waits)
            waits += [] if owed else [Slow("next_response", step.event_id)]
        for wait in waits:
            runs_now = wait.open and not ended and state not in policy.pauses.get(wait.clock, ())
            spent = wait.used * MINUTE == policy.targets[wait.clock]
            if runs_now and wait.breached is None and spent:
                wait.breached = at
            if runs_now and at < end:
                wait.used += is_working(policy.calendar, at)
        at += MINUTE
    return waits


@st.composite
def policies(draw: st.DrawFn, near: datetime) -> Policy:
    """Targets of a few hours, hours, holidays, pausing states."""
    clocks = draw(
        st.sets(st.sampled_from(["first_response", "next_response", "resolution"]), min_size=1)
    )
    pausing = st.frozensets(st.sampled_from([*STATES[:3], "reopened", "new"]), max_size=2)
    return Policy(
        "drawn",
        {clock: draw(st.integers(1, 16 * 60)) * MINUTE for clock in clocks},  # type: ignore[misc]
        draw(calendars(near)),
        pauses={clock: draw(pausing) for clock in clocks},  # type: ignore[misc]
    )


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Step], Policy, datetime]:
    """Steps of a ticket at minutes of their own, a policy, and a moment to look."""
    start = draw(moments())
    count = draw(st.integers(0, 12))
    times = sorted(draw(st.sets(st.integers(1, 60 * 60), min_size=count, max_size=count)))
    steps, state, version = [state_step(start, "new", 1)], "new", 1
    for number, minute in enumerate(times):
        at = start + minute * MINUTE
        what = draw(st.sampled_from(["customer", "staff", "state"]))
        if what != "state":
            steps.append(said(at, what, f"m{number}"))
            continue
        ended = state in {"resolved", "closed"}
        state = draw(st.sampled_from(["closed", "reopened"] if ended else STATES[:5]))
        version += 1
        steps.append(state_step(at, state, version))
    last = steps[-1].at
    return steps, draw(policies(start)), last + draw(st.integers(0, 24 * 60)) * MINUTE


@given(stories())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_clocks_agree_with_a_stopwatch(story: tuple[list[Step], Policy, datetime]) -> None:
    """Begun, stopped, used, due: the same as lived through minute by minute."""
    steps, policy, now = story
    history = promised(history_of(steps), policy)
    fast = {
        reading.run.key: (reading.run.stopped_at, reading.breached_at, reading.used)
        for reading in readings(history, now)
    }
    slow = {
        (wait.clock, wait.begun_by): (wait.stopped, wait.breached, wait.used * MINUTE)
        for wait in live_through(steps, policy, now)
    }
    assert fast.keys() == slow.keys()
    for key, (stopped, breached, used) in slow.items():
        assert fast[key] == (stopped, breached, used), key


@given(stories(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_in_which_messages_arrive_does_not_matter(
    story: tuple[list[Step], Policy, datetime], random: object
) -> None:
    """Messages late, early or twice: the same history."""
    steps, policy, _ = story
    states = [step for step in steps if step.version is not None]
    messages = [step for step in steps if step.version is None]
    shuffled = [*messages, *messages[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert history_of([*states, *shuffled]) == history_of(steps)
    assert promised(history_of([*states, *shuffled]), policy) == promised(history_of(steps), policy)


def one(history: History, clock: ClockName, now: datetime) -> Reading:
    """The only reading of a clock."""
    (found,) = [each for each in readings(history, now) if each.run.clock == clock]
    return found


def test_the_end_of_the_ticket_ends_every_wait() -> None:
    """Resolved without a word to the customer: nothing is owed any more, nothing is broken."""
    steps = [state_step(START, "new", 1), state_step(START + 10 * MINUTE, "resolved", 2)]
    history = promised(history_of(steps), PLAIN)
    now = START + timedelta(days=2)
    assert one(history, "first_response", now).state == "met"
    assert one(history, "resolution", now).state == "met"


def test_an_answer_in_the_very_moment_is_in_time() -> None:
    """Due at 9:15: an answer at 9:15 is one, a millisecond later is too late."""
    created = state_step(START, "new", 1)
    due = START + 15 * MINUTE
    in_time = promised(history_of([created, said(due, "staff", "r")]), PLAIN)
    assert one(in_time, "first_response", START + timedelta(days=1)).state == "met"
    late = said(due + timedelta(milliseconds=1), "staff", "r")
    reading = one(
        promised(history_of([created, late]), PLAIN), "first_response", START + timedelta(days=1)
    )
    assert (reading.state, reading.breached_at) == ("breached", due)


def test_a_new_promise_is_not_broken_before_it_is_made() -> None:
    """Urgent after an hour, with half an hour to respond: due when it became urgent, not before."""
    slow = replace(PLAIN, name="slow", targets={"first_response": timedelta(hours=8)})
    quick = replace(PLAIN, name="quick", targets={"first_response": 30 * MINUTE})
    history = promised(history_of([state_step(START, "new", 1)]), slow)
    later = START + timedelta(hours=1)
    history = history.promise([replace(history.promises[0], at=later, policy=quick)])
    reading = one(history, "first_response", START + timedelta(hours=2))
    assert (reading.breached_at, reading.promise.policy.name) == (later, "quick")


def started(at: datetime, policy: Policy, version: int, due: datetime | None, **data: str) -> Step:
    """A `ticket.sla_started` as it stands in the log."""
    said = {
        "clock": "first_response",
        "begun_by": "v1",
        "started_at": at.isoformat(),
        "due_at": None if due is None else due.isoformat(),
        "policy": {"name": policy.name, "version": policy.version, "text": policy.plain()},
    }
    return Step("ticket.sla_started", f"s{version}", at, "rule", version, said | data, (), version)


def breach(due: datetime, version: int) -> Step:
    """A `ticket.sla_breached` as it stands in the log."""
    said = {
        "clock": "first_response",
        "begun_by": "v1",
        "due_at": due.isoformat(),
        "noticed_at": due.isoformat(),
    }
    return Step("ticket.sla_breached", f"b{version}", due, "rule", version, said, (), version)


FIRST = replace(PLAIN, targets={"first_response": 15 * MINUTE}, pauses={})
DUE = START + 15 * MINUTE
DAY_LATER = START + timedelta(days=1)
SOUND = [state_step(START, "new", 1), started(START, FIRST, 2, DUE), breach(DUE, 3)]


def faults(steps: Sequence[Step], now: datetime = DAY_LATER) -> str:
    """Everything that differs, in one text."""
    findings, strays = agreement(steps, now)
    return "; ".join([*strays, *(fault for each in findings for fault in each.differences)])


def test_events_that_follow_from_the_records_agree() -> None:
    """Started, due, breached: as recomputed; also read backwards."""
    assert faults(SOUND) == ""
    assert faults(SOUND[::-1]) == ""
    (finding,), _ = agreement(SOUND, DAY_LATER)
    assert (finding.started_seq, finding.breached_seq, finding.agrees) == (2, 3, True)


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        (SOUND[:2], "there is no ticket.sla_breached"),
        ([*SOUND[:2], breach(DUE + MINUTE, 3)], "it fell due at"),
        ([SOUND[0], started(START, FIRST, 2, DUE + MINUTE), SOUND[2]], "it was due at"),
        ([SOUND[0], started(START, FIRST, 2, DUE, started_at="x"), SOUND[2]], "it began at"),
        ([*SOUND, said(START + MINUTE, "staff", "r")], "was recorded after the breach"),
        ([SOUND[0], started(START, FIRST, 2, DUE, begun_by="mx")], "changed what came before"),
        (
            [SOUND[0], replace(SOUND[1], data={**SOUND[1].data, "policy": {"text": {}}})],
            "policy cannot be read",
        ),
        (
            [
                SOUND[0],
                replace(
                    SOUND[1],
                    data={**SOUND[1].data, "policy": {"version": "x", "text": FIRST.plain()}},
                ),
                SOUND[2],
            ],
            "does not have the hash",
        ),
    ],
)
def test_each_disagreement_is_told(steps: Sequence[Step], what: str) -> None:
    """A breach that lacks, is wrong, or came too early; a start that is wrong; a changed policy."""
    assert what in faults(steps)


def test_a_breach_of_this_very_moment_is_not_missed_yet() -> None:
    """Events take a moment to get into the log."""
    assert faults(SOUND[:2], DUE + timedelta(seconds=5)) == ""
    assert "no ticket.sla_breached" in faults(SOUND[:2], DUE + timedelta(minutes=5))


def test_a_policy_survives_its_plain_form() -> None:
    """What an event carries is the whole policy, hash and all."""
    again = Policy.from_plain(PLAIN.plain())
    assert (again, again.version) == (PLAIN, PLAIN.version)
    assert replace(PLAIN, targets={"resolution": MINUTE}).version != PLAIN.version
