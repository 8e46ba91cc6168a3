"""What follows from a change of a user without anybody asking for it: rules in words."""

from typing import Final

from casetrail_routing.domain.assignment import AssignmentRule

CASES_RETURN: Final = AssignmentRule(
    "cases-return-to-queue",
    "When a person is deactivated, or gets a role that works no cases, every open case they hold "
    "goes back into the queue. Closed cases keep the owner they had.",
)
SHIFT_ENDS: Final = AssignmentRule(
    "shift-ends-with-deactivation",
    "When a person on shift is deactivated, their shift ends at the same moment.",
)
AT_DESK: Final = AssignmentRule(
    "shift-starts-available",
    "Whoever starts a shift is available: an absence noted before does not outlive it.",
)
MARK_STAYS: Final = AssignmentRule(
    "merged-case-stays-escalated",
    "When an escalated case is merged into another, that one is escalated too.",
)
