"""timeline.pdf in a bundle: optional, listed, bound to the manifest, and said to be a print."""

import hashlib
import io
import json
from pathlib import Path

import pytest
from casetrail_evidence.bundle.checking import check_bundle
from casetrail_evidence.bundle.faults import BundleExtra, BundleIncomplete
from casetrail_evidence.cli import main
from casetrail_evidence.errors import EvidenceError

from tests.unit.evidence.bundles import KEY, LOG, CaseLog, Files, bundle_of, packed, story, unpacked

PDF = b"%PDF-1.7 a print"


def bundle(*, printed: bool = True) -> bytes:
    """The bundle of the story, with a print or without one."""
    log = CaseLog(story())
    note = log.note()
    printer = (lambda _manifest, _records, _history: [PDF[:4], PDF[4:]]) if printed else None
    return bundle_of(log.records("full", note), note, print_timeline=printer)


def files() -> Files:
    """The files of a bundle with a print."""
    return unpacked(bundle())


def test_a_bundle_with_a_print_holds_and_says_what_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The manifest lists it; README.txt, verify.html and the command say its wording is not."""
    path = tmp_path / "case.zip"
    path.write_bytes(bundle())
    assert main(["bundle", str(path), "--key", KEY]) == 0
    assert "what it says was not compared with the records" in capsys.readouterr().out
    made = unpacked(path.read_bytes())
    listed = json.loads(made["manifest.json"])["files"]
    assert listed["timeline.pdf"] == hashlib.sha256(PDF).hexdigest()
    assert b"timeline.pdf    the same history as a print" in made["README.txt"]
    assert b"timeline.pdf is a print of the records" in made["verify.html"]
    assert rb"timeline\.html|timeline\.pdf)$/" in made["verify.html"]


def test_a_bundle_without_a_print_is_as_it_always_was() -> None:
    """No file of it speaks of a print, and it holds."""
    data = bundle(printed=False)
    assert not check_bundle(io.BytesIO(data), [LOG.verifier]).printed
    everything = b"".join(unpacked(data).values())
    assert b"timeline.pdf" not in everything
    assert b"timeline\\.pdf" not in everything
    assert b"@PRINT@" not in everything


def test_a_print_that_was_changed_does_not_fit_the_manifest() -> None:
    """One byte is enough."""
    with pytest.raises(EvidenceError, match=r"timeline\.pdf"):
        check_bundle(packed({**files(), "timeline.pdf": PDF + b" "}), [LOG.verifier])


def test_a_print_that_was_removed_is_missed() -> None:
    """It is listed, so it belongs to the bundle."""
    rest = {name: data for name, data in files().items() if name != "timeline.pdf"}
    with pytest.raises(BundleIncomplete, match=r"timeline\.pdf is not in the bundle"):
        check_bundle(packed(rest), [LOG.verifier])


def test_a_print_that_was_put_in_does_not_belong() -> None:
    """A bundle whose manifest lists none has none."""
    added = {**unpacked(bundle(printed=False)), "timeline.pdf": PDF}
    with pytest.raises(BundleExtra, match=r"timeline\.pdf is in the bundle"):
        check_bundle(packed(added), [LOG.verifier])
