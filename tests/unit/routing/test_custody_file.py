"""The file of custody policies, and what is said about a faulty one."""

from datetime import timedelta
from pathlib import Path

import pytest
from casetrail_routing.adapters.custody_yaml import load_policies, parse_policies
from casetrail_routing.domain.custody_policy import CustodyPolicies, CustodyPolicy
from casetrail_runtime.yaml_file import FileInvalid

GOOD = """
default:
  queue: offer
  accept_within: 90s
workspaces:
  main:
    shift_end: queue
    close_idle_after: 3d
  north:
    queue: assign
    outside: free
"""
FIELDS = "queue, accept_within, shift_end, close_idle_after, outside"
BAD = """
default:
  queue: auction
  accept_within: soon
  shift_end: keep
  outside: gone
  colour: red
workspaces:
  Main Office:
    close_idle_after: 400d
"""


def test_a_workspace_takes_from_the_default_what_it_leaves_out() -> None:
    """Each field by itself."""
    policies = parse_policies(GOOD, "custody.yaml")
    ninety = timedelta(seconds=90)
    assert policies.of("main") == CustodyPolicy("offer", ninety, "queue", timedelta(days=3))
    assert policies.of("north") == CustodyPolicy("assign", ninety, outside="free")
    assert policies.of("elsewhere") == CustodyPolicy("offer", ninety)


def test_every_fault_is_told_with_its_line() -> None:
    """All at once, each with what would be right."""
    with pytest.raises(FileInvalid) as fault:
        parse_policies(BAD, "custody.yaml")
    assert fault.value.problems == [
        f"line 7: default has no 'colour'; it may have {FIELDS}",
        "line 3: queue 'auction' is none of assign, offer",
        "line 6: outside 'gone' is none of keep, free",
        "line 4: accept_within 'soon' is no time such as 90s, 3m, 12h or 2d",
        "line 9: 'Main Office' is no workspace: use a-z, 0-9, _ and -",
        "line 10: close_idle_after '400d' is longer than a year",
    ]


@pytest.mark.parametrize("text", ["[", "just words", "- a\n- b", "default: 3"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    """A sentence with the line, never a traceback."""
    with pytest.raises(FileInvalid, match=r"custody.yaml: line 1: "):
        parse_policies(text, "custody.yaml")


def test_no_file_and_an_empty_file_change_nothing(tmp_path: Path) -> None:
    """Cases are given outright, stay at the end of a shift, and close by hand."""
    assert load_policies(None) == CustodyPolicies()
    empty = tmp_path / "custody.yaml"
    empty.write_text("# nothing chosen\n", "utf-8")
    assert load_policies(empty) == CustodyPolicies()
    with pytest.raises(FileInvalid, match="cannot be read"):
        load_policies(tmp_path / "none.yaml")


def test_a_changed_policy_is_another_version() -> None:
    """The words of the rule hold its values, and the version is their hash."""
    one, other = CustodyPolicy(), CustodyPolicy(accept_within=timedelta(seconds=61))
    assert one.accept_timer.version != other.accept_timer.version
    assert "61 seconds" in other.accept_timer.text
