"""What each action makes of a ticket, under the life cycle of its workspace."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from casetrail_tickets.domain.errors import (
    NothingChanges,
    OwnerMissing,
    ReasonMissing,
    ResolutionNoteMissing,
    RoleNotAllowed,
    TransitionNotAllowed,
)
from casetrail_tickets.domain.life_cycle import Guard, LifeCycle, title_of
from casetrail_tickets.domain.ticket import Fact, HandOff, Link, Outcome, Ticket


@dataclass(frozen=True)
class By:
    """Who acts and why, under which life cycle."""

    cycle: LifeCycle
    user_id: str
    role: str
    reason: str | None = None

    def pass_guard(self, guard: Guard, ticket: Ticket, what: str) -> None:
        """Nothing, when the guard lets this pass.

        Raises:
            RoleNotAllowed, ReasonMissing, OwnerMissing: what the guard asks for lacks.
        """
        if guard.roles and self.role not in guard.roles:
            raise RoleNotAllowed(f"To {what} is for the roles {', '.join(sorted(guard.roles))}.")
        if "reason" in guard.needs and (self.reason is None or not _says_something(self.reason)):
            raise ReasonMissing(f"To {what} needs a reason: give one, then try again.")
        if "owner" in guard.needs and ticket.owner is None:
            raise OwnerMissing(f"To {what} somebody must own the ticket: assign it first.")


def change_status(ticket: Ticket, new: str, by: By) -> Outcome:
    """The ticket moved to another working state.

    Raises:
        TransitionNotAllowed: names the states it can go to, or the action that leads there.
    """
    cycle = by.cycle
    if new not in cycle.kinds:
        raise TransitionNotAllowed(
            f"{new!r} is no state of the life cycle {cycle.name!r}; its states are: "
            f"{', '.join(cycle.kinds)}."
        )
    by_action = _action_to(cycle, new)
    ways = cycle.ways(ticket.status)
    if new not in ways:
        if by_action is not None:
            raise TransitionNotAllowed(
                f"{title_of(new)} is not set by a status change: {by_action}."
            )
        listed = ", ".join(sorted(map(title_of, ways))) or "none (reopen it first)"
        raise TransitionNotAllowed(
            f"A ticket that is {title_of(ticket.status)} cannot become {title_of(new)}; it can "
            f"become: {listed}."
        )
    by.pass_guard(ways[new], ticket, f"move the ticket to {title_of(new)}")
    return replace(ticket, status=new), (_moved(cycle, ticket.status, new, by.reason),)


def hand_off(ticket: Ticket, to: HandOff, by: By) -> Outcome:
    """The ticket is with somebody outside, and waits for them from now on.

    Raises:
        TransitionNotAllowed: nobody works on it (new, resolved or closed).
    """
    cycle = by.cycle
    _must_be_worked_on(ticket, cycle, "handed off")
    by.pass_guard(cycle.guard("hand_off"), ticket, "hand a ticket off")
    handed = Fact(
        "ticket.handed_off",
        vars(to),
        (("custody", None if ticket.hand_off is None else ticket.hand_off.to, to.to),),
        by.reason,
    )
    moved = (
        ()
        if ticket.status == cycle.outside
        else (_moved(cycle, ticket.status, cycle.outside, by.reason),)
    )
    return replace(ticket, status=cycle.outside, hand_off=to), (*moved, handed)


def chase(ticket: Ticket, expected_at: str | None, by: By) -> Outcome:
    """Whoever outside has the ticket was asked where it stays; they may have promised anew.

    Raises:
        TransitionNotAllowed: nobody outside has it.
    """
    known = ticket.hand_off
    if known is None or ticket.status != by.cycle.outside:
        raise TransitionNotAllowed(
            f"Nobody outside has the ticket, it is {title_of(ticket.status)}: hand it off first."
        )
    asked = replace(
        known,
        expected_at=known.expected_at if expected_at is None else expected_at,
        chased=(known.chased or 0) + 1,
    )
    changes: list[tuple[str, Any, Any]] = [("chased", known.chased or 0, asked.chased)]
    if asked.expected_at != known.expected_at:
        changes.append(("expected_at", known.expected_at, asked.expected_at))
    fact = Fact("ticket.handed_off", vars(asked), tuple(changes), by.reason)
    return replace(ticket, hand_off=asked), (fact,)


def add_note(ticket: Ticket, note: str, note_id: str) -> Outcome:
    """The ticket with one more note, in any state: what is known is always worth writing."""
    fact = Fact("ticket.note_added", {"note_id": note_id}, private={"note": note})
    return replace(ticket, notes=ticket.notes + 1), (fact,)


def assign(ticket: Ticket, owner: str | None, owner_name: str | None, by: By) -> Outcome:
    """The ticket with another owner, or with none; its case keeps its own.

    Raises:
        NothingChanges: it is theirs already.
        TransitionNotAllowed: it is closed.
    """
    if by.cycle.kind(ticket.status) == "closed":
        raise TransitionNotAllowed("A closed ticket has no new owner: reopen it first.")
    if owner == ticket.owner:
        whose = "nobody owns it" if owner is None else f"it is with {owner} already"
        raise NothingChanges(f"There is nothing to assign: {whose}.")
    fact = Fact(
        "ticket.assigned",
        {"owner": owner, "owner_name": owner_name, "previous_owner": ticket.owner},
        (("owner", ticket.owner, owner),),
        by.reason,
    )
    return replace(ticket, owner=owner), (fact,)


def change_priority(ticket: Ticket, new: str, by: By) -> Outcome:
    """The ticket with another priority, in any state.

    Raises:
        NothingChanges: it has that priority.
    """
    if new == ticket.priority:
        raise NothingChanges(f"The priority is {new} already.")
    fact = Fact(
        "ticket.priority_changed",
        {"old": ticket.priority, "new": new},
        (("priority", ticket.priority, new),),
        by.reason,
    )
    return replace(ticket, priority=new), (fact,)


def link(ticket: Ticket, to: Link, conversation_id: str | None, by: By) -> Outcome:
    """The ticket tied to one other case or ticket.

    Raises:
        NothingChanges: it is tied to that already, or it is the ticket itself or its own case.
    """
    if to.target in {f"ticket/{ticket.ticket_id}", f"case/{ticket.case_id}"}:
        raise NothingChanges(f"{to.target.partition('/')[2]} is where the ticket stands already.")
    if any(known.target == to.target for known in ticket.links):
        raise NothingChanges(f"It is linked to {to.target.partition('/')[2]} already.")
    fact = Fact(
        "ticket.linked",
        {**vars(to), "target_conversation_id": conversation_id},
        (("links", None, to.target),),
        by.reason,
    )
    return replace(ticket, links=(*ticket.links, to)), (fact,)


def resolve(ticket: Ticket, note: str | None, by: By) -> Outcome:
    """The ticket is resolved, with the note that says how.

    Raises:
        ResolutionNoteMissing: no note, or only white space.
        TransitionNotAllowed: nobody works on it.
    """
    _must_be_worked_on(ticket, by.cycle, "resolved")
    if note is None or not _says_something(note):
        raise ResolutionNoteMissing
    by = replace(by, reason=note)
    by.pass_guard(by.cycle.guard("resolve"), ticket, "resolve a ticket")
    resolved = by.cycle.only("resolved")
    fact = Fact(
        "ticket.resolved",
        {"old": ticket.status},
        (("status", ticket.status, resolved),),
        private={"resolution_note": note.strip()},
    )
    return replace(ticket, status=resolved, resolved_by=by.user_id), (fact,)


def close(ticket: Ticket, note: str | None, by: By) -> Outcome:
    """The ticket is closed; one that is not resolved yet is resolved by the note given here.

    Raises:
        ResolutionNoteMissing: it is not resolved and no note is given.
        TransitionNotAllowed: it is closed already, or nobody works on it.
    """
    if by.cycle.kind(ticket.status) == "closed":
        raise TransitionNotAllowed("The ticket is closed already.")
    facts: tuple[Fact, ...] = ()
    if by.cycle.kind(ticket.status) != "resolved":
        ticket, facts = resolve(ticket, note, by)
    elif note is not None and _says_something(note):
        ticket, facts = add_note(ticket, note.strip(), "closing")
    said = note if note is not None else by.reason
    replace(by, reason=said or "resolved before").pass_guard(
        by.cycle.guard("close"), ticket, "close a ticket"
    )
    closed = by.cycle.only("closed")
    fact = Fact("ticket.closed", {"old": ticket.status}, (("status", ticket.status, closed),))
    return replace(ticket, status=closed), (*facts, fact)


def reopen(ticket: Ticket, by: By) -> Outcome:
    """The resolved or closed ticket goes on.

    Raises:
        TransitionNotAllowed: it is neither resolved nor closed.
    """
    if by.cycle.kind(ticket.status) not in {"resolved", "closed"}:
        raise TransitionNotAllowed(
            f"Only a resolved or closed ticket is reopened; this one is {title_of(ticket.status)}."
        )
    by.pass_guard(by.cycle.guard("reopen"), ticket, "reopen a ticket")
    back = by.cycle.reopened
    fact = Fact(
        "ticket.reopened", {"old": ticket.status}, (("status", ticket.status, back),), by.reason
    )
    return replace(ticket, status=back, resolved_by=None, reopened=ticket.reopened + 1), (fact,)


def _must_be_worked_on(ticket: Ticket, cycle: LifeCycle, done: str) -> None:
    kind = cycle.kind(ticket.status)
    if kind == "working":
        return
    begun = ", ".join(sorted(map(title_of, cycle.ways(cycle.initial))))
    advice = f"move it to {begun} first" if kind == "new" else "reopen it first"
    raise TransitionNotAllowed(
        f"A ticket that is {title_of(ticket.status)} cannot be {done}: {advice}."
    )


def _action_to(cycle: LifeCycle, state: str) -> str | None:
    match cycle.kind(state):
        case "resolved":
            return "resolve it with a resolution note"
        case "closed":
            return "close it (a resolution note is needed)"
        case _ if state == cycle.reopened:
            return "reopen it with a reason"
        case _:
            return None


def _says_something(note: str) -> bool:
    """True when a reader sees anything: a letter, digit, sign or mark, not only white space."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in note)


def _moved(cycle: LifeCycle, old: str, new: str, reason: str | None) -> Fact:
    fields = {"old": old, "new": new, "outside": True if new == cycle.outside else None}
    return Fact(
        "ticket.status_changed",
        {**fields, "life_cycle": {"name": cycle.name, "version": cycle.version}},
        (("status", old, new),),
        reason,
    )
