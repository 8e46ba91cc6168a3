"""The owner of streams and durables: what they are, making them, checking them."""

from casetrail_runtime.streams.apply import apply_all
from casetrail_runtime.streams.check import StreamsMisconfigured, check_all, require
from casetrail_runtime.streams.specs import (
    AUDIT,
    AUDIT_DURABLE,
    DEAD,
    DURABLES,
    ROUTING_DURABLE,
    STREAMS,
    SUPPORT,
    TICKETS_DURABLE,
    TICKETS_PEOPLE_DURABLE,
    DurableSpec,
    StreamSpec,
    planned,
)

__all__ = [
    "AUDIT",
    "AUDIT_DURABLE",
    "DEAD",
    "DURABLES",
    "ROUTING_DURABLE",
    "STREAMS",
    "SUPPORT",
    "TICKETS_DURABLE",
    "TICKETS_PEOPLE_DURABLE",
    "DurableSpec",
    "StreamSpec",
    "StreamsMisconfigured",
    "apply_all",
    "check_all",
    "planned",
    "require",
]
