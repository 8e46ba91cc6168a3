"""Which messages are complaints, by the rules that ship."""

import pytest
from casetrail_routing.adapters.rules_yaml import load_rules
from casetrail_routing.domain.complaints import ComplaintRule, Phrase, find_topic
from casetrail_routing.domain.spelling import spelled
from hypothesis import given
from hypothesis import strategies as st

RULES = load_rules(None).complaints

COMPLAINTS = [
    ("parcel nahi aya, 5 din ho gaye", "parcel-not-arrived"),
    ("mera parcel abhi tak nahin aaya", "parcel-not-arrived"),
    ("Order NAHIII AAYAAA!!!", "parcel-not-arrived"),
    ("mujhe kuch bhi nhi mila", "parcel-not-arrived"),
    ("parcel nai mili bhai", "parcel-not-arrived"),
    ("saman pohncha nahi", "parcel-not-arrived"),
    ("bhai parcel kidhar hai", "parcel-not-arrived"),
    ("My parcel has not arrived yet", "parcel-not-arrived"),
    ("I never received my order", "parcel-not-arrived"),
    ("I didn’t receive anything", "parcel-not-arrived"),
    ("I didnt receive anything", "parcel-not-arrived"),
    ("Where is my order???", "parcel-not-arrived"),
    ("it hasn't arrived", "parcel-not-arrived"),
    ("میرا پارسل نہیں آیا", "parcel-not-arrived"),
    ("ميرا پارسل نهيں آيا", "parcel-not-arrived"),  # typed on an Arabic keyboard
    ("پارسل ابھی تک نہیں مِلا", "parcel-not-arrived"),  # with a vowel mark
    ("آرڈر نہیں‌پہنچا", "parcel-not-arrived"),  # a zero-width non-joiner between the words
    ("آرڈر کہاں ہے؟", "parcel-not-arrived"),
    ("koi masla nahi lekin parcel nahi aya", "parcel-not-arrived"),
    ("The cup is broken", "damaged-or-wrong"),
    ("you sent the wrong size", "damaged-or-wrong"),
    ("shirt kharaab nikli", "damaged-or-wrong"),
    ("galat cheez bhej di", "damaged-or-wrong"),
    ("toota huwa glass mila", "damaged-or-wrong"),
    ("چیز خراب ہے", "damaged-or-wrong"),
    ("غلط سائز بھیج دیا", "damaged-or-wrong"),
    ("I want a refund", "refund-wanted"),
    ("REFUNDDD please", "refund-wanted"),
    ("give me my money back", "refund-wanted"),
    ("mere paisay wapas karo", "refund-wanted"),
    ("میرے پیسے واپس کریں", "refund-wanted"),
    ("ریفنڈ چاہیے", "refund-wanted"),
    ("why is it so late", "late-delivery"),
    ("laaaate again", "late-delivery"),
    ("I am still waiting", "late-delivery"),
    ("bohot der ho gayi hai", "late-delivery"),
    ("بہت دیر ہو گئی", "late-delivery"),
    ("this is a scam", "fraud-alleged"),
    ("ye dhokha hai", "fraud-alleged"),
    ("یہ فراڈ ہے", "fraud-alleged"),
    ("I want to make a complaint", "complaint-made"),
    ("mujhe shikayat karni hai", "complaint-made"),
    ("bara maslah hai yahan", "complaint-made"),
    ("میری شکایت درج کریں", "complaint-made"),
    ("ﺷﻜﺎﻳﺖ ہے", "complaint-made"),  # presentation forms, as old software writes them
    ("شـــکایت", "complaint-made"),  # stretched with tatweel
]
HARMLESS = [
    "salam",
    "koi masla nahi",
    "koi masla nahi hai, shukriya",
    "koi masla nahi aya",
    "کوئی مسئلہ نہیں",
    "koi shikayat nahi",
    "کوئی شکایت نہیں",
    "no complaints, great service",
    "I can't complain",
    "the parcel was not late at all",
    "do you sell latte mugs",
    "what is the latest price",
    "is it available in translate form",
    "what is your refund policy",
    "I got my refund, thank you",
    "I don't want a refund",
    "refund mil gaya shukriya",
    "nothing is broken, thanks",
    "mausam kharab hai aaj",
    "samajh nahi aya",
    "سمجھ نہیں آیا",
    "mera parcel mil gaya",
    "پارسل مل گیا شکریہ",
    "sorry for the late reply",
    "kab tak aye ga?",
    "",
    "👍👍",
    "12345",
]


