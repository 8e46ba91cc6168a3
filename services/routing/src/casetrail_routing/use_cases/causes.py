"""Why something happens: the event or command that events to come are derived from."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Actor, Command, Event

from casetrail_routing.domain.facts import RuleRef

SERVICE: Final = "routing"


def routing_itself() -> Actor:
    """Routing as the actor, when no person and no rule decided."""
    return Actor(kind="service", id=SERVICE)


def by_rule(rule: RuleRef) -> Actor:
    """Routing as the actor, by this rule; nobody asked for what it does."""
    return Actor(kind="service", id=SERVICE, rule=rule.name, rule_version=rule.version)


@dataclass(frozen=True)
class Cause:
    """What the events of one write have in common.

    `private` values go on the first event of the write: what a person typed with a command, a
    reason or a note, may name the customer.
    """

    id: str
    workspace: str
    at: datetime
    correlation_id: str | None = None
    actor: Actor = field(default_factory=routing_itself)
    on_behalf_of: Actor | None = None
    private: dict[str, Any] = field(default_factory=dict)
    rule: RuleRef | None = None
    """By which routing acts, when the facts themselves name none."""


def of_event(event: Event, at: datetime) -> Cause:
    """An event as the cause: routing acts by itself, `at` this time."""
    correlation = event.id if event.correlationid is None else event.correlationid
    return Cause(event.id, event.workspace, at, correlation)


def of_command(
    command: Command, at: datetime, *, reason: str | None = None, note: str | None = None
) -> Cause:
    """A command as the cause: its author acts."""
    return Cause(
        id=command.id,
        workspace=command.workspace,
        at=at,
        correlation_id=command.id if command.correlation_id is None else command.correlation_id,
        actor=command.actor,
        on_behalf_of=command.on_behalf_of,
        private={
            name: value for name, value in (("reason", reason), ("note", note)) if value is not None
        },
    )
