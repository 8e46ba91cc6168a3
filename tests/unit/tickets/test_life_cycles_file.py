"""Life cycles from a file: what ships, what a team may lay down, and what a file is told."""

from pathlib import Path

import pytest
from casetrail_runtime.yaml_file import FileInvalid
from casetrail_tickets.adapters.life_cycles_yaml import load_life_cycles, parse_life_cycles
from casetrail_tickets.domain import actions
from casetrail_tickets.domain.actions import By
from casetrail_tickets.domain.errors import (
    OwnerMissing,
    ReasonMissing,
    RoleNotAllowed,
    TransitionNotAllowed,
)
from casetrail_tickets.domain.life_cycle import faults
from casetrail_tickets.domain.ticket import HandOff, Ticket

WORKSHOP = """\
life_cycles:
  default:
    states:
      new: {kind: new}
      doing: {kind: working}
      back: {kind: working, reopened: true}
      at_supplier: {kind: working, outside: true}
      done: {kind: resolved}
      filed: {kind: closed}
    moves:
      new: [doing]
      doing: [{to: at_supplier, needs: [reason, owner], roles: [lead, admin]}]
      at_supplier: [doing]
      back: [doing]
    actions:
      close: {roles: [lead]}
  quick:
    states:
      new: {kind: new}
      doing: {kind: working, reopened: true, outside: true}
      done: {kind: resolved}
      filed: {kind: closed}
    moves: {new: [doing]}
workspaces:
  returns: quick
"""


def ticket(status: str, owner: str | None = None) -> Ticket:
    """A ticket in this state."""
    return Ticket("T-1001", "cv_a", "CASE-1001", status, "normal", owner=owner)


def test_the_one_that_ships_holds_together() -> None:
    """Every state is reached and leads on to closed; its version is a hash."""
    cycle = load_life_cycles(None).of("main")
    assert faults(cycle) == []
    assert cycle.version.startswith("sha256:")
    assert (cycle.initial, cycle.outside, cycle.reopened) == ("new", "awaiting_courier", "reopened")


def test_a_workspace_follows_its_own() -> None:
    """One named for it, else `default`; the version follows the rules, not the comments."""
    cycles = parse_life_cycles(WORKSHOP, "cycles.yaml")
    assert cycles.of("returns").name == "quick"
    assert cycles.of("main").name == "default"
    again = parse_life_cycles("# said twice\n" + WORKSHOP, "cycles.yaml")
    assert again.of("main").version == cycles.of("main").version
    other = parse_life_cycles(WORKSHOP.replace("roles: [lead]", "roles: [admin]"), "cycles.yaml")
    assert other.of("main").version != cycles.of("main").version


def test_guards_hold_and_say_what_is_missing() -> None:
    """Role, then reason, then owner."""
    cycle = parse_life_cycles(WORKSHOP, "cycles.yaml").of("main")
    with pytest.raises(RoleNotAllowed, match="admin, lead"):
        actions.change_status(ticket("doing"), "at_supplier", By(cycle, "a", "agent", "part"))
    with pytest.raises(ReasonMissing, match="At Supplier needs a reason"):
        actions.change_status(ticket("doing"), "at_supplier", By(cycle, "l", "lead"))
    with pytest.raises(OwnerMissing, match="assign it first"):
        actions.change_status(ticket("doing"), "at_supplier", By(cycle, "l", "lead", "part"))
    moved, (fact,) = actions.change_status(
        ticket("doing", "agent:a"), "at_supplier", By(cycle, "l", "lead", "part")
    )
    assert (moved.status, fact.fields["outside"]) == ("at_supplier", True)
    with pytest.raises(RoleNotAllowed):
        actions.close(ticket("doing"), "mended", By(cycle, "a", "agent"))
    closed, facts = actions.close(ticket("doing"), "mended", By(cycle, "l", "lead"))
    assert (closed.status, [fact.name for fact in facts]) == (
        "filed",
        ["ticket.resolved", "ticket.closed"],
    )
    assert facts[0].changes == (("status", "doing", "done"),)
    back, _ = actions.reopen(closed, By(cycle, "a", "agent", "broke again"))
    assert back.status == "back"


