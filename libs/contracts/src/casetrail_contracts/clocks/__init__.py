"""Service-level clocks of a ticket, as pure functions of its events.

`steps.taken` folds events into a `History`; `reading.readings` says how each promised wait stands
at a moment. Tickets emits its events by it, and whoever has the log recomputes them: each
`ticket.sla_started` carries the whole policy, so nothing but the log is needed. ADR 26.
"""

from casetrail_contracts.clocks.across import Group, Link
from casetrail_contracts.clocks.agreement import ClockFinding, agreement
from casetrail_contracts.clocks.calendar import ALWAYS, Calendar
from casetrail_contracts.clocks.history import History, Promise, Run, Said, Standing, runs, whole
from casetrail_contracts.clocks.policy import CLOCKS, CONDITIONS, ClockName, Condition, Policy
from casetrail_contracts.clocks.reading import Reading, due_at, readings
from casetrail_contracts.clocks.steps import MESSAGE_STEPS, TICKET_STEPS, Step, taken

__all__ = [
    "ALWAYS",
    "CLOCKS",
    "CONDITIONS",
    "MESSAGE_STEPS",
    "TICKET_STEPS",
    "Calendar",
    "ClockFinding",
    "ClockName",
    "Condition",
    "Group",
    "History",
    "Link",
    "Policy",
    "Promise",
    "Reading",
    "Run",
    "Said",
    "Standing",
    "Step",
    "agreement",
    "due_at",
    "readings",
    "runs",
    "taken",
    "whole",
]
