"""The plan of streams and durables, without a server."""

import pytest
from casetrail_contracts import subjects
from casetrail_runtime.publisher.facts import covers
from casetrail_runtime.streams import DURABLES, STREAMS, planned
from casetrail_runtime.streams.__main__ import subjects as parse_subjects
from casetrail_runtime.streams.check import WHY, differences, sentence


def test_every_setting_has_its_reason() -> None:
    """A sentence of `check` always says what would happen."""
    for spec in (*STREAMS, *DURABLES):
        assert set(spec.settings()) <= set(WHY)


def test_a_deployment_changes_only_what_is_its_own() -> None:
    """Replicas and sizes hold for every stream, extra subjects for SUPPORT alone."""
    support, audit, dead = planned(
        replicas=3, extra_subjects=["orders.>"], max_bytes={"AUDIT": 1000}
    )
    assert support.subjects == (subjects.SUPPORT_SUBJECTS, "orders.>")
    assert (audit.subjects, audit.max_bytes) == ((subjects.AUDIT_SUBJECTS,), 1000)
    assert {spec.replicas for spec in (support, audit, dead)} == {3}
    assert planned() == STREAMS


def test_filters_lie_within_their_stream() -> None:
    """A durable whose filter matches nothing would wait for ever without a word."""
    taken = {spec.name: spec.subjects for spec in STREAMS}
    for durable in DURABLES:
        for pattern in durable.filter_subjects:
            example = pattern.replace("*", "x")
            assert any(covers(subject, example) for subject in taken[durable.stream])


def test_sentences_name_what_is_and_what_must_be() -> None:
    """Lists, switches and numbers are written as people write them."""
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ["b"]
    assert sentence("stream X", "subjects", ["a.>", "b.>"], []) == (
        "stream X: subjects is everything, must be a.>, b.> "
        "(what is published on another subject is stored nowhere)."
    )
    said = sentence("stream X", "deny_purge", wanted=True, found=False)
    assert said == "stream X: deny_purge is off, must be on (nobody may empty the log)."


@pytest.mark.parametrize("text", ["a.>", "a.*.b", "orders.paid, invoices.>", "", " "])
def test_extra_subjects_are_read(text: str) -> None:
    """Names separated by dots, several by commas, none for nothing."""
    assert parse_subjects(text) == [part.strip() for part in text.split(",") if part.strip()]
