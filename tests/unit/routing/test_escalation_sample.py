"""The rules that ship against the labelled sample, and what a phrase tolerates."""

from pathlib import Path

import pytest
from casetrail_routing.adapters.rules_yaml import load_rules
from casetrail_routing.domain.complaints import ComplaintRule
from casetrail_routing.domain.matching import Phrase, one_slip

from benchmarks.escalation import LANGUAGES, PARTS, sample, score

RULES = load_rules(None).complaints
DOCS = Path(__file__).parents[3] / "docs" / "reference" / "escalation-rules.md"


def test_the_sample_is_large_and_balanced() -> None:
    """At least 300 different messages; each language and part has many of both kinds."""
    messages = sample()
    assert len({message.text for message in messages}) == len(messages) >= 300
    for part in PARTS:
        for language in LANGUAGES:
            labels = [m.complaint for m in messages if (m.part, m.language) == (part, language)]
            assert 20 <= sum(labels) <= len(labels) - 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rules_do_as_well_as_the_docs_say(language: str) -> None:
    """The figures of the reference are those of today; none is below 0.85."""
    text = DOCS.read_text("utf-8")
    for part in PARTS:
        messages = [m for m in sample() if (m.part, m.language) == (part, language)]
        found = score(RULES, messages)
        figures = f"{found.precision:.3f} | {found.recall:.3f}"
        assert f"| {part} | {language} | {len(messages)} | {figures} |" in text
        assert min(found.precision, found.recall) >= 0.85


@pytest.mark.parametrize(
    ("word", "token", "slip"),
    [
        ("received", "recieved", True),  # neighbours swapped
        ("damaged", "damged", True),  # one missing
        ("refund", "refunnd", True),  # one too many
        ("complaint", "compleint", True),  # one vowel for another
        ("complaint", "compliant", True),
        ("broken", "broker", False),  # one consonant for another is another word
        ("damaged", "managed", False),  # never the first letter
        ("late", "lste", False),  # too short
        ("delivered", "delvred", False),  # two slips
        ("شکایت", "شکیت", True),
        ("خراب", "خرب", False),
        ("refund", "refund", False),
        ("refund", "", False),
    ],
)
def test_one_slip_of_a_hand_is_tolerated(word: str, token: str, slip: bool) -> None:  # noqa: FBT001
    """Within the limit that the reference states, and not beyond it."""
    assert one_slip(word, token) is slip


def test_words_may_stand_where_a_phrase_has_a_gap() -> None:
    """Up to three, and the span is from the first word of the phrase to the last."""
    rule = ComplaintRule("r", "m", (Phrase("hasn't … come", "en", {}),))
    (match,) = rule.matches("it hasn't, as you know, come yet")
    assert (
        "it hasn't, as you know, come yet"[match.start : match.end] == "hasn't, as you know, come"
    )
    assert rule.matches("it hasn't come")
    assert rule.matches("it hasn't in four long days come") == ()
    assert rule.matches("come, it hasn't") == ()


def test_a_slip_in_an_exception_excuses_too() -> None:
    """Both lists are read in the same way."""
    rule = ComplaintRule(
        "r", "m", (Phrase("refund", "en", {}),), (Phrase("refund policy", "en", {}),)
    )
    assert rule.matches("what is your refnd polciy") == ()
    assert rule.matches("refnd me")
