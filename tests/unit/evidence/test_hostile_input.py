"""Whatever is put before the readers, they answer with a fault of ours and with nothing else."""

from collections.abc import Callable

import pytest
from casetrail_evidence.canonical import parse_json
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.keys import SignerKey, VerifierKey
from casetrail_evidence.merkle import root_of
from casetrail_evidence.notes import parse_note
from casetrail_evidence.proof import TlogProof, make_proof, parse_consistency
from casetrail_evidence.tiles import Tile, tile_source
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evidence.trees import numbered_leaves, stored

SOURCE = tile_source(stored(numbered_leaves(5)))
LOG = SignerKey("log.example/casetrail", bytes(range(32)))
NOTE = sign_checkpoint(Checkpoint(LOG.name, 5, root_of(5, SOURCE)), LOG)
PROOF = str(make_proof(3, NOTE, SOURCE))

TEXT_READERS: list[tuple[Callable[[str], object], str]] = [
    (parse_note, str(NOTE)),
    (TlogProof.parse, PROOF),
    (Checkpoint.parse, NOTE.text),
    (VerifierKey.parse, str(LOG.verifier)),
    (SignerKey.parse, LOG.secret_text()),
    (parse_consistency, "A" * 43 + "=\n"),
    (Tile.from_path, "tile/0/x001/234.p/5"),
    (parse_json, '{"a": [1, 2.5e3, "\\ud83d\\ude00"]}'),
]


@pytest.mark.parametrize(("read", "sample"), TEXT_READERS, ids=range(len(TEXT_READERS)))
@settings(deadline=None, max_examples=150)
@given(st.data())
def test_readers_only_refuse(
    read: Callable[[str], object], sample: str, data: st.DataObject
) -> None:
    """Any text, and any piece of text put into a good sample, is read or refused with our error."""
    read(sample)
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, len(sample)))
    noise = data.draw(st.text() | st.sampled_from(["\n", "\n\n", "— ", "+", "=", "\ud800", "\x00"]))
    for text in (noise, sample[:start] + noise + sample[end:]):
        try:
            read(text)
        except EvidenceError as fault:
            assert " " in str(fault)  # a sentence  # noqa: PT017


@settings(deadline=None, max_examples=200)
@given(st.binary())
def test_readers_of_bytes_only_refuse(data: bytes) -> None:
    """Random bytes are never a note or a proof, and never crash a reader."""
    for read in (parse_note, TlogProof.parse):
        with pytest.raises(EvidenceError):
            read(data)
