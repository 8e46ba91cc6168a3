"""What a ticket may do, on every path, under the life cycle that ships."""

from dataclasses import replace

import pytest
from casetrail_tickets.adapters.life_cycles_yaml import load_life_cycles
from casetrail_tickets.domain import actions
from casetrail_tickets.domain.actions import By
from casetrail_tickets.domain.errors import (
    NothingChanges,
    Refused,
    ResolutionNoteMissing,
    TransitionNotAllowed,
)
from casetrail_tickets.domain.life_cycle import title_of
from casetrail_tickets.domain.ticket import Fact, HandOff, Link, Outcome, Ticket
from hypothesis import given
from hypothesis import strategies as st

CYCLE = load_life_cycles(None).of("main")
STATES = list(CYCLE.kinds)
WORKING = [state for state in STATES if CYCLE.kind(state) == "working"]
NEW = Ticket("T-1001", "cv_a", "CASE-1001", "new", "normal")
COURIER = HandOff("courier", "TCS-88121", "2026-11-23T12:00:00+00:00")


def by(reason: str | None = None, role: str = "agent") -> By:
    """Agent A acts."""
    return By(CYCLE, "a", role, reason)


def at(status: str) -> Ticket:
    """A ticket in this state."""
    return replace(NEW, status=status)


def names(facts: tuple[Fact, ...]) -> list[str]:
    """What happened, in order."""
    return [fact.name for fact in facts]


def test_the_story_of_a_lost_parcel() -> None:
    """In Progress → Awaiting Courier with the hand-off, then resolved and closed."""
    ticket, _ = actions.change_status(NEW, "in_progress", by())
    ticket, facts = actions.hand_off(ticket, COURIER, by())
    assert names(facts) == ["ticket.status_changed", "ticket.handed_off"]
    assert facts[0].changes == (("status", "in_progress", "awaiting_courier"),)
    assert ticket.hand_off == COURIER
    ticket, facts = actions.resolve(ticket, " courier confirmed delivery ", by())
    assert facts[0].private == {"resolution_note": "courier confirmed delivery"}
    ticket, facts = actions.close(ticket, None, by())
    assert names(facts) == ["ticket.closed"]
    assert ticket.status == "closed"


def test_a_courier_is_chased_while_it_has_the_ticket() -> None:
    """How often, and what they promise now; nobody else can be asked."""
    ticket, _ = actions.hand_off(at("in_progress"), COURIER, by())
    ticket, (fact,) = actions.chase(ticket, None, by("they were out"))
    assert fact.name == "ticket.handed_off"
    assert fact.changes == (("chased", 0, 1),)
    later = "2026-11-25T12:00:00+00:00"
    ticket, (fact,) = actions.chase(ticket, later, by())
    assert ticket.hand_off == replace(COURIER, expected_at=later, chased=2)
    assert fact.changes == (("chased", 1, 2), ("expected_at", COURIER.expected_at, later))
    assert ticket.status == "awaiting_courier"
    for other in (at("in_progress"), replace(ticket, status="awaiting_customer")):
        with pytest.raises(TransitionNotAllowed, match="hand it off first"):
            actions.chase(other, None, by())


@pytest.mark.parametrize("note", [None, "", "   ", "\n\t", "\u200b", "\u200f\u00a0"])
def test_nothing_ends_without_a_note(note: str | None) -> None:
    """Resolving and closing both refuse an empty note, from every working state."""
    for status in WORKING:
        with pytest.raises(ResolutionNoteMissing, match="resolution note is required"):
            actions.resolve(at(status), note, by())
        with pytest.raises(ResolutionNoteMissing):
            actions.close(at(status), note, by())


def test_closing_with_a_note_resolves_first() -> None:
    """One command, two events: the note is never skipped."""
    ticket, facts = actions.close(at("in_progress"), "refunded", by())
    assert names(facts) == ["ticket.resolved", "ticket.closed"]
    assert ticket.status == "closed"
    assert facts[1].changes == (("status", "resolved", "closed"),)


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("new", STATES)
def test_a_status_change_follows_the_life_cycle(status: str, new: str) -> None:
    """Every pair of states is either a move that is recorded or a refusal that says what to do."""
    if new in CYCLE.ways(status):
        ticket, (fact,) = actions.change_status(at(status), new, by("why"))
        assert (ticket.status, fact.reason) == (new, "why")
        assert (fact.fields["old"], fact.fields["new"]) == (status, new)
        assert fact.fields["life_cycle"] == {"name": "default", "version": CYCLE.version}
        assert fact.fields["outside"] is (True if new == "awaiting_courier" else None)
    else:
        with pytest.raises(TransitionNotAllowed) as refused:
            actions.change_status(at(status), new, by())
        assert refused.value.detail.endswith(".")
        assert title_of(new) in refused.value.detail


def test_a_state_nobody_laid_down_is_refused_with_those_there_are() -> None:
    """A typing mistake gets the list."""
    with pytest.raises(TransitionNotAllowed, match=r"'on_ice' is no state .* awaiting_courier"):
        actions.change_status(NEW, "on_ice", by())


def test_only_the_ended_is_reopened() -> None:
    """Reopening counts and goes on where work goes on."""
    for status in ("resolved", "closed"):
        ticket, (fact,) = actions.reopen(at(status), by("it came back"))
        assert (ticket.status, ticket.reopened, fact.reason) == ("reopened", 1, "it came back")
    for status in set(STATES) - {"resolved", "closed"}:
        with pytest.raises(TransitionNotAllowed):
            actions.reopen(at(status), by("why"))


