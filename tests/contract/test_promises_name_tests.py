"""The attack table of docs/explanation/promises.md: every attack, each with tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ATTACKS = (
    *("edited", "deleted", "inserted", "reordered", "truncated", "swapped", "fork", "replayed"),
    *("forged key", "redacted without a certificate", "event omitted"),
)


def rows() -> list[str]:
    """The rows of the table."""
    text = (ROOT / "docs" / "explanation" / "promises.md").read_text("utf-8")
    table = text.partition("| attack | caught by | tests |")[2]
    return [line for line in table.splitlines()[2:] if line.startswith("| ")]


def test_every_attack_has_a_row_with_a_test() -> None:
    """The attacks we promise to catch, in words of their own."""
    for attack in ATTACKS:
        (row,) = [row for row in rows() if f"**{attack}**" in row]
        assert "`tests/" in row


def test_the_tests_of_the_table_exist() -> None:
    """A renamed test would leave a promise that nobody checks."""
    named = [name for row in rows() for name in re.findall(r"`(tests/[^`]+)`", row)]
    assert len(named) >= len(rows())
    for name in named:
        path, _, function = name.partition("::")
        text = (ROOT / path).read_text("utf-8")
        assert re.search(rf"^(async )?def {re.escape(function)}\(", text, re.MULTILINE), name
