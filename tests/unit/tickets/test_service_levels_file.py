"""Service levels from a file: what a team may lay down, and what a faulty file is told."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from casetrail_contracts.clocks import CLOCKS
from casetrail_runtime.yaml_file import FileInvalid
from casetrail_tickets.adapters.life_cycles_yaml import load_life_cycles
from casetrail_tickets.adapters.service_levels_yaml import (
    load_service_levels,
    parse_service_levels,
)
from casetrail_tickets.domain.levels import fitting

STATES = load_life_cycles(None).states
GOOD = """\
calendars:
  always: {zone: UTC, hours: always}
  desk:
    zone: Asia/Karachi
    hours:
      mon: ["09:00-13:00", "14:00-18:00"]
      sat: ["22:00-24:00"]
    holidays: [2026-12-25, "2027-03-23"]
policies:
  - name: press
    when: {tag: [press, vip], priority: [high, urgent]}
    calendar: always
    targets: {first_response: 15m, next_response: 1h30m, resolution: 2d}
    pauses:
      resolution: [awaiting_customer]
  - name: rest
    calendar: desk
    targets: {first_response: 90s}
"""


def test_a_good_file() -> None:
    """Hours, holidays, durations and conditions come out as they were written."""
    press, rest = parse_service_levels(GOOD, "levels.yaml", STATES)
    assert press.targets == dict(
        zip(CLOCKS, [timedelta(minutes=15), timedelta(minutes=90), timedelta(days=2)], strict=True)
    )
    assert press.pauses == {"resolution": {"awaiting_customer"}}
    assert rest.calendar.week[0] == ((540, 780), (840, 1080))
    assert rest.calendar.week[5] == ((1320, 1440),)
    assert rest.calendar.week[6] == ()
    assert rest.calendar.holidays == {date(2026, 12, 25), date(2027, 3, 23)}
    assert rest.targets == {"first_response": timedelta(seconds=90)}


def test_the_first_policy_that_fits_holds() -> None:
    """Every condition must be met; a policy without any takes what is left."""
    policies = parse_service_levels(GOOD, "levels.yaml", STATES)
    vip, high = frozenset({"vip", "gold"}), frozenset({"high"})
    press = fitting(policies, {"tag": vip, "priority": high})
    assert press is policies[0]
    assert fitting(policies, {"tag": vip, "priority": frozenset({"low"})}) is policies[1]
    assert fitting(policies, {"priority": high}) is policies[1]
    assert fitting(policies[:1], {"priority": high}) is None


def test_the_version_is_the_policy_and_not_its_comments() -> None:
    """A comment or another order keeps the hash; another target or holiday does not."""
    version = [each.version for each in parse_service_levels(GOOD, "x", STATES)]
    same = GOOD.replace("calendars:", "# hours\ncalendars:").replace("[press, vip]", "[vip, press]")
    assert [each.version for each in parse_service_levels(same, "x", STATES)] == version
    holiday = GOOD.replace("2026-12-25", "2026-12-26")
    after = [each.version for each in parse_service_levels(holiday, "x", STATES)]
    assert (after[0] == version[0], after[1] == version[1]) == (True, False)


def test_no_file_promises_nothing() -> None:
    """Without a file there is no policy."""
    assert load_service_levels(None, STATES) == ()


FAULTS = [
    ("zone: Asia/Karachi", "zone: Asia/Kartchi", 4, "is not known here"),
    ("mon: [", "monday: [", 6, "is none of mon, tue"),
    ('"14:00-18:00"', '"12:00-18:00"', 6, "begins before the stretch in front of it ends"),
    ('"22:00-24:00"', '"22:00-25:00"', 7, "is no stretch of one day"),
    ('"22:00-24:00"', '"22:60-23:00"', 7, "is no stretch of one day"),
    ('"22:00-24:00"', '"18:00-09:00"', 7, "is no stretch of one day"),
    ("2026-12-25", "2026-02-30", 8, "is no date"),
    ('"2027-03-23"', '"2026-12-25"', 8, "is there already"),
    ("name: press", "name: Press Desk", 10, "must be of a-z"),
    ("tag: [press, vip]", "label: [press]", 11, "when has no 'label'"),
    ("[high, urgent]", "[high, asap]", 11, "priority 'asap' is none of low"),
    ("calendar: always", "calendar: nights", 12, "'nights' is none of always, desk"),
    ("first_response: 15m", "first_response: 15 min", 13, "is no duration"),
    ("first_response: 15m", "first_response: 0m", 13, "is no duration"),
    ("first_response: 15m", "first_answer: 15m", 13, "'first_answer' is none of"),
    ("[awaiting_customer]", "[awaiting_godot]", 15, "'awaiting_godot' is no state"),
    ("  - name: press\n", "  - name: press\n    owner: a\n", 11, "a policy has no 'owner'"),
    ("- name: rest", "- name: press", 16, "there is a policy 'press' already"),
    ("    when: {tag: [press, vip], priority: [high, urgent]}\n", "", 15, "no ticket gets here"),
    ("    targets: {first_response: 90s}\n", "", 16, "a policy needs 'targets'"),
    ("targets: {first_response: 90s}", "targets: {}", 18, "targets needs at least one of"),
    (
        "targets: {first_response: 90s}",
        "targets: {first_response: 90s}\n    pauses: {resolution: [new]}",
        19,
        "is paused and has no target",
    ),
    ("calendars:\n", "calendar:\n", 1, "the file has no 'calendar'"),
]


@pytest.mark.parametrize(("old", "new", "line", "told"), FAULTS)
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, told: str) -> None:
    """One wrong line: the line's number, and what may stand there."""
    assert old in GOOD
    with pytest.raises(FileInvalid) as caught:
        parse_service_levels(GOOD.replace(old, new, 1), "levels.yaml", STATES)
    wanted = [problem for problem in caught.value.problems if told in problem]
    assert wanted, caught.value.problems
    assert wanted[0].startswith(f"line {line}:")


def test_every_fault_is_told_at_once() -> None:
    """A file with several faults is not mended one start at a time."""
    text = GOOD.replace("15m", "soon").replace("2026-12-25", "never").replace("vip", "V I P")
    with pytest.raises(FileInvalid) as caught:
        parse_service_levels(text, "levels.yaml", STATES)
    assert len(caught.value.problems) == 3
    assert all(problem.startswith("line ") for problem in caught.value.problems)


@pytest.mark.parametrize("text", ["", "- a", "calendars: {}\npolicies: []", "x: ["])
def test_what_is_no_such_file_is_told(text: str) -> None:
    """Empty, a list, nothing in it, no YAML."""
    with pytest.raises(FileInvalid):
        parse_service_levels(text, "levels.yaml", STATES)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(FileInvalid, match="cannot be read"):
        load_service_levels(tmp_path / "none.yaml", STATES)
