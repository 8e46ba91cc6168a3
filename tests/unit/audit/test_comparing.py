"""A record of the running log beside the one that a rebuild made of the same message."""

from typing import Any

from casetrail_audit.domain.record import record_of
from casetrail_audit.rebuilding.comparing import difference

from tests.unit.audit.history import KEY, message, story


def records() -> list[dict[str, Any]]:
    """The records of the story."""
    return [record_of(message(event, seq), KEY) for seq, event in enumerate(story().events, 1)]


def test_a_look_that_an_earlier_version_did_not_mark_is_no_difference() -> None:
    """Records are not rewritten; the mark says nothing that the action does not."""
    looks = [record for record in records() if record.get("look")]
    assert looks
    for made in looks:
        mine = {name: value for name, value in made.items() if name != "look"}
        assert difference(mine, made) is None


def test_a_mark_that_does_not_belong_there_is_a_difference() -> None:
    """INVARIANT I7: a record that timelines leave out although it is no look."""
    for made in records():
        for mark in ("x", None) if made.get("look") else (True, "x", None):
            told = difference({**made, "look": mark}, made)
            assert told is not None, mark
            assert told.endswith("its searchable fields differ from its bytes: look.")
