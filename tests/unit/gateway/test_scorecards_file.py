"""The file of scorecards: every fault with its line, and a version that follows the text."""

import pytest
from casetrail_gateway.adapters.scorecards_yaml import load_scorecards, parse_scorecards
from casetrail_runtime.yaml_file import FileInvalid

KNOWN = "id, title, points, weight, critical, help"
GOOD = """\
scorecards:
  - name: short
    title: Short
    criteria:
      - id: tone
        title: Calm throughout
        points: 2
"""


def faults(text: str) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(FileInvalid) as caught:
        parse_scorecards(text, "cards.yaml")
    return str(caught.value).splitlines()


def test_the_scorecards_that_ship_can_be_used() -> None:
    """Two of them, the first with a question that decides alone."""
    cards = load_scorecards(None)
    assert sorted(cards) == ["escalation", "support"]
    assert [c.id for c in cards["support"].criteria if c.critical] == ["private"]


def test_a_version_follows_the_questions() -> None:
    """Comments and layout change nothing, a weight does."""
    version = parse_scorecards(GOOD, "f")["short"].version
    assert parse_scorecards(f"# ours\n{GOOD}", "f")["short"].version == version
    assert parse_scorecards(f"{GOOD}        weight: 2\n", "f")["short"].version != version
    assert version.startswith("sha256:")


def test_every_fault_is_told_with_its_line() -> None:
    """All of them at once."""
    text = (
        GOOD.replace("points: 2", "points: none").replace("name: short", "name: Short Card")
        + "      - id: tone\n        title: Again\n        points: 1\n        colour: red\n"
        + "      - id: bare\n"
        + "  - title: No name\n"
    )
    assert faults(text) == [
        "cards.yaml: line 2: 'Short Card' is no name: use a-z, 0-9, _ and -, at most 40 of them",
        "cards.yaml: line 7: points must be a whole number from 1 to 100",
        f"cards.yaml: line 11: a criterion has no 'colour'; it may have {KNOWN}",
        "cards.yaml: line 12: a criterion needs 'title'",
        "cards.yaml: line 12: a criterion needs 'points'",
        "cards.yaml: line 13: a scorecard needs 'name'",
        "cards.yaml: line 13: a scorecard needs 'criteria'",
    ]
    assert faults("") == ["cards.yaml: line 1: the file is empty; it needs 'scorecards'"]


def test_nothing_stands_twice() -> None:
    """A second card of a name and a second question of an id are faults."""
    twice = GOOD + GOOD.partition("\n")[2]
    assert faults(twice) == ["cards.yaml: line 8: the scorecard 'short' stands here twice"]
    more = GOOD + "      - {id: tone, title: Tone, points: 1}\n"
    assert faults(more) == ["cards.yaml: line 8: the criterion 'tone' stands here twice"]
