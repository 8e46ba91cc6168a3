"""How often Python looks for garbage in cycles."""

import gc
from typing import Final

ALLOCATIONS: Final = 50_000
"""New containers between two looks; some two batches of records, or some hundred webhooks."""


def collect_rarely() -> None:
    """Looks for cycles every `ALLOCATIONS` new containers, not every 700.

    A batch of records is tens of thousands of dicts and lists that live for one write and are in no
    cycle, as is what a webhook becomes, or a page of history; looking for one in them over and over
    takes a fifth of a recorder's time and a tenth of a timeline's. What is there already, modules
    and models, is never looked at again. For the process as a whole, so for `__main__` only, once
    what it needs is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)
