"""INVARIANT I7: every single bit of a bundle counts, and every truncation of it is noticed."""

import functools
import io
import random
from collections.abc import Iterator

import pytest
from casetrail_evidence.bundle.checking import CheckedBundle, check_bundle, check_contents
from casetrail_evidence.errors import EvidenceError

from tests.unit.evidence.bundles import (
    CV,
    LOG,
    SALT,
    CaseLog,
    Files,
    covered_up,
    event,
    flips,
    packed,
    unpacked,
)

SUBJECT = f"conversation/{CV}"
LARGE = 12_000
"""Bytes: of a page larger than this every 41st bit is flipped, of everything else every bit."""


@functools.cache
def small() -> Files:
    """A bundle of two records, one of them with a private value."""
    private = {"salt": SALT, "note": "n"}
    log = CaseLog(
        [
            event(1, "conversation.opened", SUBJECT, 1),
            event(2, "conversation.closed", SUBJECT, 2, private=private),
        ]
    )
    return unpacked(log.bundle())


class Held:
    """The files of a bundle without the zip around them, which saves packing it again."""

    def __init__(self, files: Files) -> None:
        self._files = files

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name]

    def chunks(self, name: str) -> Iterator[bytes]:
        yield self._files[name]


def checked(files: Files) -> CheckedBundle:
    """The bundle, checked with the pinned key."""
    return check_contents(Held(files), [LOG.verifier])


@pytest.mark.parametrize("name", sorted(small()))
def test_every_flipped_bit_is_caught(name: str) -> None:
    """INVARIANT I7: whichever bit of a file is flipped, the bundle no longer verifies."""
    files = small()
    checked(files)
    data = files[name]
    tried = 0
    for flipped in flips(data, 1 if len(data) <= LARGE else 41):
        tried += 1
        with pytest.raises(EvidenceError):
            checked({**files, name: flipped})
    assert tried >= min(len(data) * 8, LARGE * 8 // 41)


@pytest.mark.parametrize("name", ["records/0001.json", "records/0002.json", "checkpoint", "key"])
def test_a_flipped_bit_is_caught_behind_fresh_hashes(name: str) -> None:
    """INVARIANT I7: with the manifest and the pages made to fit, the signed tree still tells."""
    files = small()
    data = files[name]
    for flipped in flips(data, 7):
        try:
            clever = covered_up({**files, name: flipped})
        except (EvidenceError, UnicodeDecodeError, KeyError):
            continue  # not even the attacker's own program can read it
        with pytest.raises(EvidenceError):
            checked(clever)


def test_every_truncation_is_caught() -> None:
    """INVARIANT I7: a zip cut off anywhere is no bundle, wherever it is cut."""
    whole = packed(small()).getvalue()
    cuts = {*range(0, len(whole), 97), *range(len(whole) - 200, len(whole))}
    for cut in sorted(cuts):
        with pytest.raises(EvidenceError):
            check_bundle(io.BytesIO(whole[:cut]), [LOG.verifier])


@pytest.mark.parametrize("name", sorted(small()))
def test_a_shortened_or_lengthened_file_is_caught(name: str) -> None:
    """INVARIANT I7: one byte less or more in any file is a fault."""
    files = small()
    for changed in (files[name][:-1], files[name] + b"\n", files[name] + b"\0", b""):
        with pytest.raises(EvidenceError):
            checked({**files, name: changed})


def test_a_bit_of_the_archive_itself_changes_nothing_unnoticed() -> None:
    """INVARIANT I7: a flip in the zip is a fault, or one in a byte that no content hangs on."""
    whole = packed(small()).getvalue()
    dice = random.Random(20261122)
    caught = 0
    for _ in range(400):
        flipped = bytearray(whole)
        flipped[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        try:
            check_bundle(io.BytesIO(bytes(flipped)), [LOG.verifier])
        except EvidenceError:
            caught += 1
        else:
            assert unpacked(bytes(flipped)) == small()
    assert caught > 350
