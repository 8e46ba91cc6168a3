"""NKEYs as the NATS project writes them."""

import pytest
from casetrail_runtime.nkeys import NotAnNkey, UserKey
from hypothesis import given
from hypothesis import strategies as st

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
"""A pair of the documentation of NATS."""


def test_a_seed_of_their_documentation_has_the_public_key_they_say() -> None:
    """An example made by the NATS project's own tool."""
    key = UserKey.from_seed(f" {SEED}\n")
    assert (key.public, key.seed) == (PUBLIC, SEED)


@given(raw=st.binary(min_size=32, max_size=32))
def test_a_seed_reads_back(raw: bytes) -> None:
    """Every key has a seed that is its own, and public letters that say what it is."""
    key = UserKey(raw)
    assert UserKey.from_seed(key.seed) == key
    assert (key.seed[:2], len(key.seed), key.public[0], len(key.public)) == ("SU", 58, "U", 56)


@given(place=st.integers(0, 57), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_mistyped_seed_is_refused(place: int, letter: str) -> None:
    """The checksum finds every single wrong letter, and no message repeats the secret."""
    wrong = SEED[:place] + letter + SEED[place + 1 :]
    if wrong == SEED:
        return
    with pytest.raises(NotAnNkey) as refused:
        UserKey.from_seed(wrong)
    assert wrong[5:20] not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["", "SU", PUBLIC, SEED[:-1], SEED + "A", "hunter2", "é" * 58, SEED.replace("SUA", "SAA")],
)
def test_what_is_no_seed_is_refused(text: str) -> None:
    """A public key, a half and a password among them."""
    with pytest.raises(NotAnNkey, match="NKEY"):
        UserKey.from_seed(text)


def test_a_key_does_not_print_its_seed() -> None:
    """Its public half is what a log may show."""
    assert SEED not in repr(UserKey.from_seed(SEED))
