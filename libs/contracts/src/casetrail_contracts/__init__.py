"""Everything a Casetrail service or subscriber needs to read and write its messages.

Start with `parse_event` for `support.>`, `AuditRecord` for `audit.>`, and `registry` for the list
of what exists. Pydantic only: this package opens no connection and reads no clock.
"""

from casetrail_contracts.commands import Command, CommandReply
from casetrail_contracts.envelope import (
    Actor,
    Change,
    Event,
    EventData,
    MalformedEvent,
    Private,
    parse_event,
)
from casetrail_contracts.records import AuditRecord, RecordKind
from casetrail_contracts.registry import EVENT_TYPES, EventType

__all__ = [
    "EVENT_TYPES",
    "Actor",
    "AuditRecord",
    "Change",
    "Command",
    "CommandReply",
    "Event",
    "EventData",
    "EventType",
    "MalformedEvent",
    "Private",
    "RecordKind",
    "parse_event",
]
