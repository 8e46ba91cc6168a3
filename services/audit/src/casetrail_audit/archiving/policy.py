"""How long records stay in MongoDB and in the stream, and which of them leave."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

KINDS: Final = ("event", "duplicate", "gap", "poison")
NEVER: Final = ("privacy.", "retention.")
"""What says where records went, why values are gone, and what is held: never leaves."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Records of these types, or of these kinds, leave after a time; None keeps them for ever."""

    name: str
    types: tuple[str, ...]
    kinds: tuple[str, ...]
    after: timedelta | None

    def covers(self, kind: str, action: str | None) -> bool:
        """Whether a record is one of this rule's."""
        if kind != "event":
            return kind in self.kinds
        if kind in self.kinds:
            return True
        return action is not None and any(fnmatchcase(action, pattern) for pattern in self.types)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """The rules in their order: the first that covers a record decides; none keeps it for ever."""

    name: str
    keep_at_least: timedelta
    rules: tuple[Rule, ...]
    text: str = ""

    @property
    def version(self) -> str:
        """`sha256:` and the hex digest of the file."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()

    def rule_of(self, kind: str, action: str | None) -> Rule | None:
        """The rule that makes such records leave; None when they stay."""
        if action is not None and action.startswith(NEVER):
            return None
        rule = next((rule for rule in self.rules if rule.covers(kind, action)), None)
        return None if rule is None or rule.after is None else rule

    def leaves_before(self, rule: Rule, now: datetime) -> datetime:
        """What was recorded before this moment leaves under the rule."""
        assert rule.after is not None
        return now - max(rule.after, self.keep_at_least)
