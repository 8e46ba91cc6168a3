"""A bundle that is as it was made: what it shows, what it withholds, what it says."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from casetrail_evidence.bundle.checking import check_bundle
from casetrail_evidence.bundle.choosing import Disclosure
from casetrail_evidence.bundle.faults import ErasureUncertified, ValueMissing
from casetrail_evidence.cli import main
from casetrail_evidence.disclosure import without
from casetrail_evidence.errors import Malformed
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.leaves import field_salts
from casetrail_evidence.rotation import sign_rotation

from tests.unit.evidence.bundles import (
    KEY,
    LOG,
    PHONE,
    SALT,
    TEXT,
    CaseLog,
    bundle_of,
    edited,
    event,
    packed,
    story,
    unpacked,
)


def test_a_whole_bundle_holds() -> None:
    """Five records of the case and one message without a case, each proven; two chains."""
    checked = check_bundle(io.BytesIO(CaseLog(story()).bundle()), [LOG.verifier])
    assert (checked.manifest.records, checked.opened.checkpoint.size, checked.pinned) == (
        6,
        9,
        True,
    )
    assert (checked.present, checked.withheld) == (2, {})
    assert [chain.sentence for chain in checked.chains] == [
        "conversation/cv_6ajxh7e6vooz6cksap7wr3rmvq: versions 1-3, none missing.",
        "ticket/T-1001: version 1, none missing.",
    ]
    assert checked.unversioned == 2


def test_the_same_records_give_the_same_bundle() -> None:
    """Making it again gives the same bytes, which is what lets a verifier compare the pages."""
    assert CaseLog(story()).bundle() == CaseLog(story()).bundle()


def test_a_public_bundle_holds_no_private_value() -> None:
    """INVARIANT I8: no text, phone or salt anywhere in it, packed or unpacked; it still proves."""
    data = CaseLog(story()).bundle("public")
    everything = data + b"".join(unpacked(data).values())
    for secret in (TEXT, TEXT[:10], "پارسل", PHONE, SALT):
        assert secret.encode() not in everything
        assert json.dumps(secret).strip('"').encode() not in everything
    checked = check_bundle(io.BytesIO(data), [LOG.verifier])
    assert (checked.present, checked.withheld) == (0, {"public-disclosure": 2})


def test_a_full_bundle_never_holds_the_salt_of_the_event() -> None:
    """INVARIANT I8: field salts open what is shown; the event's salt would open everything."""
    log = CaseLog(story())
    everything = b"".join(unpacked(log.bundle()).values())
    assert SALT.encode() not in everything
    assert bytes(range(32)).hex().encode() not in everything
    assert PHONE.encode() in everything


def test_a_bundle_of_chosen_fields_shows_these_and_withholds_the_others() -> None:
    """INVARIANT I8: no byte of what was not chosen, nor a salt that would open a guess at it."""
    data = CaseLog(story()).bundle("text")
    everything = b"".join(unpacked(data).values())
    assert PHONE.encode() not in everything
    assert field_salts({"salt": SALT, "phone": PHONE})["phone"].encode() not in everything
    assert TEXT.encode() in unpacked(data)["timeline.html"] or TEXT[:20].encode() in everything
    checked = check_bundle(io.BytesIO(data), [LOG.verifier])
    assert (checked.present, checked.withheld) == (1, {"chosen-disclosure": 1})
    assert "THE PERSONAL VALUES text ARE IN" in unpacked(data)["README.txt"].decode()


@pytest.mark.parametrize("odd", ["", "text,phone", "text,text", "full,text", "te xt", "a,", "ä"])
def test_a_disclosure_has_one_spelling(odd: str) -> None:
    """Names sorted and once each; public and full alone: anything else is no manifest."""
    files = unpacked(CaseLog(story()).bundle())
    changed = edited(files, "manifest.json", lambda m: m.update(disclosure=odd))
    with pytest.raises(Malformed):
        check_bundle(packed(changed), [LOG.verifier])


