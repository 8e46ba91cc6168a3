"""Attempts that were refused."""

from typing import ClassVar

from casetrail_contracts.envelope import EventData


class CommandRejected(EventData):
    """Somebody tried something and was told no: who, what, on what, and why not."""

    type_name: ClassVar[str] = "command.rejected"

    command: str
    """`service.verb`, e.g. `tickets.close`."""
    command_id: str
    target: str
    """The aggregate it was aimed at, e.g. `ticket/T-1001`."""
    code: str
    """Stable slug, e.g. `resolution-note-missing`."""
    detail: str
    refused_by: str
