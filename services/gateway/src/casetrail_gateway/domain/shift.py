"""A shift as the log tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casetrail_gateway.domain.errors import ThroughOutside
from casetrail_gateway.domain.log import Record


@dataclass(frozen=True, slots=True)
class Shift:
    """The records of one shift, in log order; there is at least one."""

    shift_id: str
    user_id: str
    records: tuple[Record, ...]

    @property
    def started(self) -> Record | None:
        """Its beginning."""
        return self._one("shift.started")

    @property
    def ended(self) -> Record | None:
        """Its end; None while it goes on."""
        return self._one("shift.ended")

    @property
    def opened(self) -> Record | None:
        """The beginning of its hand-over."""
        return self._one("shift.handover_opened")

    @property
    def signatures(self) -> Sequence[Record]:
        """Who signed its hand-over, in order."""
        return [record for record in self.records if record.action == "shift.handover_signed"]

    @property
    def held(self) -> Sequence[Mapping[str, Any]] | None:
        """The cases that were held at its end; None when its end does not say."""
        cases = None if self.ended is None else self.ended.data.get("cases")
        return cases if isinstance(cases, list) else None

    def must_cover(self, through: int, complete_through: int) -> None:
        """Nothing, or `ThroughOutside` for a place before its end or beyond the complete log."""
        begins = 1 if self.ended is None else self.ended.seq
        if not begins <= through <= complete_through:
            raise ThroughOutside(
                f"The shift ended with record {begins} and the log is complete through "
                f"{complete_through}: give a `through` from the one to the other."
            )

    def _one(self, action: str) -> Record | None:
        return next((record for record in self.records if record.action == action), None)


def shift_of(shift_id: str, records: Sequence[Record]) -> Shift | None:
    """The shift of these records; None when there are none."""
    for record in records:
        user_id = record.data.get("user_id")
        if isinstance(user_id, str):
            return Shift(shift_id, user_id, tuple(records))
    return None