def test_what_an_erasure_left_of_a_record_is_shown_with_its_own_salt() -> None:
    """INVARIANT I8: without the event's salt the field that is left opens, nothing else does."""
    log = erased_log()
    made = log.events[1]
    assert made is not None
    made["private"] = without({"salt": SALT, "phone": PHONE, "text": TEXT}, ["text"])
    data = bundle_of(log.records(erased={"text": "customer-request/1"}), log.note())
    checked = check_bundle(io.BytesIO(data), [LOG.verifier])
    assert (checked.present, checked.withheld) == (1, {"customer-request/1": 1})
    assert SALT not in str(made["private"])


def erased_log() -> CaseLog:
    """The story with the message's text erased, and the certificate of that in the log."""
    log = CaseLog(story())
    row = {"seq": 5, "kind": "event", "fields": ["text"], "leaf": log.leaves[1].hex()}
    data = {"policy": "customer-request", "policy_version": 1, "records": [row]}
    certificate = event(10, "privacy.erased", "erasure/er_1", 2, caseid=None, data=data)
    log = CaseLog([*story(), certificate])
    made = log.events[1]
    assert made is not None
    made["private"] = {"salt": SALT, "phone": PHONE}
    return log


@pytest.mark.parametrize("disclosure", ["full", "public"])
def test_erased_values_are_withheld_under_their_policy(disclosure: Disclosure) -> None:
    """INVARIANT I8: an erased value is withheld under its policy; the proof still holds."""
    log = erased_log()
    records = log.records(disclosure, erased={"text": "customer-request/1"})
    data = bundle_of(records, log.note(), disclosure=disclosure)
    checked = check_bundle(io.BytesIO(data), [LOG.verifier])
    phone = {} if disclosure == "full" else {"public-disclosure": 1}
    assert checked.withheld == {"customer-request/1": 1, **phone}


@pytest.mark.parametrize("policy", ["customer-request/2", "forgotten"])
def test_an_erasure_without_its_certificate_is_a_fault(policy: str) -> None:
    """INVARIANT I7: redacted without a certificate: the claim alone is not enough."""
    log = erased_log()
    records = log.records(erased={"text": policy})
    with pytest.raises(ErasureUncertified, match=r"records/0001\.json: the value of 'text'"):
        check_bundle(io.BytesIO(bundle_of(records, log.note())), [LOG.verifier])


def test_a_value_that_is_simply_gone_is_missing() -> None:
    """A value neither shown nor withheld under a policy is a fault of its own."""
    log = CaseLog(story())
    made = story()[1]
    assert made is not None
    made["private"] = None
    log.events[1] = made
    with pytest.raises(ValueMissing, match=r"records/0001\.json: phone"):
        check_bundle(io.BytesIO(bundle_of(log.records(), log.note())), [LOG.verifier])


