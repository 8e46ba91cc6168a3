"""How an owner is chosen: the rules in words, with the version that events carry.

The version is the SHA-256 of the words, so a changed rule can never pass for the old one. The
choice itself is one atomic step in the store (`ports.Slots`), which keeps to these words.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from casetrail_routing.domain.facts import RuleRef


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """A rule of assignment; `text` is the whole of it, in words."""

    name: str
    text: str

    @property
    def version(self) -> str:
        """`sha256:` and the hex digest of the text."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def ref(self) -> RuleRef:
        """The rule as events name it."""
        return RuleRef(self.name, self.version, self.text)


LEAST_LOADED: Final = AssignmentRule(
    "least-loaded",
    "Of the agents and leads on shift and available who hold fewer cases than their capacity, "
    "without the one who gave this case back if nobody had it since, take the one who "
    "holds the fewest; among equals the one whose last assignment is longest ago, never counting "
    "as longest; among equals still the one whose user id sorts first. Cases that wait are served "
    "oldest first.",
)
PREVIOUS_OWNER: Final = AssignmentRule(
    "previous-owner",
    "A case that is reopened stays with the owner it was closed with, if that person is on shift "
    "and available and holds fewer cases than their capacity; otherwise it goes to the queue.",
)
ASSIGNMENT_RULES: Final = {rule.name: rule for rule in (LEAST_LOADED, PREVIOUS_OWNER)}


def least_loaded_key(
    load: int, last_assigned_at: datetime | None, user_id: str
) -> tuple[int, float, str]:
    """The sort key of a candidate under `least-loaded`: the smallest is chosen."""
    when = float("-inf") if last_assigned_at is None else last_assigned_at.timestamp()
    return (load, when, user_id)
