"""One change of what is stored."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from casetrail_runtime.mongo import Database


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: how many documents it changed, and where the next one begins."""

    changed: int
    after: Any
    """A value MongoDB can keep; None when nothing is left."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A change in steps of some seconds at most.

    `step` is given where to begin (None at the beginning) and may be given the same place again:
    then it changes nothing twice. It leaves documents that the version before can still use, so
    that both run side by side. `is_open` says whether a document still needs it. A service does
    not start before a `required` one is done; without the others it works and says so.
    """

    id: str
    """`0001-what-it-is-about`: they are made in this order, and no id is ever used again."""
    what: str
    step: Callable[[Database, Any], Awaitable[Step]]
    is_open: Callable[[Database], Awaitable[bool]]
    required: bool = False