def test_an_old_bundle_is_valid_and_says_of_when_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A replayed bundle holds, names its size and time, and says that what came later is not in."""
    file = tmp_path / "old.zip"
    file.write_bytes(CaseLog(story()).bundle(size=4))
    assert main(["bundle", str(file), "--key", KEY]) == 0
    said = capsys.readouterr().out
    assert "The log had 4 entries then" in said
    assert "What came later is not in this bundle." in said
    assert "Made at 2026-11-22T12:00:00Z, as its maker says." in said


def test_without_a_key_the_command_says_so_loudly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key of the bundle itself proves only that it agrees with itself, and that comes first."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(CaseLog(story()).bundle())
    assert main(["bundle", str(file)]) == 0
    assert capsys.readouterr().out.startswith("WARNING: NO KEY WAS GIVEN.")
    assert main(["bundle", str(file), "--key", KEY]) == 0
    assert "WARNING" not in capsys.readouterr().out


def test_a_key_pinned_before_a_rotation_still_checks() -> None:
    """The bundle carries the notes that lead from an old key to the one that signs now."""
    log, new = CaseLog(story()), SignerKey(LOG.name, bytes(range(7, 39)))
    note = log.note(key=new)
    rotation = str(sign_rotation(3, LOG, new))
    records = log.records(note=note)
    data = bundle_of(records, note, key=str(new.verifier), rotations=[rotation])
    checked = check_bundle(io.BytesIO(data), [LOG.verifier])
    assert checked.opened.signed_by[0].key == new.verifier


def test_a_later_case_of_a_conversation_begins_where_it_was_opened() -> None:
    """Versions before the case belong to earlier cases, which is said and no hole."""
    subject = "conversation/cv_6ajxh7e6vooz6cksap7wr3rmvq"
    log = CaseLog(
        [event(1, "conversation.opened", subject, 8), event(2, "conversation.closed", subject, 9)]
    )
    (chain,) = check_bundle(io.BytesIO(log.bundle()), [LOG.verifier]).chains
    assert chain.missing == []
    assert chain.sentence.endswith("versions before 8 belong to earlier cases of the conversation.")


def test_the_pages_ask_nobody_for_anything() -> None:
    """No address of another server stands in them, and their policy lets nothing be loaded."""
    files = unpacked(CaseLog(story()).bundle())
    for name in ("timeline.html", "verify.html"):
        text = files[name].decode()
        assert "default-src 'none'" in text
        for asking in ("http:", "https:", "//cdn", " src=", "@import", "url("):
            assert asking not in text
    timeline = files["timeline.html"].decode()
    assert "پارسل نہیں آیا &lt;b&gt;&amp;" in timeline
    assert "<b>" not in timeline
    assert '<time datetime="2026-11-22T10:14:02.120000+00:00">22 Nov 2026, 10:14:02 UTC' in timeline


def test_the_readme_says_what_is_not_proven() -> None:
    """The text names the case and the key, and what no bundle can show."""
    readme = unpacked(CaseLog(story()).bundle())["README.txt"].decode()
    assert "CASE-1001" in readme
    assert KEY in readme
    assert "WHAT IS NOT PROVEN" in readme
    assert "@" not in readme.replace("tlog-proof@v1", "")
    assert max(len(line) for line in readme.splitlines()) <= 110


def test_the_archive_is_plain() -> None:
    """Names, times and attributes of the zip tell nothing about the machine it was made on."""
    with zipfile.ZipFile(io.BytesIO(CaseLog(story()).bundle())) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(entry.filename for entry in entries)[:5] == [
        "README.txt",
        "checkpoint",
        "key",
        "manifest.json",
        "records/0001.json",
    ]


ODD: list[dict[str, object]] = [
    {"data": []},
    {"data": {"actor": "x", "changes": 5, "reason": {}, "on_behalf_of": 1, "weight": 1e300}},
    {"data": {"changes": [1, {"field": 2}, {"field": "f"}], "x" * 500: "y" * 5000}},
    {"type": 7, "subject": ["s"], "time": {}, "sequence": 3, "id": None},
    {"conversationid": ["x"], "causationid": 9, "time": "9999-12-31T23:59:59-23:00"},
    {"type": "casetrail.privacy.erased.v1", "data": {"records": [3, {"fields": [[], 1]}]}},
    {"type": "another.team", "subject": "<script>alert(1)</script>", "time": "0001-01-01T00:00Z"},
]


@pytest.mark.parametrize("odd", ODD)
def test_an_event_of_any_shape_is_told(odd: dict[str, object]) -> None:
    """Another team's event may be anything: it is proven and shown all the same."""
    opened = event(1, "conversation.opened", "conversation/cv_1", 1)
    log = CaseLog([opened, {**event(2, "erp.note", "erp/1"), **odd}])
    data = log.bundle()
    assert check_bundle(io.BytesIO(data), [LOG.verifier]).manifest.records == 2
    assert b"<script>alert" not in unpacked(data)["timeline.html"]
    assert b"<script>alert" not in unpacked(data)["verify.html"]
