"""Histories that need not make sense: versions get lost or come late, cases overlap."""

from collections.abc import Callable
from typing import Final

from casetrail_contracts import Event
from hypothesis import strategies as st

from tests.unit.audit.history import History

Step = tuple[str, int, int]
"""What happens, in which conversation, and a number that means something else each time."""

CONVERSATIONS: Final = ("cv_a", "cv_b", "cv_c")


_ACTS: Final[dict[str, Callable[[History, str, str, Event, int], object]]] = {
    "says": lambda h, cv, case, cause, n: h.says(cv),
    "opens": lambda h, cv, case, cause, n: h.opens(cause, cv, case),
    "reopens": lambda h, cv, case, cause, n: h.reopens(cause, cv, case),
    "queues": lambda h, cv, case, cause, n: h.queues(cv, case),
    "assigns": lambda h, cv, case, cause, n: h.assigns("abcd"[n], cv, case),
    "offers": lambda h, cv, case, cause, n: h.offers("abcd"[n], cv, case),
    "accepts": lambda h, cv, case, cause, n: h.accepts("abcd"[n], cv, case),
    "declines": lambda h, cv, case, cause, n: h.declines("abcd"[n], cv, case),
    "unassigns": lambda h, cv, case, cause, n: h.unassigns(cv, case),
    "escalates": lambda h, cv, case, cause, n: h.escalates(cv, case),
    "joins": lambda h, cv, case, cause, n: h.joins(
        CONVERSATIONS[n % 3], cv, case, "CASE-1003" if n else None, cause
    ),
    "closes": lambda h, cv, case, cause, n: h.closes(cv, case),
    "ticket": lambda h, cv, case, cause, n: h.creates_ticket(
        f"T-{n + 1}", conversation=cv, case=case
    ),
    "hands_off": lambda h, cv, case, cause, n: h.hands_off(f"T-{n + 1}"),
    "resolves": lambda h, cv, case, cause, n: h.resolves(f"T-{n + 1}", conversation=cv, case=case),
    "looks": lambda h, cv, case, cause, n: h.looks(case, cv),
    "shift": lambda h, cv, case, cause, n: h.starts_shift() if n else h.ends_shift(),
}

STEPS: Final = st.tuples(
    st.sampled_from([*_ACTS, "lost"]), st.integers(0, len(CONVERSATIONS) - 1), st.integers(0, 3)
)


def history_of(steps: list[Step]) -> History:
    """The history of these steps; of what is "lost" every second event comes at the end."""
    history = History()
    lost: list[Event] = []
    for name, which, n in steps:
        cv, case = CONVERSATIONS[which], f"CASE-{1001 + (which + n) % 3}"
        messages = [e for e in history.events if e.noun_verb == "message.received"]
        cause = messages[-1 - n % len(messages)] if messages else history.says(cv)
        if name == "lost":
            lost.append(history.assigns("a", cv, case))
        else:
            _ACTS[name](history, cv, case, cause, n)
    kept = [e for e in history.events if not any(e is gone for gone in lost)]
    history.events = kept + lost[::2]
    return history