def test_a_ticket_survives_storing() -> None:
    """What is stored is what is read."""
    ticket, _ = actions.hand_off(at("in_progress"), COURIER, by())
    ticket, _ = actions.assign(ticket, "agent:b", "Agent B", by())
    ticket, _ = actions.link(ticket, Link("case/CASE-1002", "concerns"), "cv_b", by())
    assert Ticket.from_document(ticket.to_document()) == ticket


def test_a_ticket_stored_by_an_earlier_version_is_read() -> None:
    """Fields that came later have their first value."""
    stored = NEW.to_document()
    for later in ("owner", "links"):
        del stored[later]
    assert Ticket.from_document(stored) == NEW


def test_a_ticket_has_an_owner_of_its_own() -> None:
    """Given, taken away, and not given twice; not while it is closed."""
    ticket, (fact,) = actions.assign(NEW, "agent:b", "Agent B", by("knows the courier"))
    assert ticket.owner == "agent:b"
    assert fact.changes == (("owner", None, "agent:b"),)
    with pytest.raises(NothingChanges, match="agent:b already"):
        actions.assign(ticket, "agent:b", "Agent B", by())
    ticket, (fact,) = actions.assign(ticket, None, None, by())
    assert (ticket.owner, fact.fields["previous_owner"]) == (None, "agent:b")
    with pytest.raises(NothingChanges, match="nobody owns it"):
        actions.assign(ticket, None, None, by())
    with pytest.raises(TransitionNotAllowed, match="reopen it first"):
        actions.assign(at("closed"), "agent:b", "Agent B", by())


def test_a_priority_changes_in_any_state() -> None:
    """Old and new are told; the same again is no event."""
    for state in STATES:
        ticket, (fact,) = actions.change_priority(at(state), "urgent", by("wedding"))
        assert (ticket.priority, fact.changes) == ("urgent", (("priority", "normal", "urgent"),))
    with pytest.raises(NothingChanges):
        actions.change_priority(NEW, "normal", by())


def test_a_link_is_made_once_and_never_to_itself() -> None:
    """To another case or ticket."""
    ticket, (fact,) = actions.link(NEW, Link("case/CASE-1002", "concerns"), "cv_b", by())
    assert fact.fields["target_conversation_id"] == "cv_b"
    ticket, _ = actions.link(ticket, Link("ticket/T-1002", "follows"), None, by())
    assert [link.target for link in ticket.links] == ["case/CASE-1002", "ticket/T-1002"]
    for target in ("case/CASE-1002", "ticket/T-1001", "case/CASE-1001"):
        with pytest.raises(NothingChanges):
            actions.link(ticket, Link(target, "concerns"), None, by())


FIELDS = ("status", "owner", "priority", "custody")


def fold(facts: list[Fact]) -> dict[str, object]:
    """The values that the recorded changes lead to; each change begins where the last ended."""
    values: dict[str, object] = {
        "status": "new",
        "owner": None,
        "priority": "normal",
        "custody": None,
    }
    for fact in facts:
        for name, old, new in fact.changes:
            if name in FIELDS:
                assert old == values[name]
                values[name] = new
    return values


taken_actions = st.sampled_from(
    [
        *(lambda t, s=status: actions.change_status(t, s, by()) for status in STATES),
        *(lambda t, o=o: actions.assign(t, o, None, by()) for o in (None, "agent:a", "agent:b")),
        *(lambda t, p=p: actions.change_priority(t, p, by()) for p in ("normal", "urgent")),
        lambda t: actions.hand_off(t, COURIER, by()),
        lambda t: actions.add_note(t, "note", "n"),
        lambda t: actions.resolve(t, "done", by()),
        lambda t: actions.resolve(t, "", by()),
        lambda t: actions.close(t, None, by()),
        lambda t: actions.close(t, "done", by()),
        lambda t: actions.reopen(t, by("why")),
    ]
)


@given(st.lists(taken_actions, max_size=40))
def test_the_state_is_the_fold_of_what_happened(taken: list[object]) -> None:
    """INVARIANT I5: whatever is tried, the ticket is the fold of its facts; each end has a note."""
    ticket, told = NEW, list[Fact]()
    for action in taken:
        try:
            outcome: Outcome = action(ticket)  # type: ignore[operator]
        except Refused:
            continue
        ticket, facts = outcome
        assert facts
        told.extend(facts)
    assert fold(told) == {
        "status": ticket.status,
        "owner": ticket.owner,
        "priority": ticket.priority,
        "custody": None if ticket.hand_off is None else ticket.hand_off.to,
    }
    for fact in told:
        if fact.name == "ticket.resolved":
            assert fact.private is not None
            assert fact.private["resolution_note"]
    ends = sum(fact.name == "ticket.closed" for fact in told)
    assert sum(fact.name == "ticket.resolved" for fact in told) >= min(ends, 1)


@pytest.mark.parametrize(
    ("state", "advice"),
    [("resolved", "resolve it"), ("closed", "close it"), ("reopened", "reopen it")],
)
def test_action_states_are_not_set_by_a_status_change(state: str, advice: str) -> None:
    """Each says which action leads there."""
    with pytest.raises(TransitionNotAllowed, match=advice):
        actions.change_status(at("in_progress"), state, by())
