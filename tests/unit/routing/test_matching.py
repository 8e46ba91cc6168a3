"""Words looked up by their first letter are those that a look at every word would find."""

from itertools import chain

from casetrail_routing.adapters.rules_yaml import load_rules
from casetrail_routing.domain.matching import Finder
from hypothesis import given, settings
from hypothesis import strategies as st

PHRASES = tuple(
    chain.from_iterable((*rule.phrases, *rule.unless) for rule in load_rules(None).complaints)
)
FINDER = Finder(PHRASES)
FORMS = sorted({form for word in FINDER._words for form in word.forms})


@st.composite
def tokens(draw: st.DrawFn) -> str:
    """A word of the rules as hands write it: held down, swapped, cut, with a letter too many."""
    word = list(draw(st.sampled_from(FORMS)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(word) - 1))
        kind = draw(st.sampled_from(("hold", "swap", "cut", "more", "vowel")))
        if kind == "hold":
            word[at:at] = [word[at]] * draw(st.integers(1, 3))
        elif kind == "swap":
            word[at : at + 2] = reversed(word[at : at + 2])
        elif kind == "cut" and len(word) > 1:
            del word[at]
        elif kind == "more":
            word[at:at] = draw(st.sampled_from("aeiouxyzکہ7"))
        else:
            word[at] = draw(st.sampled_from("aeiou"))
    return "".join(word)


@settings(max_examples=1000, deadline=None)
@given(tokens() | st.text(min_size=1, max_size=12))
def test_none_is_missed_and_none_is_added(token: str) -> None:
    """Against a look at all of them."""
    every = frozenset(n for n, word in enumerate(FINDER._words) if word.fits(token))
    assert FINDER._is(token) == every


def test_the_words_of_the_rules_are_found() -> None:
    """The property above is not about nothing."""
    assert len(FORMS) > 100
    assert all(FINDER._is(form) for form in FORMS if " " not in form)
