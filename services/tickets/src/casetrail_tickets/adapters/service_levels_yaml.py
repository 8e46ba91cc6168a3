"""Service levels from a YAML file, or every fault of the file with its line."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from casetrail_contracts.clocks import CLOCKS, CONDITIONS, Calendar, ClockName, Condition, Policy
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text

PRIORITIES: Final = ("low", "normal", "high", "urgent")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST: Final = timedelta(days=366)
_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_STRETCH: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MINUTES: Final = 60
_DAY: Final = 24 * 60
_A_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)


def load_service_levels(path: Path | None, states: Collection[str]) -> tuple[Policy, ...]:
    """The policies of the file in order; none when `path` is None.

    `states` are those of the life cycles: a clock can pause in no other.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    return () if path is None else parse_service_levels(read_text(path), path.name, states)


def parse_service_levels(text: str, name: str, states: Collection[str]) -> tuple[Policy, ...]:
    """The policies of a YAML text; `name` stands before each fault."""
    reader = _Reader(states)
    found = reader.policies(compose(text, name))
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return found


class _Reader(YamlReader):
    """The policies of one file."""

    def __init__(self, states: Collection[str]) -> None:
        super().__init__()
        self._states = sorted(states)

    def policies(self, root: yaml.Node | None) -> tuple[Policy, ...]:
        if root is None:
            self.problems.append("line 1: the file is empty; it needs `calendars:` and `policies:`")
            return ()
        top = self.fields(root, "the file", required=("calendars", "policies"), optional=())
        calendars: dict[str, Calendar] = {}
        if "calendars" in top:
            for name, _, node in self.pairs(top["calendars"], "calendars"):
                calendars[name] = self._calendar(name, node)
        found: dict[str, Policy] = {}
        total: str | None = None
        for node in self.items(top["policies"], "policies") if "policies" in top else ():
            policy = self._policy(node, calendars)
            if total is not None:
                self.fault(node, f"no ticket gets here: {total!r} above takes all, without `when`")
            if policy is None:
                continue
            if policy.name in found:
                self.fault(node, f"there is a policy {policy.name!r} already")
            if not policy.when:
                total = policy.name
            found[policy.name] = policy
        return tuple(found.values())

    def _calendar(self, name: str, node: yaml.Node) -> Calendar:
        what = f"calendar {name!r}"
        top = self.fields(node, what, required=("zone", "hours"), optional=("holidays",))
        zone = self._zone(top["zone"]) if "zone" in top else "UTC"
        week = self._week(top["hours"], what) if "hours" in top else ((),) * 7
        days: set[date] = set()
        for item in self.items(top["holidays"], "holidays") if "holidays" in top else ():
            day = self._date(item)
            if day in days:
                self.fault(item, f"{day} is there already")
            if day is not None:
                days.add(day)
        return Calendar(zone, week, frozenset(days))

    def _zone(self, node: yaml.Node) -> str:
        zone = self.text(node, "zone") or "UTC"
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fault(node, f"zone {zone!r} is not known here; give one as Asia/Karachi")
            return "UTC"
        return zone

    def _week(self, node: yaml.Node, what: str) -> tuple[tuple[tuple[int, int], ...], ...]:
        if isinstance(node, yaml.ScalarNode) and node.value == "always":
            return (((0, _DAY),),) * 7
        week: dict[str, tuple[tuple[int, int], ...]] = {}
        for day, key, value in self.pairs(node, f"hours of {what}"):
            if day not in DAYS:
                self.fault(key, f"{day!r} is none of {', '.join(DAYS)}")
                continue
            week[day] = self._hours(value, day)
        if not any(week.values()):
            self.fault(node, f"{what} has no hours: nothing would ever fall due")
        return tuple(week.get(day, ()) for day in DAYS)

    def _hours(self, node: yaml.Node, day: str) -> tuple[tuple[int, int], ...]:
        hours: list[tuple[int, int]] = []
        for item in self.items(node, day):
            text = self.text(item, day) or ""
            match = _STRETCH.fullmatch(text)
            opens, closes = (0, 0) if match is None else _stretch(match)
            if match is None or not 0 <= opens < closes <= _DAY:
                self.fault(item, f"{day}: {text!r} is no stretch of one day, as 09:00-17:30 is")
            elif hours and opens < hours[-1][1]:
                self.fault(item, f"{day}: {text} begins before the stretch in front of it ends")
            else:
                hours.append((opens, closes))
        return tuple(hours)

    def _date(self, node: yaml.Node) -> date | None:
        text = str(getattr(node, "value", ""))
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.fault(node, f"{text!r} is no date, as 2026-12-25 is")
            return None

    def _policy(self, node: yaml.Node, calendars: Mapping[str, Calendar]) -> Policy | None:
        before = len(self.problems)
        top = self.fields(
            node, "a policy", required=("name", "calendar", "targets"), optional=("when", "pauses")
        )
        name = self._word(top["name"], "name") if "name" in top else None
        calendar = self.text(top["calendar"], "calendar") if "calendar" in top else None
        if calendar is not None and calendar not in calendars:
            self.fault(top["calendar"], f"{calendar!r} is none of {', '.join(calendars)}")
        targets = self._targets(top["targets"]) if "targets" in top else {}
        when = self._when(top["when"]) if "when" in top else {}
        pauses = self._pauses(top["pauses"], targets) if "pauses" in top else {}
        if len(self.problems) > before or name is None or calendar is None:
            return None
        policy = Policy(name, targets, calendars[calendar], when, pauses)
        for clock, target in targets.items():
            if policy.calendar.after(_A_MONDAY, target) is None:
                self.fault(node, f"policy {name!r}: {clock} does not fall due within five years")
        return policy

    def _targets(self, node: yaml.Node) -> dict[ClockName, timedelta]:
        targets: dict[ClockName, timedelta] = {}
        for name, key, value in self.pairs(node, "targets"):
            clock = self._clock(name, key)
            text = self.text(value, name) or ""
            length = _length(text)
            if length is None:
                self.fault(value, f"{name}: {text!r} is no duration up to 366d as 4h or 1h30m")
            elif clock is not None:
                targets[clock] = length
        if not targets and isinstance(node, yaml.MappingNode) and not node.value:
            self.fault(node, f"targets needs at least one of {', '.join(CLOCKS)}")
        return targets

    def _when(self, node: yaml.Node) -> dict[Condition, frozenset[str]]:
        when: dict[Condition, frozenset[str]] = {}
        for name, key, value in self.pairs(node, "when"):
            condition = next((each for each in CONDITIONS if each == name), None)
            if condition is None:
                self.fault(key, f"when has no {name!r}; it may have {', '.join(CONDITIONS)}")
                continue
            wanted = {self._word(item, name) for item in self.items(value, name)}
            for word in wanted - {None}:
                if condition == "priority" and word not in PRIORITIES:
                    self.fault(value, f"priority {word!r} is none of {', '.join(PRIORITIES)}")
            when[condition] = frozenset(word for word in wanted if word is not None)
        return when

    def _pauses(
        self, node: yaml.Node, targets: Mapping[ClockName, timedelta]
    ) -> dict[ClockName, frozenset[str]]:
        pauses: dict[ClockName, frozenset[str]] = {}
        for name, key, value in self.pairs(node, "pauses"):
            clock = self._clock(name, key)
            if clock is not None and clock not in targets:
                self.fault(key, f"{name} is paused and has no target")
            states: set[str] = set()
            for item in self.items(value, name):
                state = self.text(item, "a state")
                if state is not None and state not in self._states:
                    self.fault(item, f"{state!r} is no state of a life cycle: {self._known}")
                elif state is not None:
                    states.add(state)
            if clock is not None:
                pauses[clock] = frozenset(states)
        return pauses

    @property
    def _known(self) -> str:
        return ", ".join(self._states)

    def _clock(self, name: str, key: yaml.Node) -> ClockName | None:
        clock = next((each for each in CLOCKS if each == name), None)
        if clock is None:
            self.fault(key, f"{name!r} is none of {', '.join(CLOCKS)}")
        return clock

    def _word(self, node: yaml.Node, what: str) -> str | None:
        word = self.text(node, what)
        if word is not None and _WORD.fullmatch(word) is None:
            self.fault(node, f"{what} {word!r} must be of a-z, 0-9, - and _")
            return None
        return word


def _stretch(match: re.Match[str]) -> tuple[int, int]:
    opens, opens_minute, closes, closes_minute = (int(each) for each in match.groups())
    if max(opens_minute, closes_minute) >= _MINUTES:
        return 0, 0
    return opens * _MINUTES + opens_minute, closes * _MINUTES + closes_minute


def _length(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(each[:8]) for each in match.groups(default="0"))
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return length if timedelta(0) < length <= LONGEST else None
