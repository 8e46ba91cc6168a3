"""The rules file: read, or refused with every fault and its line."""

from pathlib import Path

import pytest
from casetrail_routing.adapters.rules_yaml import load_rules, parse_rules
from casetrail_runtime.yaml_file import FileInvalid

GOOD = """\
spellings:
  ur-Latn:
    nahi: [nahin, nhi]
rules:
  - name: not-there
    means: It is not there.
    phrases:
      ur-Latn: [nahi aya]
      en:
        - not here
    unless:
      en: [if not here]
"""


def problems(text: str) -> list[str]:
    """The faults of a file."""
    with pytest.raises(FileInvalid) as refused:
        parse_rules(text, "rules.yaml")
    return refused.value.problems


def test_a_file_is_read_with_its_spellings() -> None:
    """A word of a phrase stands for every spelling of it."""
    (rule,) = parse_rules(GOOD, "rules.yaml").complaints
    assert [match.phrase for match in rule.matches("parcel nhi aya")] == ["nahi aya"]
    assert rule.matches("if not here") == ()
    assert '"spellings":{"ur-Latn":{"nahi":["nahin","nhi"]}}' in rule.text


def test_every_fault_is_named_with_its_line() -> None:
    """One reading of a broken file tells all there is to mend."""
    broken = """\
rules:
  - name: one
    phrases:
      fr: [en retard]
      en: [late, Late!, "...", 7]
  - name: one
    means: again
    phrase: {}
    phrases: {en: []}
  - just words
"""
    assert problems(broken) == [
        "line 2: a rule needs 'means'",
        "line 4: language 'fr' is none of en, ur, ur-Latn",
        "line 5: phrase 'Late!' stands already in line 5",
        "line 5: phrase '...' has no letter or digit",
        "line 5: a phrase must be text; '7' is not (put it in quotes)",
        "line 8: a rule has no 'phrase'; it may have name, means, phrases, unless, times",
        "line 9: 'en' must be a list with at least one entry",
        "line 10: a rule must be `name: value` lines",
    ]


def test_the_same_rule_twice_is_a_fault() -> None:
    """Two rules of one name could not be told apart in the log."""
    rule = "  - {name: a, means: b, phrases: {en: [late]}}\n"
    assert problems("rules:\n" + rule + rule) == ["line 3: rule 'a' stands already in line 2"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the file is empty; it needs `rules:`"),
        ("rules: []", "line 1: 'rules' must be a list with at least one entry"),
        ("- a", "line 1: the file must be `name: value` lines"),
        ("rules:\n  - name: [x", "line 2: "),
        ("spellings: {en: [a]}\nrules: []", "line 1: spellings of en must be `word: [other"),
        (
            "rules: [{name: a, means: b, phrases: {en: [late]}, times: 0}]",
            "line 1: times must be a whole number from 1",
        ),
        (
            "rules: [{name: a, means: b, phrases: {en: [it]}}]\nrepeats:\n  - {name: r, means: m}",
            "line 3: a repeat needs 'messages'",
        ),
        (
            (
                "rules: [{name: a, means: b, phrases: {en: [late]}}]\n"
                "waiting:\n  - {name: so long, means: m, minutes: soon}"
            ),
            "line 3: name 'so long' must be of a-z, 0-9 and -",
        ),
        ("spellings: {en: {two words: [a]}}\nrules: []", "line 1: 'two words' must be one word"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, problem: str) -> None:
    """The first sentence says what the file lacks."""
    assert problems(text)[0].startswith(problem)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file and bytes that are no text are faults, not tracebacks."""
    with pytest.raises(FileInvalid, match="cannot be read"):
        load_rules(tmp_path / "missing.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileInvalid, match="cannot be read"):
        load_rules(tmp_path / "bytes.yaml")


def test_a_file_of_ones_own_replaces_the_rules_that_ship(tmp_path: Path) -> None:
    """Only its rules are in force."""
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert [rule.name for rule in load_rules(path).complaints] == ["not-there"]


def test_the_reference_names_every_rule_that_ships() -> None:
    """Who reads an event finds its rule in the docs."""
    docs = Path(__file__).parents[3] / "docs" / "reference" / "escalation-rules.md"
    text = docs.read_text(encoding="utf-8")
    rules = load_rules(None)
    names = [rule.name for rule in rules.complaints]
    names += [rule.name for rule in rules.repeats] + [rule.name for rule in rules.waiting]
    assert [name for name in names if f"`{name}`" not in text] == []
