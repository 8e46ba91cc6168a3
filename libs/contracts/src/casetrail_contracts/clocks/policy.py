"""What was promised: targets of the clocks of a ticket, and when they run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final, Literal, get_args

from casetrail_contracts.clocks.calendar import Calendar

ClockName = Literal["first_response", "next_response", "resolution"]
Condition = Literal["workspace", "priority", "type", "tag"]

CLOCKS: Final[tuple[ClockName, ...]] = get_args(ClockName)
CONDITIONS: Final[tuple[Condition, ...]] = get_args(Condition)


@dataclass(frozen=True)
class Policy:
    """One policy; it fits a ticket when each of its conditions names something of the ticket."""

    name: str
    targets: Mapping[ClockName, timedelta]
    calendar: Calendar
    when: Mapping[Condition, frozenset[str]] = field(default_factory=dict)
    pauses: Mapping[ClockName, frozenset[str]] = field(default_factory=dict)
    """Clock → states of the ticket in which it stands still."""

    def fits(self, about: Mapping[Condition, frozenset[str]]) -> bool:
        """True when it is for a ticket of which this is so."""
        return all(wanted & about.get(name, frozenset()) for name, wanted in self.when.items())

    @cached_property
    def version(self) -> str:
        """`sha256:` of the policy as canonical JSON: comments and order of a file do not count."""
        text = json.dumps(self.plain(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def plain(self) -> dict[str, Any]:
        """The whole policy as plain values: an event carries it, so the log needs no file."""
        return {
            "name": self.name,
            "when": {name: sorted(wanted) for name, wanted in sorted(self.when.items())},
            "targets": {
                clock: int(target.total_seconds()) for clock, target in sorted(self.targets.items())
            },
            "pauses": {clock: sorted(states) for clock, states in sorted(self.pauses.items())},
            "zone": self.calendar.zone,
            "week": [[list(hours) for hours in day] for day in self.calendar.week],
            "holidays": sorted(day.isoformat() for day in self.calendar.holidays),
        }

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Policy":
        """The policy that `plain` gave.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(
            name=values["name"],
            targets={clock: timedelta(seconds=each) for clock, each in values["targets"].items()},
            calendar=Calendar(
                values["zone"],
                tuple(tuple((opens, closes) for opens, closes in day) for day in values["week"]),
                frozenset(date.fromisoformat(day) for day in values["holidays"]),
            ),
            when={name: frozenset(wanted) for name, wanted in values["when"].items()},
            pauses={clock: frozenset(states) for clock, states in values["pauses"].items()},
        )
