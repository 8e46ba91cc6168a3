"""A record and what its reader may read: what every sentence is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casetrail_gateway.domain.log import Record
from casetrail_gateway.domain.words import quoted, text_of


@dataclass(frozen=True, slots=True)
class Told:
    """A record and what its reader may read."""

    record: Record
    reads_text: bool

    @property
    def data(self) -> Mapping[str, Any]:
        """The typed fields of the event."""
        return self.record.data

    @property
    def reason(self) -> str | None:
        """Why, as far as the reader may know."""
        return self.record.why(reads_text=self.reads_text)

    @property
    def ticket(self) -> str:
        """`Ticket T-1001`."""
        return f"Ticket {self.record.ticket_id or ''}".rstrip()

    def quote(self, key: str, *, empty: str) -> str:
        """`: «…»`, or in brackets why there are no words to show."""
        if self.record.lost(key):
            return ""  # `summary` says so
        if not self.reads_text:
            return " (text not shown to programs)"
        value = text_of(self.record.private, key)
        return f" ({empty})" if value is None else f": {quoted(value)}"


Sentence = Callable[[Told], str]
