"""The envelope of every message: CloudEvents 1.0, structured JSON.

Source: CloudEvents core specification 1.0.2 and its JSON event format; the extension attributes
`correlationid`, `causationid` and `sequence` follow the CloudEvents extensions of these names.
`private` holds everything personal and is not a CloudEvents attribute type on purpose: a generic
reader passes it on untouched.
"""

import base64
import os
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_serializer,
    model_validator,
)

from casetrail_contracts.subjects import support_subject

CONTENT_TYPE: Final = "application/cloudevents+json"
SPEC_VERSION: Final = "1.0"

ActorKind = Literal[
    "customer", "agent", "lead", "reviewer", "admin", "service", "rule", "integration", "unknown"
]


class MalformedEvent(ValueError):
    """Bytes that are not an event; the message says where, never with the personal content."""


class Open(BaseModel):
    """A model that keeps fields it does not know, so that they survive a round trip."""

    model_config = ConfigDict(extra="allow")


class Actor(Open):
    """Who did it: a person, a rule of a service, the customer, or honestly unknown."""

    kind: ActorKind
    id: str
    name: str | None = None
    rule: str | None = None
    rule_version: str | None = None


class Change(Open):
    """One field's old and new value; values are public, personal ones stand in `private`."""

    field: str
    old: Any = None
    new: Any = None


def _absent(value: object) -> bool:
    return value is None


class EventData(Open):
    """The part of an event that every type has; the types of `registry` add their own fields."""

    type_name: ClassVar[str] = ""
    """`noun.verb`, set by each subclass."""

    actor: Actor
    on_behalf_of: Actor | None = None
    changes: list[Change] = Field(default_factory=list)
    reason: str | None = None
    rule_text: str | None = Field(default=None, exclude_if=_absent)
    """The rule that decided as it stood then, in full: `actor.rule_version` is its SHA-256."""


def fresh_salt() -> str:
    """32 random bytes in base64: the salt of one event's commitments."""
    return base64.b64encode(os.urandom(32)).decode()


class Private(Open):
    """Personal values of an event, with the salt of their commitments; erasable.

    `salt` is 32 random bytes in base64. `Event.build` makes it; a foreign event may lack it.
    """

    salt: str | None = None


class Event(Open):
    """One thing that happened, as published on `support.>`.

    `time` is when it happened; when it was recorded is JetStream's own timestamp of the message.
    `sequence` is the version of the aggregate named by `subject` after this event, from 1 without
    gaps, or None for a source that keeps no aggregate.
    """

    specversion: Literal["1.0"] = SPEC_VERSION
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    time: AwareDatetime
    datacontenttype: str | None = "application/json"
    workspace: str = Field(pattern=r"^[a-z0-9_-]+$")
    correlationid: str | None = None
    causationid: str | None = None
    sequence: str | None = Field(default=None, pattern=r"^[1-9][0-9]*$")
    conversationid: str | None = None
    caseid: str | None = None
    ticketid: str | None = None
    data: SerializeAsAny[EventData]
    private: SerializeAsAny[Private] | None = None

    @classmethod
    def build(  # the parameters are the attributes of the envelope, all by name
        cls,
        data: EventData,
        *,
        workspace: str,
        source: str,
        subject: str,
        time: datetime,
        id: str,  # noqa: A002 - the attribute's name in CloudEvents
        correlationid: str | None = None,
        causationid: str | None = None,
        sequence: int | None = None,
        conversationid: str | None = None,
        caseid: str | None = None,
        ticketid: str | None = None,
        private: dict[str, Any] | None = None,
    ) -> Self:
        """An event of the type that `data` belongs to; `private` values get a fresh salt.

        Raises:
            MalformedEvent: when `data` is not of a registered type.
        """
        if not data.type_name:
            raise MalformedEvent(f"{type(data).__name__} is not a registered event type")
        return cls(
            id=id,
            source=f"casetrail/{source}",
            type=f"casetrail.{data.type_name}.v1",
            subject=subject,
            time=time,
            workspace=workspace,
            correlationid=id if correlationid is None else correlationid,
            causationid=causationid,
            sequence=None if sequence is None else str(sequence),
            conversationid=conversationid,
            caseid=caseid,
            ticketid=ticketid,
            data=data,
            private=Private(salt=fresh_salt(), **private) if private else None,
        )

    @model_validator(mode="before")
    @classmethod
    def _typed_data(cls, values: Any) -> Any:
        """Reads `data` with the model registered for `type`; unknown types keep the common part."""
        if isinstance(values, dict) and isinstance(values.get("data"), dict):
            from casetrail_contracts.registry import model_of  # noqa: PLC0415 - the registry's models subclass EventData

            model = model_of(str(values.get("type", "")))
            return {**values, "data": model.model_validate(values["data"])}
        return values

    @field_serializer("time")
    def _rfc3339(self, value: datetime) -> str:
        """RFC 3339 in UTC with at least milliseconds, `Z` at the end."""
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        spec = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
        return f"{utc.isoformat(timespec=spec)[:-6]}Z"

    @property
    def noun_verb(self) -> str:
        """`conversation.assigned` for `casetrail.conversation.assigned.v1`."""
        parts = self.type.split(".")
        if len(parts) != 4 or parts[0] != "casetrail":  # noqa: PLR2004 - casetrail.noun.verb.version
            raise MalformedEvent(f"type {self.type!r} is not casetrail.<noun>.<verb>.v<n>")
        return f"{parts[1]}.{parts[2]}"

    @property
    def nats_subject(self) -> str:
        """The subject this event is published on."""
        noun, verb = self.noun_verb.split(".")
        return support_subject(self.workspace, noun, verb)

    @property
    def version(self) -> int | None:
        """`sequence` as a number."""
        return None if self.sequence is None else int(self.sequence)

    def private_values(self) -> dict[str, Any]:
        """The personal values without the salt; empty when there are none or they are erased."""
        if self.private is None:
            return {}
        values = self.private.model_dump(mode="json")
        values.pop("salt", None)
        return values

    def to_bytes(self) -> bytes:
        """The JSON that is published, as UTF-8; unset attributes are null."""
        return self.model_dump_json().encode()


def parse_event(raw: bytes | str) -> Event:
    """The typed event of a message body.

    Raises:
        MalformedEvent: says which field is wrong and how; carries no value of the message.
    """
    try:
        return Event.model_validate_json(raw)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
            for problem in error.errors(
                include_input=False, include_url=False, include_context=False
            )[:5]
        )
        raise MalformedEvent(problems) from None
    except ValueError as error:
        raise MalformedEvent(f"body: {type(error).__name__}") from error
