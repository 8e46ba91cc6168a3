"""What the log holds for each stream sequence, and what is published of it on `audit.>`."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import Actor, Change, Open

RecordKind = Literal["event", "duplicate", "gap", "poison"]
"""event: the first copy of an event. duplicate: a later copy. gap: a sequence the stream no longer
has. poison: a message that is no event, kept as bytes."""


class AuditRecord(Open):
    """A record of the log as other systems get it: the public part of the event, and its place.

    It is the CloudEvents envelope of the event with `private` replaced by `commitments` (one salted
    SHA-256 per personal field), plus: `seq`, the place in the log; `leaf`, the RFC 6962 leaf hash
    (hex) of the record's canonical JSON; `recordedtime`, when JetStream took it; `kind`. For kinds
    other than `event` the envelope's attributes may be missing and `problem`/`of` say why.
    """

    seq: int = Field(ge=1)
    leaf: str = Field(pattern=r"^[0-9a-f]{64}$")
    kind: RecordKind = "event"
    recordedtime: AwareDatetime
    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str | None = None
    time: AwareDatetime | None = None
    workspace: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    sequence: str | None = None
    conversationid: str | None = None
    caseid: str | None = None
    ticketid: str | None = None
    data: dict[str, Any] | None = None
    commitments: dict[str, str] = Field(default_factory=dict)
    of: int | None = None
    """duplicate: the sequence of the first copy."""
    problem: str | None = None
    """gap, poison: why."""

    @property
    def actor(self) -> Actor | None:
        """Who did it, when the record is an event's."""
        value = (self.data or {}).get("actor")
        return None if value is None else Actor.model_validate(value)

    @property
    def changes(self) -> list[Change]:
        """Old → new, when the record is an event's."""
        return [Change.model_validate(change) for change in (self.data or {}).get("changes", [])]
