"""Which entries of a timeline are late: recorded after something that happened later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

LATE_AFTER: Final = timedelta(seconds=5)
"""WhatsApp's times have whole seconds and the clocks of two machines differ; less is no news."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """As much of a record as lateness needs."""

    seq: int
    at: datetime
    target: str | None
    version: int | None


class Step(Protocol):
    """A footprint, or the record itself."""

    @property
    def seq(self) -> int: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def target(self) -> str | None: ...  # noqa: D102
    @property
    def version(self) -> int | None: ...  # noqa: D102


def late_seqs(steps: Iterable[Step]) -> frozenset[int]:
    """The sequences of the late ones among records in log order.

    A record is late when an earlier record happened more than `LATE_AFTER` after it, or when a
    higher version of the same aggregate stands before it.
    """
    late: set[int] = set()
    latest: datetime | None = None
    versions: dict[str, int] = {}
    for step in steps:
        at, target, version = step.at, step.target, step.version
        if latest is None or at > latest:
            latest = at
        elif latest - at > LATE_AFTER:
            late.add(step.seq)
        if target is not None and version is not None:
            if version < versions.get(target, 0):
                late.add(step.seq)
            else:
                versions[target] = version
    return frozenset(late)
