"""The file of assignment plans: what it may say, and the sentence for each fault."""

import asyncio
from pathlib import Path

import pytest
from casetrail_routing.adapters.assignment_yaml import load_plans, parse_plans
from casetrail_routing.adapters.rule_files import RuleFile, RuleWatch
from casetrail_routing.domain.strategies import Plans
from casetrail_runtime.health import check
from casetrail_runtime.yaml_file import FileInvalid
from prometheus_client import CollectorRegistry

GOOD = """
plans:
  - workspace: main
    queue: shared-inbox
    choose:
      - last-owner
      - {strategy: match, language: true, skills: {refund-wanted: [refunds]}, first: longest-idle}
      - round-robin
  - choose: [least-loaded]
"""


def test_a_good_file_is_read_as_it_says() -> None:
    """Strategies in order, by name or with parameters."""
    first, rest = parse_plans(GOOD, "assignment.yaml").plans
    assert (first.workspace, first.queue) == ("main", "shared-inbox")
    assert [step.kind for step in first.steps] == ["last-owner", "match", "round-robin"]
    match = first.steps[1]
    assert (match.language, match.first) == (True, "longest-idle")
    assert match.skills == {"refund-wanted": ("refunds",)}
    assert (rest.workspace, rest.queue) == (None, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: the file is empty; it needs `plans:`"),
        ("plans: []", "line 1: 'plans' must be a list with at least one entry"),
        ("plans:\n  - queue: x", "line 2: a plan needs 'choose'"),
        ("plans:\n  - choose: [fastest]", "line 2: there is no strategy 'fastest'; there are"),
        ("plans:\n  - choose: [match]", "line 2: match needs `language: true`, `skills:`, or both"),
        (
            "plans:\n  - choose:\n      - {strategy: round-robin, language: true}",
            "line 3: round-robin has no 'language'",
        ),
        (
            "plans:\n  - choose:\n      - least-loaded\n      - last-owner",
            "line 4: never tried: least-loaded before it takes whoever is free",
        ),
        (
            "plans:\n  - choose: [least-loaded]\n  - {queue: vip, choose: [round-robin]}",
            "line 3: never used: the plan in line 2 covers all of its cases",
        ),
        (
            "plans:\n  - choose:\n      - {strategy: match, language: true, first: newest}",
            "line 3: first is least-loaded or longest-idle, not 'newest'",
        ),
        ("plans:\n  - {queue: VIP Kunden, choose: [least-loaded]}", "line 2: queue 'VIP Kunden'"),
        ("plans:\n  - {que: x, choose: [least-loaded]}", "line 2: a plan has no 'que'"),
        ("plans:\n  - choose: [", "line 2: "),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, fault: str) -> None:
    """What is wrong, where, and what could stand there."""
    with pytest.raises(FileInvalid) as caught:
        parse_plans(text, "assignment.yaml")
    assert f"assignment.yaml: {fault}" in str(caught.value)


def test_a_broken_edit_keeps_the_old_rules_and_says_so(tmp_path: Path) -> None:
    """In the metrics and in the note of a ready service, until the file is good again."""
    path = tmp_path / "assignment.yaml"
    path.write_text(GOOD)
    file: RuleFile[Plans] = RuleFile("assignment", path, parse_plans, lambda: load_plans(None))
    registry = CollectorRegistry()
    watch = RuleWatch(file, registry=registry)
    before = file()

    def broken() -> float | None:
        return registry.get_sample_value("casetrail_rules_broken", {"rules": "assignment"})

    async def look() -> dict[str, object]:
        await watch.look()
        return (await check({"rules": watch.ping}, 5))["rules"]

    assert "note" not in asyncio.run(look())
    path.write_text("plans:\n  - choose: [fastest]\n")
    ready = asyncio.run(look())
    assert ready["ok"] is True
    assert "line 2: there is no strategy 'fastest'" in str(ready["note"])
    assert (file(), broken()) == (before, 1)
    path.unlink()
    assert "cannot be read" in str(asyncio.run(look())["note"])
    assert file() is before
    path.write_text("plans:\n  - choose: [round-robin]\n")
    assert "note" not in asyncio.run(look())
    assert [step.kind for step in file().plans[0].steps] == ["round-robin"]
    assert broken() == 0
    taken = registry.get_sample_value("casetrail_rules_taken_over_total", {"rules": "assignment"})
    assert taken == 1


def test_an_edit_taken_back_is_no_problem_any_more(tmp_path: Path) -> None:
    """The old text again, after a broken edit: nothing to take over, and nothing wrong."""
    path = tmp_path / "assignment.yaml"
    path.write_text(GOOD)
    file: RuleFile[Plans] = RuleFile("assignment", path, parse_plans, lambda: load_plans(None))
    path.write_text("plans: 3")
    assert asyncio.run(file.look()) is False
    assert file.problem is not None
    path.write_text(GOOD)
    asyncio.run(file.look())
    assert file.problem is None


def test_without_a_file_there_is_nothing_to_look_at() -> None:
    """What ships does not change while the service runs."""
    file: RuleFile[Plans] = RuleFile("assignment", None, parse_plans, lambda: load_plans(None))
    assert asyncio.run(file.look()) is False
    assert file().plans