@pytest.mark.parametrize(("text", "rule"), COMPLAINTS)
def test_a_complaint_is_found_by_the_rule_that_means_it(text: str, rule: str) -> None:
    """Each of these written messages is flagged, and by the rule a person would name."""
    found = find_topic(RULES, text)
    assert found is not None, text
    assert found.rule.name == rule
    for match in found.matched:
        assert 0 <= match.start < match.end <= len(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_message_is_not_flagged(text: str) -> None:
    """Negations, thanks and look-alikes are no complaints."""
    assert find_topic(RULES, text) is None


def test_the_rules_that_ship_have_phrases_in_three_languages() -> None:
    """At least thirty phrases, some in each language."""
    phrases = [phrase for rule in RULES for phrase in rule.phrases]
    assert len(phrases) >= 30
    assert {phrase.language for phrase in phrases} == {"en", "ur", "ur-Latn"}


def test_a_match_says_where_it_stands_in_the_original() -> None:
    """Offsets count characters of what the customer wrote, not of the comparable form."""
    text = "Bhai 😀 ye parcel  NAHIII...aaya 5 din se"
    found = find_topic(RULES, text)
    assert found is not None
    (match,) = found.matched
    assert (match.phrase, match.language) == ("nahi aya", "ur-Latn")
    assert text[match.start : match.end] == "NAHIII...aaya"


def test_every_match_of_the_rule_is_reported_in_order() -> None:
    """Two phrases of one rule are two matches."""
    found = find_topic(RULES, "refund! I want my money back")
    assert found is not None
    assert [(match.phrase, match.start) for match in found.matched] == [
        ("refund", 0),
        ("money back", 18),
    ]


def test_the_first_rule_of_the_file_names_the_complaint() -> None:
    """A message that several rules match is named by the topmost."""
    found = find_topic(RULES, "refund me, the parcel never arrived")
    assert found is not None
    assert found.rule.name == "parcel-not-arrived"


def test_the_version_changes_with_the_rule_and_not_with_its_neighbours() -> None:
    """The version is the hash of the rule's own words."""
    one = ComplaintRule("r", "means", (Phrase("late", "en", {}),))
    same = ComplaintRule("r", "means", (Phrase("late", "en", {"other": ("x",)}),))
    other = ComplaintRule("r", "means", (Phrase("late", "en", {}), Phrase("slow", "en", {})))
    assert one.ref == same.ref
    assert one.ref != other.ref
    assert one.ref.version.startswith("sha256:")
    assert len(one.ref.version) == len("sha256:") + 64


def test_no_text_is_no_complaint() -> None:
    """A photo without a caption has no words."""
    assert find_topic(RULES, None) is None


@given(st.text())
def test_the_comparable_form_keeps_the_way_back(text: str) -> None:
    """Whatever is written: words with single spaces, each character with its place of origin."""
    found = spelled(text)
    assert len(found.text) == len(found.origin)
    assert list(found.origin) == sorted(found.origin)
    assert "  " not in found.text
    assert found.text == found.text.strip(" ")
    assert all(0 <= place < len(text) for place in found.origin)


@given(st.text(), st.sampled_from(["nahi aya", "شکایت", "refund"]), st.text())
def test_a_phrase_between_any_words_is_found_where_it_stands(
    before: str, phrase: str, after: str
) -> None:
    """A rule without exceptions finds its phrase in any surroundings, at the right place."""
    rule = ComplaintRule("r", "means", (Phrase(phrase, "en", {}),))
    text = f"{before} | {phrase} | {after}"
    spans = [text[match.start : match.end] for match in rule.matches(text)]
    assert phrase in spans or len(spans) == 20
