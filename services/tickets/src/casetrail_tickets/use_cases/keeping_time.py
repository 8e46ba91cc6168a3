"""The clocks of a ticket kept beside its state: every write says what begins and what fell due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from casetrail_contracts import EVENT_TYPES, Actor, Change, Event
from casetrail_contracts.clocks import (
    TICKET_STEPS,
    Condition,
    History,
    Policy,
    Reading,
    Step,
    taken,
    whole,
)
from casetrail_contracts.ids import derive_id

from casetrail_tickets.domain.levels import Levels, Started, fitting
from casetrail_tickets.domain.ticket import Ticket
from casetrail_tickets.events import SERVICE

LATE: Final = timedelta(minutes=1)
"""A breach that is noticed later than this says so; less is the pace of the look itself."""
_CHOOSES_ANEW: Final = frozenset({"ticket.created", "ticket.priority_changed"})


@dataclass(frozen=True)
class Cause:
    """Why a ticket is written: `id` of the event or command, and what both belong to."""

    workspace: str
    id: str
    correlation_id: str


@dataclass(frozen=True)
class KeepTime:
    """Follows the events of a ticket with those of its clocks, in the same write."""

    policies: Sequence[Policy] = ()

    @property
    def reads_tags(self) -> bool:
        """True when a policy looks at the tags of the case."""
        return any("tag" in policy.when for policy in self.policies)

    def after(
        self,
        ticket: Ticket,
        events: Sequence[Event],
        cause: Cause,
        *,
        version: int,
        now: datetime,
        tags: frozenset[str] = frozenset(),
    ) -> tuple[Ticket, list[Event]]:
        """The ticket and its events with what they mean to its clocks; `version` is the last one.

        `events` are the ticket's own, in order.
        """
        levels = ticket.levels
        history = None if levels is None else levels.history
        for event in events:
            if event.noun_verb == "ticket.created" and not self.policies:
                return ticket, list(events)
            if event.noun_verb in TICKET_STEPS:
                history = taken(history, step_of(event))
        if history is None:
            return ticket, list(events)
        levels = Levels(history) if levels is None else replace(levels, history=history)
        chooses = [event for event in events if event.noun_verb in _CHOOSES_ANEW]
        if chooses:
            cause = replace(cause, id=chooses[-1].id)
            levels = self.choose(ticket, levels, cause.workspace, tags, now)
        after, more = self.settled(replace(ticket, levels=levels), cause, version=version, now=now)
        return after, [*events, *more]

    def choose(
        self, ticket: Ticket, levels: Levels, workspace: str, tags: frozenset[str], now: datetime
    ) -> Levels:
        """The levels under the policy that fits the ticket as it is now."""
        about: dict[Condition, frozenset[str]] = {
            "workspace": frozenset({workspace}),
            "priority": frozenset({ticket.priority}),
            "type": frozenset() if ticket.category is None else frozenset({ticket.category}),
            "tag": tags,
        }
        return levels.under(fitting(self.policies, about), whole(now))

    def settled(
        self, ticket: Ticket, cause: Cause, *, version: int, now: datetime
    ) -> tuple[Ticket, list[Event]]:
        """The ticket with everything told that began or fell due until `now`."""
        levels = ticket.levels
        if levels is None:
            return ticket, []
        events: list[Event] = []
        for started in levels.owed():
            version += 1
            events.append(_started(ticket, started, cause, version))
        levels = replace(
            levels, history=levels.history.promise(each.promise for each in levels.owed())
        )
        broken = levels.broken(now)
        for reading in broken:
            version += 1
            begun = _started_id(
                cause.workspace,
                ticket,
                reading.run.clock,
                reading.run.begun_by,
                levels.history.promised(reading.run).index(reading.broken or reading.promise),
            )
            why = replace(cause, id=begun)
            events.append(_breached(ticket, reading, why, version=version, now=now))
        levels = replace(levels, told=levels.told | {reading.run.key for reading in broken})
        last = levels.history.standings[-1]
        after = replace(
            ticket,
            levels=levels,
            due_at=levels.next_due(now),
            ended_at=last.at if last.ended else None,
        )
        return after, events


def heard(levels: Levels, steps: Iterable[Step]) -> Levels:
    """The levels with what was said in the conversation; the same object when nothing is new."""
    history: History | None = levels.history
    for step in steps:
        history = taken(history, step)
    if history is None or history == levels.history:
        return levels
    return replace(levels, history=history)


def step_of(event: Event) -> Step:
    """An event as the clocks see it."""
    data = event.data.model_dump(mode="json")
    return Step(
        action=event.noun_verb,
        event_id=event.id,
        at=event.time,
        actor_kind=event.data.actor.kind,
        version=event.version,
        data=data,
        changes=data["changes"],
    )


def _started(ticket: Ticket, started: Started, cause: Cause, version: int) -> Event:
    policy, run = started.promise.policy, started.run
    due = started.due_at
    fields = {
        "clock": run.clock,
        "begun_by": run.begun_by,
        "started_at": run.began_at,
        "target_seconds": int(policy.targets[run.clock].total_seconds()),
        "due_at": due,
        "policy": {"name": policy.name, "version": policy.version, "text": policy.plain()},
        "replaces": None if started.replaces is None else _ref(started.replaces),
        "changes": [
            Change(field=f"{run.clock}.due_at", new=None if due is None else due.isoformat())
        ],
    }
    return _event(
        ticket,
        "ticket.sla_started",
        fields,
        policy,
        replace(cause, id=run.begun_by if started.number == 0 else cause.id),
        version=version,
        at=started.promise.at,
        id=_started_id(cause.workspace, ticket, run.clock, run.begun_by, started.number),
    )


def _breached(
    ticket: Ticket, reading: Reading, cause: Cause, *, version: int, now: datetime
) -> Event:
    run, due, promise = reading.run, reading.breached_at, reading.broken
    assert due is not None
    assert promise is not None
    late = whole(now) - due
    fields = {
        "clock": run.clock,
        "begun_by": run.begun_by,
        "started_at": run.began_at,
        "target_seconds": int(promise.policy.targets[run.clock].total_seconds()),
        "due_at": due,
        "noticed_at": whole(now),
        "late_seconds": int(late.total_seconds()) if late > LATE else None,
        "policy": _ref(promise.policy),
        "changes": [Change(field=run.clock, old="running", new="overdue")],
    }
    return _event(
        ticket,
        "ticket.sla_breached",
        fields,
        promise.policy,
        cause,
        version=version,
        at=due,
        id=derive_id(
            cause.workspace, ticket.ticket_id, "ticket.sla_breached", run.clock, run.begun_by
        ),
    )


def _started_id(workspace: str, ticket: Ticket, clock: str, begun_by: str, number: int) -> str:
    return derive_id(workspace, ticket.ticket_id, "ticket.sla_started", clock, begun_by, number)


def _ref(policy: Policy) -> dict[str, str]:
    return {"name": policy.name, "version": policy.version}


def _event(
    ticket: Ticket,
    name: str,
    fields: dict[str, Any],
    policy: Policy,
    cause: Cause,
    *,
    version: int,
    at: datetime,
    id: str,  # noqa: A002 - the attribute's name in CloudEvents
) -> Event:
    model = EVENT_TYPES[name].model
    assert model is not None
    actor = Actor(
        kind="rule",
        id=f"service-level:{policy.name}",
        rule=policy.name,
        rule_version=policy.version,
    )
    return Event.build(
        model.model_validate({**fields, "actor": actor}),
        workspace=cause.workspace,
        source=SERVICE,
        subject=f"ticket/{ticket.ticket_id}",
        time=at,
        id=id,
        correlationid=cause.correlation_id,
        causationid=cause.id,
        sequence=version,
        conversationid=ticket.conversation_id,
        caseid=ticket.case_id,
        ticketid=ticket.ticket_id,
    )
