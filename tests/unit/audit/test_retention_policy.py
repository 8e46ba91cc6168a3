"""Which records leave, and when; and what is wrong with a policy file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from casetrail_audit.archiving.policy_file import load_policy, parse_policy
from casetrail_runtime.yaml_file import FileInvalid

NOW = datetime(2026, 11, 25, tzinfo=UTC)
GOOD = """
name: support-log
keep_at_least: 30 days
rules:
  - name: looks
    types: ["access.*"]
    after: 400 days
  - name: kept
    types: ["conversation.escalated"]
    after: never
  - name: conversations
    types: ["conversation.*", "message.received"]
    after: 2 years
  - name: copies
    kinds: [duplicate, poison]
    after: 31 days
  - name: others
    types: ["*"]
    after: 1000 weeks
"""


def test_the_first_rule_that_covers_a_record_decides() -> None:
    """Types by pattern, other records by kind; a rule that says never keeps for ever."""
    policy = parse_policy(GOOD, "retention.yaml")

    def rule(kind: str, action: str | None) -> str | None:
        found = policy.rule_of(kind, action)
        return None if found is None else found.name

    assert rule("event", "access.viewed") == "looks"
    assert rule("event", "conversation.escalated") is None
    assert rule("event", "conversation.opened") == "conversations"
    assert rule("event", "message.received") == "conversations"
    assert rule("event", "message.status_changed") == "others"
    assert rule("event", "foreign.erp.orders") == "others"
    assert rule("duplicate", None) == "copies"
    assert rule("gap", None) is None


@pytest.mark.parametrize("action", ["privacy.erased", "privacy.hold_placed", "retention.archived"])
def test_what_tells_of_erasures_holds_and_archives_never_leaves(action: str) -> None:
    """Not even under a rule for everything."""
    assert parse_policy(GOOD, "retention.yaml").rule_of("event", action) is None


def test_nothing_younger_than_the_minimum_leaves() -> None:
    """Ages are counted from now; the version is that of the file."""
    policy = parse_policy(GOOD, "retention.yaml")
    by_name = {rule.name: rule for rule in policy.rules}
    assert policy.leaves_before(by_name["looks"], NOW) == NOW - timedelta(days=400)
    assert policy.leaves_before(by_name["copies"], NOW) == NOW - timedelta(days=31)
    assert policy.version.startswith("sha256:")
    assert parse_policy(GOOD + "# other", "retention.yaml").version != policy.version


def test_without_a_file_everything_stays() -> None:
    """No policy is no retention."""
    assert load_policy(None) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: the file is empty"),
        ("name: a\nkeep_at_least: 1 day\n", "the file needs 'rules'"),
        ("name: [a", "line 1"),
        (GOOD.replace("30 days", "a month"), "line 3: keep_at_least is a number and a unit"),
        (GOOD.replace("2 years", "soon"), "line 13: after is a number and a unit: 400 days or nev"),
        (GOOD.replace("31 days", "2 days"), "line 16: after is less than keep_at_least"),
        (GOOD.replace("1000 weeks", "9999999 years"), "line 19: after is longer than 1000 years"),
        (GOOD.replace("poison]", "poisson]"), "line 15: there is no kind 'poisson'"),
        (GOOD.replace("copies", "looks"), "line 14: the rule 'looks' is there twice"),
        (GOOD.replace('["*"]', '["privacy.erased"]'), "line 18: 'privacy.erased' never leaves"),
        (GOOD.replace('["*"]', '["access.*"]'), "line 18: 'access.*' stands in a rule above"),
        (GOOD.replace('["*"]', '["a b"]'), "line 18: 'a b' is no type"),
        (GOOD.replace("kinds: [duplicate, poison]", "type: x"), "a rule has no 'type'"),
        (GOOD.replace("    kinds: [duplicate, poison]\n", ""), "needs types or kinds"),
    ],
)
def test_each_fault_of_the_file_is_named_with_its_line(text: str, sentence: str) -> None:
    """Nothing of a policy that cannot be read is guessed."""
    with pytest.raises(FileInvalid) as refused:
        parse_policy(text, "retention.yaml")
    assert sentence in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is no empty policy."""
    with pytest.raises(FileInvalid, match="cannot be read"):
        load_policy(tmp_path / "none.yaml")
