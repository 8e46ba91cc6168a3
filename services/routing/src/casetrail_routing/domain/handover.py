"""Hand-overs of the shifts of one person: what was left, who began it, who signed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from casetrail_routing.domain.refusals import (
    AlreadyOpened,
    AlreadySigned,
    HandoverNotOpened,
    SecondPersonNeeded,
    ShiftNotEnded,
    ShiftNotFound,
)

SHIFTS_KEPT: Final = 30
"""Ended shifts of a person that can still be handed over: about a month."""
SIGNATURES: Final = 2


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case somebody held at the end of a shift; `version` is the conversation's."""

    case_id: str
    conversation_id: str
    version: int
    escalated: bool


@dataclass(frozen=True, slots=True)
class EndedShift:
    """A shift that ended, and its hand-over. `to` is the lead who takes over, if one is named."""

    shift_id: str
    opened: bool = False
    to: str | None = None
    signed: tuple[str, ...] = ()

    @property
    def is_handed_over(self) -> bool:
        """True once two people signed."""
        return len(self.signed) >= SIGNATURES

    def must_open(self) -> None:
        """Nothing, when its hand-over can begin; raises `AlreadyOpened`."""
        if self.opened:
            raise AlreadyOpened("The hand-over of this shift is open already: sign it.")

    def must_sign(self, who: str) -> bool:
        """True when this person's signature is the second, and so completes the hand-over.

        Raises:
            HandoverNotOpened: nobody began it.
            AlreadySigned: two people signed.
            SecondPersonNeeded: they signed already, or who takes over would be left out.
        """
        if not self.opened:
            raise HandoverNotOpened("Nobody has opened the hand-over of this shift: open it first.")
        if self.is_handed_over:
            raise AlreadySigned("The hand-over is signed by two people already.")
        if who in self.signed:
            raise SecondPersonNeeded("You have signed: another lead signs as the second.")
        if self.signed and self.to is not None and self.to not in {who, *self.signed}:
            raise SecondPersonNeeded(
                f"The hand-over names {self.to}: it waits for their signature."
            )
        return len(self.signed) + 1 == SIGNATURES


def found(shifts: Iterable[EndedShift], shift_id: str, *, current: str | None) -> EndedShift:
    """The shift among a person's ended ones; raises `ShiftNotEnded` or `ShiftNotFound`."""
    if shift_id == current:
        raise ShiftNotEnded("The shift goes on: it is handed over once it has ended.")
    for shift in shifts:
        if shift.shift_id == shift_id:
            return shift
    raise ShiftNotFound(
        f"There is no shift {shift_id!r} of theirs among the last {SHIFTS_KEPT}: check the id."
    )


def ended(shifts: tuple[EndedShift, ...], shift_id: str) -> tuple[EndedShift, ...]:
    """The shifts with one more at the end; the oldest falls out."""
    return (*shifts, EndedShift(shift_id))[-SHIFTS_KEPT:]


def opened(shifts: tuple[EndedShift, ...], shift_id: str, to: str | None) -> tuple[EndedShift, ...]:
    """The shifts, with this one's hand-over begun."""
    return tuple(
        replace(shift, opened=True, to=to) if shift.shift_id == shift_id else shift
        for shift in shifts
    )


def signed(shifts: tuple[EndedShift, ...], shift_id: str, by: str) -> tuple[EndedShift, ...]:
    """The shifts, with one more signature under this one's hand-over."""
    return tuple(
        replace(shift, signed=(*shift.signed, by)) if shift.shift_id == shift_id else shift
        for shift in shifts
    )
