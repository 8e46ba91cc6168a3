"""INVARIANT I7 for bundles: each attack is caught, each with its own exit code and sentence.

A clumsy attacker changes a file. A clever one then makes every hash, versions.json and every page
agree with the change again (`covered_up`): what is left to catch him is the signed tree.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from casetrail_evidence.bundle.document import Manifest, record_name
from casetrail_evidence.cli import main

from tests.unit.evidence.bundles import (
    FORGER,
    KEY,
    LOG,
    CaseLog,
    Files,
    bundle_of,
    covered_up,
    edited,
    packed,
    story,
    unpacked,
)

FIRST, OPENED, ASSIGNED = "records/0001.json", "records/0002.json", "records/0003.json"


@pytest.fixture
def files() -> Files:
    """The files of a bundle that holds."""
    return unpacked(CaseLog(story()).bundle())


def verdict(tmp_path: Path, files: Files, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the sentence of `casetrail-verify bundle` with the pinned key."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(packed(files).getvalue())
    code = main(["bundle", str(file), "--key", KEY])
    return code, capsys.readouterr().err


def edit_reason(record: dict[str, Any]) -> None:
    """Another reason in what was logged."""
    leaf = json.loads(record["leaf_input"])
    leaf["event"]["data"]["reason"] = "by hand"
    text = json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    record["leaf_input"] = text


def edit_value(record: dict[str, Any]) -> None:
    """Other words in the customer's mouth."""
    record["disclosed"]["text"]["value"] = "everything is fine"


def without(files: Files, name: str) -> Files:
    """The files without one."""
    return {key: data for key, data in files.items() if key != name}


def swapped(files: Files) -> Files:
    """Two record files under each other's names."""
    return {**files, OPENED: files[ASSIGNED], ASSIGNED: files[OPENED]}


def crossed(files: Files) -> Files:
    """What was logged in two records, under each other's place and proof."""
    one, other = json.loads(files[OPENED]), json.loads(files[ASSIGNED])
    texts = {OPENED: other["leaf_input"], ASSIGNED: one["leaf_input"]}
    for name, text in texts.items():

        def put(record: dict[str, Any], text: str = text) -> None:
            record["leaf_input"] = text

        files = edited(files, name, put)
    return files


def drop_value(record: dict[str, Any]) -> None:
    """A value taken out without a word."""
    del record["disclosed"]["text"]


def with_page_edited(files: Files) -> Files:
    """Another sentence in the timeline, and the manifest made to fit."""
    page = files["timeline.html"].replace(b"Agent A", b"Agent B")
    clever = edited({**files, "timeline.html": page}, "manifest.json", lambda _: None)
    return edited(
        clever, "manifest.json", lambda m: m["files"].update({"timeline.html": _sha(page)})
    )


def _sha(data: bytes) -> str:
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(data).hexdigest()


def other_checkpoint(files: Files) -> Files:
    """The checkpoint of another size beside proofs of this one."""
    note = CaseLog(story()).note(8)
    tree = json.loads(_manifest_of(8))["tree"]
    changed = edited(
        {**files, "checkpoint": note.encode()}, "manifest.json", lambda m: m.update(tree=tree)
    )
    return covered_up(changed)


def _manifest_of(size: int) -> bytes:
    return unpacked(CaseLog(story()).bundle(size=size))["manifest.json"]


def forged(**head: Any) -> Files:
    """The bundle signed anew with a key of the same name."""
    log = CaseLog(story())
    note = log.note(key=FORGER)
    return unpacked(bundle_of(log.records(note=note), note, **head))


def other_case(files: Files) -> Files:
    """The bundle said to be of another case."""
    return covered_up(edited(files, "manifest.json", lambda m: m.update(case="CASE-1002")))


def said_not_chosen(record: dict[str, Any]) -> None:
    """A value taken out under a policy that this bundle does not have."""
    del record["disclosed"]["text"]
    record["withheld"]["text"] = "chosen-disclosure"


