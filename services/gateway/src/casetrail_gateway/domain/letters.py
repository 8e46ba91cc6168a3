"""Messages that a service set aside, as the gateway lists them: never what is in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

HERE: Final = "here"
_SERVICES: Final = frozenset({"routing", "tickets"})
"""Services that take back what they set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One of them; `seq` is its number, `stream_sequence` its place on the stream it came from."""

    seq: int
    service: str
    handler: str
    workspace: str
    subject: str
    stream: str
    stream_sequence: int
    reason: str
    num_delivered: int
    set_aside_at: datetime
    bytes_omitted: bool

    @property
    def handled_again(self) -> str:
        """`here`, or the operator's command that gives it another chance."""
        if self.handler == "webhook":
            return f"casetrail webhooks resend {self.seq}"
        if self.service not in _SERVICES or self.bytes_omitted:
            return f"casetrail dead replay {self.seq}"
        return HERE
