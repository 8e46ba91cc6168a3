"""The NATS subjects, streams and durables of Casetrail, spelled in one place."""

import re
from functools import lru_cache
from typing import Final

SUPPORT: Final = "SUPPORT"
"""Stream of what happened: every service publishes here, its sequence numbers the log."""
AUDIT: Final = "AUDIT"
"""Stream of what is recorded: other systems subscribe here."""
DEAD: Final = "DEAD"
"""Stream of messages a handler could not take, with their original bytes."""

SUPPORT_SUBJECTS: Final = "support.>"
AUDIT_SUBJECTS: Final = "audit.>"
DEAD_SUBJECTS: Final = "dead.>"
CHECKPOINT_SUBJECT: Final = "audit.checkpoint"

AUDIT_DURABLE: Final = "audit"
ROUTING_DURABLE: Final = "routing"
TICKETS_DURABLE: Final = "tickets"
TICKETS_PEOPLE_DURABLE: Final = "tickets-people"

_TOKEN = re.compile(r"[a-z0-9_-]+")


class InvalidSubjectToken(ValueError):
    """A workspace, noun, verb or service name that cannot stand between the dots of a subject."""


def token(value: str) -> str:
    """The value itself when it can be one token of a subject: `[a-z0-9_-]+`.

    Raises:
        InvalidSubjectToken: for anything else; ids that contain dots (business-scoped user ids) or
            wildcards never enter a subject.
    """
    if _TOKEN.fullmatch(value) is None:
        raise InvalidSubjectToken(f"{value!r} cannot be part of a subject: use only a-z 0-9 _ -")
    return value


@lru_cache(maxsize=4096)
def support_subject(workspace: str, noun: str, verb: str) -> str:
    """The subject an event is published on, e.g. `support.main.conversation.assigned`."""
    return f"support.{token(workspace)}.{token(noun)}.{token(verb)}"


def audit_subject(workspace: str, noun: str, verb: str) -> str:
    """The subject a stored record is published on, e.g. `audit.main.conversation.assigned`."""
    return f"audit.{token(workspace)}.{token(noun)}.{token(verb)}"


def command_subject(service: str, verb: str) -> str:
    """The request/reply subject of a command, e.g. `command.routing.assign`."""
    return f"command.{token(service)}.{token(verb)}"


def dead_subject(service: str, handler: str) -> str:
    """The subject a message is set aside on, e.g. `dead.routing.routing`."""
    return f"dead.{token(service)}.{token(handler)}"