def test_a_state_of_an_earlier_file_can_be_left() -> None:
    """A ticket that stands where no state is any more is led to any working one, or resolved."""
    cycle = parse_life_cycles(WORKSHOP, "cycles.yaml").of("main")
    lost = ticket("awaiting_customer")
    moved, _ = actions.change_status(lost, "doing", By(cycle, "a", "agent"))
    assert moved.status == "doing"
    assert actions.resolve(lost, "sent", By(cycle, "a", "agent"))[0].status == "done"
    handed, _ = actions.hand_off(lost, HandOff("supplier"), By(cycle, "a", "agent"))
    assert handed.status == "at_supplier"
    with pytest.raises(TransitionNotAllowed):
        actions.reopen(lost, By(cycle, "a", "agent", "why"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("life_cycles:", "cycles:", "line 1: the file has no 'cycles'"),
        ("  default:", "  usual:", "line 2: life_cycles needs one that is named 'default'"),
        (
            "new: {kind: new}\n      doing",
            "new: {kind: fresh}\n      doing",
            "line 4: kind 'fresh'",
        ),
        ("back: {kind: working, reopened: true}", "Back: {kind: working}", "line 6: state 'Back'"),
        ("done: {kind: resolved}", "done: {kind: working}", "kind resolved, and has 0"),
        (", outside: true}\n      done", "}\n      done", "one state that is outside, and has 0"),
        ("reopened: true}", "reopened: maybe}", "line 6: reopened must be true or false"),
        ("filed: {kind: closed}", "filed: {kind: closed, outside: true}", "of the kind working"),
        ("new: [doing]", "new: [done]", "line 11: a move leads to a working state, which 'done'"),
        ("new: [doing]", "new: [doing, doing]", "line 11: the move from new to doing is there"),
        ("new: [doing]", "new: []", "line 11: 'moves from new' must be a list"),
        ("new: [doing]", "done: [doing]", "line 11: moves lead from new, doing"),
        ("needs: [reason, owner]", "needs: [luck]", "line 12: needs: 'luck' is none of reason"),
        ("roles: [lead, admin]", "roles: [boss]", "line 12: roles: 'boss' is none of agent"),
        ("close: {roles", "fold: {roles", "line 16: action 'fold' is none of resolve"),
        ("returns: quick", "returns: slow", "line 25: 'slow' is none of default, quick"),
        ("new: [doing]", "new: [at_supplier]", "no way leads to"),
        ("life_cycles:", "life_cycles: [", "line "),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, problem: str) -> None:
    """A file that cannot be used says where and why; all faults at once."""
    text = WORKSHOP.replace(old, new, 1)
    assert text != WORKSHOP
    if problem == "no way leads to":
        text = text.replace("at_supplier: [doing]", "at_supplier: [back]")
        text = text.replace("back: [doing]", "back: [at_supplier]").replace(
            "doing: [{to: at_supplier, needs: [reason, owner], roles: [lead, admin]}]",
            "doing: [at_supplier]",
        )
    with pytest.raises(FileInvalid) as refused:
        parse_life_cycles(text, "cycles.yaml")
    assert any(problem in each for each in refused.value.problems), refused.value.problems
    assert str(refused.value).startswith("cycles.yaml: line ")


def test_an_empty_or_missing_file_is_told() -> None:
    """Both with what to do."""
    with pytest.raises(FileInvalid, match="it needs `life_cycles:`"):
        parse_life_cycles("", "cycles.yaml")
    with pytest.raises(FileInvalid, match="cannot be read"):
        load_life_cycles(Path("/nowhere/cycles.yaml"))
