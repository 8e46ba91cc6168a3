"""What a workspace decides about custody: how its queue gives cases out, and what ends that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, get_args

from casetrail_routing.domain.assignment import AssignmentRule
from casetrail_routing.domain.facts import Queued

Giving = Literal["assign", "offer"]
"""Outright, or as an offer that has to be accepted."""
AtShiftEnd = Literal["keep", "offer", "queue"]
"""What becomes of the cases of somebody whose shift ends."""
WhileOutside = Literal["keep", "free"]
"""Whether a case takes a place of its owner while everything open in it is with a courier."""
GIVING: Final[tuple[Giving, ...]] = get_args(Giving)
AT_SHIFT_END: Final[tuple[AtShiftEnd, ...]] = get_args(AtShiftEnd)
WHILE_OUTSIDE: Final[tuple[WhileOutside, ...]] = get_args(WhileOutside)


@dataclass(frozen=True, slots=True)
class CustodyPolicy:
    """What one workspace decides; the defaults change nothing for who never chose."""

    queue: Giving = "assign"
    accept_within: timedelta = timedelta(minutes=3)
    shift_end: AtShiftEnd = "keep"
    close_idle_after: timedelta | None = None
    outside: WhileOutside = "keep"

    @property
    def accept_timer(self) -> AssignmentRule:
        """The rule by which an offer comes to its end."""
        return AssignmentRule(
            "accept-timer",
            f"An offer that is not answered within {_seconds(self.accept_within)} seconds goes "
            "back to the queue, and for as long again no rule offers it to the same person.",
        )

    @property
    def end_of_shift(self) -> AssignmentRule:
        """The rule by which the cases of a shift that ended go on."""
        return AssignmentRule(
            "shift-end",
            {
                "keep": "When a shift ends, its cases stay with their owner.",
                "offer": "When a shift ends, its cases go through the queue to the next shift, as "
                f"offers to be accepted within {_seconds(self.accept_within)} seconds.",
                "queue": "When a shift ends, its cases go back to the queue.",
            }[self.shift_end],
        )

    @property
    def idle_close(self) -> AssignmentRule:
        """The rule by which a case is closed in which nothing happens any more."""
        after = self.close_idle_after
        return AssignmentRule(
            "close-idle",
            "Cases are closed by people only."
            if after is None
            else f"A case in which nothing happened for {_seconds(after)} seconds is closed, "
            "unless it is escalated or a ticket of its conversation is open.",
        )

    def enters(self, queue: str, *, offered: bool = False) -> Queued:
        """The case enters this queue; `offered` makes it an offer even where it assigns."""
        if self.queue == "assign" and not offered:
            return Queued(queue)
        return Queued(queue, _seconds(self.accept_within))


@dataclass(frozen=True, slots=True)
class CustodyPolicies:
    """The policy of every workspace."""

    default: CustodyPolicy = field(default_factory=CustodyPolicy)
    by_workspace: Mapping[str, CustodyPolicy] = field(default_factory=dict)

    def of(self, workspace: str) -> CustodyPolicy:
        """The workspace's own, else the default."""
        return self.by_workspace.get(workspace, self.default)

    @property
    def closes_idle_after(self) -> timedelta | None:
        """The shortest time after which any workspace closes idle cases; None when none does."""
        every = (self.default, *self.by_workspace.values())
        chosen = [p.close_idle_after for p in every if p.close_idle_after is not None]
        return min(chosen, default=None)


@dataclass(frozen=True, slots=True)
class Inbox:
    """The shared inbox queue: its name, and how each workspace gives cases out of it."""

    name: str
    policies: CustodyPolicies = field(default_factory=CustodyPolicies)

    def queued(self, workspace: str, *, offered: bool = False) -> Queued:
        """A case enters it."""
        return self.policies.of(workspace).enters(self.name, offered=offered)


def _seconds(time: timedelta) -> int:
    return int(time.total_seconds())
