"""What a ticket was promised: the history of its clocks, and what was told of them already."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final

from casetrail_contracts.clocks import (
    ClockName,
    Condition,
    History,
    Policy,
    Promise,
    Reading,
    Run,
    Said,
    Standing,
    due_at,
    readings,
    runs,
)

_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Started:
    """A promise that is made now: `number` counts those of one run, from 0."""

    run: Run
    promise: Promise
    number: int
    due_at: datetime | None
    replaces: Policy | None


@dataclass(frozen=True)
class Levels:
    """The service levels of one ticket."""

    history: History
    policy: Policy | None = None
    """The one that fits now; one that fitted before stays when none fits any more."""
    since: datetime | None = None
    told: frozenset[tuple[ClockName, str]] = frozenset()
    """Runs whose breach is in the log."""

    def under(self, policy: Policy | None, at: datetime) -> "Levels":
        """The levels under the policy that fits from now on."""
        if policy is None or (self.policy is not None and policy.version == self.policy.version):
            return self
        return replace(self, policy=policy, since=at)

    def owed(self) -> Iterator[Started]:
        """The promises that are to be made: for new runs, and for open ones a new policy binds."""
        if self.policy is None or self.since is None:
            return
        for run in runs(self.history, self.clocks):
            target = self.policy.targets.get(run.clock)
            promises = self.history.promised(run)
            at = max(run.began_at, self.since)
            over = run.stopped_at is not None and (bool(promises) or run.stopped_at <= at)
            bound = promises[-1].policy if promises else None
            if target is None or over or (bound is not None and _same(bound, self.policy)):
                continue
            due = due_at(self.history, run, self.policy)
            yield Started(
                run=run,
                promise=Promise(run.clock, run.begun_by, at, self.policy),
                number=len(promises),
                due_at=None if due is None else max(due, at),
                replaces=bound,
            )

    @property
    def clocks(self) -> frozenset[ClockName]:
        """The clocks that run for this ticket, or did."""
        now = () if self.policy is None else self.policy.targets
        return frozenset(chain(now, (each.clock for each in self.history.promises)))

    def broken(self, now: datetime) -> Sequence[Reading]:
        """The runs that fell due and whose breach is not told yet."""
        return [
            reading
            for reading in readings(self.history, now)
            if reading.breached_at is not None and reading.run.key not in self.told
        ]

    def next_due(self, now: datetime) -> datetime | None:
        """When somebody has to look again: the next moment at which something falls due."""
        coming = [
            reading.due_at
            for reading in readings(self.history, now)
            if reading.due_at is not None
            and reading.run.stopped_at is None
            and reading.run.key not in self.told
        ]
        return _up(min(coming)) if coming else None

    def to_document(self) -> dict[str, Any]:
        """Plain values for storing; a policy stands there once, however often it binds."""
        policies = {each.policy.version: each.policy.plain() for each in self.history.promises}
        if self.policy is not None:
            policies[self.policy.version] = self.policy.plain()
        return {
            "standings": [
                {**vars(each), "at": each.at.isoformat()} for each in self.history.standings
            ],
            "said": [[each.at.isoformat(), each.event_id, each.side] for each in self.history.said],
            "promises": [
                [each.clock, each.begun_by, each.at.isoformat(), each.policy.version]
                for each in self.history.promises
            ],
            "policies": [{"version": version, **text} for version, text in policies.items()],
            "policy": None if self.policy is None else self.policy.version,
            "since": None if self.since is None else self.since.isoformat(),
            "told": sorted([clock, begun_by] for clock, begun_by in self.told),
        }

    @classmethod
    def from_document(cls, values: Mapping[str, Any]) -> "Levels":
        """The levels stored by `to_document`."""
        policies = {each["version"]: Policy.from_plain(each) for each in values["policies"]}
        history = History(
            tuple(Standing(**{**each, "at": _time(each["at"])}) for each in values["standings"]),
            tuple(Said(_time(at), event_id, side) for at, event_id, side in values["said"]),
            tuple(
                Promise(clock, begun_by, _time(at), policies[version])
                for clock, begun_by, at, version in values["promises"]
            ),
        )
        return cls(
            history,
            None if values["policy"] is None else policies[values["policy"]],
            None if values["since"] is None else _time(values["since"]),
            frozenset((clock, begun_by) for clock, begun_by in values["told"]),
        )


def fitting(policies: Sequence[Policy], about: Mapping[Condition, frozenset[str]]) -> Policy | None:
    """The first policy that fits."""
    return next((policy for policy in policies if policy.fits(about)), None)


def _same(one: Policy, other: Policy) -> bool:
    return one.version == other.version


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _up(at: datetime) -> datetime:
    """The next whole millisecond: as MongoDB keeps it, and never too early."""
    return at + (_MILLISECOND - timedelta(microseconds=at.microsecond % 1000)) % _MILLISECOND