ATTACKS: dict[str, tuple[Callable[[Files], Files], int, str]] = {
    "a record's text edited": (
        lambda f: edited(f, ASSIGNED, edit_reason),
        44,
        "records/0003.json is not the file that the manifest lists",
    ),
    "said to show the phone only, covered up": (
        lambda f: covered_up(edited(f, "manifest.json", lambda m: m.update(disclosure="phone"))),
        45,
        "records/0001.json: it shows the value of 'text', which is not chosen",
    ),
    "a value said not to be chosen, covered up": (
        lambda f: covered_up(edited(f, FIRST, said_not_chosen)),
        45,
        "records/0001.json: it withholds 'text' under policy chosen-disclosure",
    ),
    "a record's text edited, covered up": (
        lambda f: covered_up(edited(f, ASSIGNED, edit_reason)),
        18,
        "records/0003.json: it is not in the log like this",
    ),
    "a disclosed value edited, covered up": (
        lambda f: covered_up(edited(f, FIRST, edit_value)),
        19,
        "records/0001.json: The value shown for 'text' is not the one that was logged",
    ),
    "a value dropped, covered up": (
        lambda f: covered_up(edited(f, FIRST, drop_value)),
        50,
        "(records/0001.json: text)",
    ),
    "a record removed": (
        lambda f: without(f, ASSIGNED),
        42,
        "records/0003.json is not in the bundle: it was removed",
    ),
    "a record removed, covered up": (
        lambda f: covered_up(without(f, ASSIGNED)),
        49,
        "versions 1-3; MISSING: version 2.",
    ),
    "two records swapped": (swapped, 44, "records/0002.json is not the file"),
    "two records swapped, covered up": (
        lambda f: covered_up(swapped(f)),
        30,
        "records/0003.json stands out of its order: records were swapped",
    ),
    "the texts of two records crossed, covered up": (
        lambda f: covered_up(crossed(f)),
        30,
        "what was logged says sequence 8: records were swapped or moved",
    ),
    "signed by a key of the same name": (lambda _: forged(), 11, "No signature is by a key"),
    "signed and keyed by another": (
        lambda _: forged(key=str(FORGER.verifier)),
        11,
        "No signature is by a key",
    ),
    "another checkpoint of the same log": (other_checkpoint, 47, "against another checkpoint"),
    "a size that the checkpoint does not sign": (
        lambda f: covered_up(edited(f, "manifest.json", lambda m: m["tree"].update(size=10))),
        45,
        "The manifest says the log is log.example/support with 10 entries",
    ),
    "versions.json edited": (
        lambda f: {**f, "versions.json": f["versions.json"].replace(b"none missing", b"all here")},
        44,
        "versions.json is not the file",
    ),
    "the timeline edited, its hash made to fit": (
        with_page_edited,
        51,
        "timeline.html is not what follows from the records",
    ),
    "verify.html made to lie": (
        lambda f: {**f, "verify.html": f["verify.html"].replace(b"!same(root", b"!!same(root")},
        51,
        "verify.html is not what follows",
    ),
    "said to be of another case, covered up": (
        other_case,
        46,
        "records/0002.json: it is of CASE-1001",
    ),
    "said to be of another workspace, covered up": (
        lambda f: covered_up(edited(f, "manifest.json", lambda m: m.update(workspace="other"))),
        46,
        "records/0001.json: it is of the workspace main",
    ),
    "said to be public, covered up": (
        lambda f: covered_up(edited(f, "manifest.json", lambda m: m.update(disclosure="public"))),
        45,
        "shows personal values, though the bundle is public",
    ),
    "another time of making": (
        lambda f: edited(f, "manifest.json", lambda m: m.update(made_at="2026-11-23T12:00:00Z")),
        51,
        "README.txt is not what follows",
    ),
    "a file nobody listed": (
        lambda f: {**f, "records/0007.json": f[FIRST]},
        43,
        "records/0007.json is in the bundle, but it does not belong to it",
    ),
    "a format of the future": (
        lambda f: edited(
            f, "manifest.json", lambda m: m.update(format="casetrail-evidence-bundle/2")
        ),
        52,
        "this version of casetrail-verify knows casetrail-evidence-bundle/1",
    ),
    "no checkpoint": (lambda f: without(f, "checkpoint"), 42, "checkpoint is not in the bundle"),
    "no manifest": (
        lambda f: without(f, "manifest.json"),
        42,
        "manifest.json is not in the bundle",
    ),
    "no page": (lambda f: without(f, "verify.html"), 42, "verify.html is not in the bundle"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_caught_with_its_own_sentence(
    attack: str, files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """INVARIANT I7: one exit code for each kind of fault, and a sentence that names the file."""
    change, code, sentence = ATTACKS[attack]
    assert verdict(tmp_path, files, capsys) == (0, "")
    found, said = verdict(tmp_path, change(files), capsys)
    assert (found, sentence in said) == (code, True), said


def test_what_a_bundle_cannot_show_is_the_end_of_a_chain(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit that README.txt states: without its last version a chain looks whole."""
    shortened = covered_up(without(files, record_name(5)))
    assert Manifest.parse(shortened["manifest.json"]).records == 5
    assert verdict(tmp_path, shortened, capsys) == (0, "")
    assert b"That nothing came after the last version shown" in files["README.txt"]


def test_without_a_pinned_key_a_forger_agrees_with_himself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Why the command warns: a log made up from the beginning holds until a key is pinned."""
    file = tmp_path / "forged.zip"
    file.write_bytes(packed(forged(key=str(FORGER.verifier))).getvalue())
    assert main(["bundle", str(file)]) == 0
    assert str(FORGER.verifier) in capsys.readouterr().out
    assert main(["bundle", str(file), "--key", str(LOG.verifier)]) == 11
