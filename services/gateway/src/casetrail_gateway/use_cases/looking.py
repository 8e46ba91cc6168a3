"""A look is recorded before it is answered: the only way data leaves the gateway.

A `Read` says first what it is about to show (`look`) and then shows it (`answer`).
`AccessBeforeAnswer` puts the record of the look in between. Nothing else calls `answer`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from casetrail_contracts import Actor, Event, EventData
from casetrail_contracts.registry.access import (
    AccessExported,
    AccessRevealed,
    AccessSearched,
    AccessViewed,
)

from casetrail_gateway.domain.errors import Fault, NotPermitted
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock, EventStream

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

SOURCE: Final = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What somebody is about to see.

    `target` and `filters` are public: only identifiers of the log's own making stand there. What a
    person typed stands in `query`. `fault` is why they will not see it (not theirs, not there).
    """

    what: str
    target: str | None = None
    """None for a search."""
    case_id: str | None = None
    ticket_id: str | None = None
    conversation_id: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    disclosure: str | None = None
    """Set when a file is taken out: how much of what is personal is in it."""
    fields: tuple[str, ...] = ()
    """Of a chosen disclosure: the fields."""
    form: str | None = None
    """With a disclosure: csv, jsonl or ocsf; None for a bundle."""
    reveals: tuple[str, ...] | None = None
    """Set when values are shown unmasked: which."""
    purpose: str | None = None
    """Why, in the words of who asks: personal text."""
    fault: Fault | None = None

    @property
    def private(self) -> dict[str, Any] | None:
        """What of the look stands in the private part of its event."""
        said: dict[str, Any] = {"query": dict(self.query)} if self.query else {}
        if self.purpose is not None:
            said["purpose"] = self.purpose
        return said or None


class Read(Protocol[T_co]):
    """One question to the log, in two steps."""

    async def look(self) -> Look:
        """What will be seen, and whether it may be."""

    async def answer(self) -> T_co:
        """The data; called once, after the look is recorded."""


class AccessBeforeAnswer:
    """Records the look, waits until it is stored, and only then lets the read answer."""

    def __init__(self, stream: EventStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    async def __call__(
        self, caller: Caller, read: Read[T], *, permitted: bool, correlation_id: str
    ) -> T:
        """The read's answer.

        Raises:
            AccessNotRecorded: the look is not surely stored; nothing was read out.
            Fault: what the look says; a refusal is recorded as one.
        """
        look = await read.look()
        fault = look.fault
        if not permitted:
            fault = NotPermitted(f"The role {caller.role} may not read this.")
        refused = isinstance(fault, NotPermitted)
        await self._stream.record(self._event(caller, look, correlation_id, refused=refused))
        if fault is not None:
            raise fault
        return await read.answer()

    def _event(self, caller: Caller, look: Look, correlation_id: str, *, refused: bool) -> Event:
        data = _told(caller, look, "refused" if refused else "answered")
        if look.fault is not None and not refused and look.target is not None:
            data = data.model_copy(update={"found": False})
        new_id = self._clock.new_id()
        return Event.build(
            data,
            workspace=caller.workspace,
            source=SOURCE,
            subject=f"access/{new_id}",
            time=self._clock.now(),
            id=new_id,
            correlationid=correlation_id,
            conversationid=look.conversation_id,
            caseid=look.case_id,
            ticketid=look.ticket_id,
            private=look.private,
        )


def _told(caller: Caller, look: Look, outcome: str) -> EventData:
    """What the event of a look says."""
    said: dict[str, Any] = {"actor": actor_of(caller), "what": look.what, "outcome": outcome}
    if look.target is None:
        return AccessSearched.model_validate({**said, "filters": dict(look.filters)})
    said["target"] = look.target
    if look.reveals is not None:
        fields = [] if outcome == "refused" else list(look.reveals)
        return AccessRevealed.model_validate({**said, "fields": fields})
    if look.disclosure is None:
        return AccessViewed.model_validate(said)
    said |= {"disclosure": look.disclosure, "fields": list(look.fields) or None}
    if look.form is not None:
        said |= {"format": look.form, "filters": dict(look.filters)}
    return AccessExported.model_validate(said)


def actor_of(caller: Caller) -> Actor:
    """The caller as the actor of an event."""
    return Actor(kind=caller.role, id=caller.id, name=caller.name)
