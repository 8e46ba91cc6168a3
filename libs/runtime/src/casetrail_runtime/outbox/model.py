"""What an aggregate is between reading and writing it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from casetrail_contracts import Event

S = TypeVar("S")
Result = Mapping[str, Any]
"""What a cause led to, as plain JSON values: the reply of a command, the ids that were made."""

FULL: Final = 40
"""Causes a document holds before it is cut: all of them go to the disk with every write."""
KEPT: Final = 10
"""Causes, the newest, that a cut leaves in the document; the others are in the `ProcessedLog`."""


class VersionConflict(Exception):
    """Somebody else wrote the aggregate since it was loaded; load and decide again."""


class OutOfSequence(ValueError):
    """An event's `sequence` does not follow the aggregate's version: a bug of the decision."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a cause led to: its result and the aggregate's version right after it."""

    result: Result
    version: int = 0


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """An aggregate as it stood when it was read; `state` is None before its first event."""

    id: str
    version: int = 0
    state: S | None = None
    applied: Mapping[str, Applied] = field(default_factory=dict)
    revision: int = 0

    @property
    def workspace(self) -> str:
        """The workspace in the id."""
        return workspace_of(self.id)

    @property
    def forgot(self) -> bool:
        """Whether there may have been causes that are not in `applied` any more."""
        return self.revision > len(self.applied)

    @property
    def is_full(self) -> bool:
        """Whether the next write leaves the newest `KEPT` causes only."""
        return len(self.applied) >= FULL


@dataclass(frozen=True)
class Decision(Generic[S]):
    """What a use case wants: the events in order, the state after them, the caller's answer.

    `state` None leaves the state as it is. Events of the aggregate carry `sequence` version + 1,
    + 2, ...; an event of another subject (`command.rejected`) carries none.
    """

    result: Result
    state: S | None = None
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a cause; the same for every repetition but for `repeated`."""

    result: Result
    version: int
    repeated: bool


@dataclass(frozen=True)
class Codec(Generic[S]):
    """How a service's state becomes a BSON document and back."""

    encode: Callable[[S], dict[str, Any]]
    decode: Callable[[dict[str, Any]], S]


PLAIN: Final[Codec[dict[str, Any]]] = Codec(encode=dict, decode=dict)
"""For states that are dictionaries already."""


def workspace_of(id: str) -> str:  # noqa: A002 - the document's word
    """The workspace of a document id `<workspace>:<id>`."""
    workspace, colon, rest = id.partition(":")
    if not (workspace and colon and rest):
        raise ValueError(f"{id!r} is not <workspace>:<id>")
    return workspace


def version_after(current: Loaded[S], state: S | None, events: Sequence[Event]) -> int:
    """The version after these events.

    Raises:
        OutOfSequence: a sequence is missing, repeated or out of order, or events of the aggregate
            come without any state for it to be in.
    """
    version = current.version
    for event in events:
        if event.version is None:
            continue
        if event.version != version + 1:
            raise OutOfSequence(
                f"{event.type} of {current.id} has sequence {event.version}, not {version + 1}"
            )
        version = event.version
    if version > current.version and state is None and current.state is None:
        raise OutOfSequence(f"{current.id} has events and no state")
    return version
