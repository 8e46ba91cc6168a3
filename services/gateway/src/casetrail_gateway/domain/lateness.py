"""Which entries of a timeline are late: recorded after something that happened later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LATE_AFTER: Final = timedelta(seconds=5)
"""WhatsApp's times have whole seconds and the clocks of two machines differ; less is no news."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """As much of a record as lateness needs."""

    seq: int
    at: datetime
    target: str | None
    version: int | None


def late_seqs(footprints: Iterable[Footprint]) -> frozenset[int]:
    """The sequences of the late ones among records in log order.

    A record is late when an earlier record happened more than `LATE_AFTER` after it, or when a
    higher version of the same aggregate stands before it.
    """
    late: set[int] = set()
    latest: datetime | None = None
    versions: dict[str, int] = {}
    for step in footprints:
        if latest is not None and latest - step.at > LATE_AFTER:
            late.add(step.seq)
        latest = step.at if latest is None else max(latest, step.at)
        if step.target is not None and step.version is not None:
            highest = versions.get(step.target, 0)
            if step.version < highest:
                late.add(step.seq)
            versions[step.target] = max(highest, step.version)
    return frozenset(late)
