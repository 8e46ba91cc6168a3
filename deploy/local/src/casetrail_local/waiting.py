"""Asking until the answer is there, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from casetrail_local.errors import NotReady

T = TypeVar("T")

LONG_ENOUGH: Final = 75.0
"""Seconds. What a process had in hand when it was killed is delivered again 30 s later (`ack_wait`
of the durables), and the one that gets it then may be killed as well."""


def until(ask: Callable[[], T | None], *, what: str, within: float = LONG_ENOUGH) -> T:
    """The first answer that is not None; after `within` seconds `NotReady`, naming `what`.

    Asks soon at first and then more seldom: a read of a case is recorded, and the log is no place
    for a hundred looks of somebody who waits.
    """
    deadline = time.monotonic() + within
    pause = 0.05
    while True:
        answer = ask()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise NotReady(f"Waited {within:.0f} s in vain for {what}.")
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)
