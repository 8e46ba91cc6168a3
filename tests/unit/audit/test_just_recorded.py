"""What was recorded last, taken without reading it again."""

import json

from casetrail_audit.domain.record import Record
from casetrail_audit.ports import Place
from casetrail_audit.use_cases.just_recorded import JustRecorded

from tests.unit.audit.history import History, records_of


def four_records() -> list[Record]:
    """Of four messages, at 1 to 4."""
    history = History()
    for _ in range(4):
        history.says("cv_1")
    return records_of(history.events)


def place(record: Record, kind: str = "event") -> Place:
    """Where the database says that it is, and as what."""
    return Place(record["_id"], kind, record["recorded_at"])


def test_what_was_stored_is_taken_as_the_database_would_give_it() -> None:
    """Its leaf input parsed, its time in milliseconds; in the order of the places, and once."""
    records = four_records()
    just = JustRecorded()
    just.add([records[1], records[0]])
    taken = just.take([place(records[0]), place(records[1])])
    assert taken is not None
    assert [one.seq for one in taken] == [1, 2]
    for one, record in zip(taken, records, strict=False):
        assert one.content == json.loads(record["leaf_input"])
        assert (one.leaf, one.event_id) == (record["leaf"], record["event_id"])
        assert one.recorded_at.microsecond % 1000 == 0
    assert just.take([place(records[0]), place(records[1])]) is None


def test_one_that_is_not_here_or_is_a_copy_now_has_all_of_them_read() -> None:
    """What another replica stored, and what was demoted since, only the database can tell."""
    records = four_records()
    just = JustRecorded()
    just.add(records[:2])
    assert just.take([place(one) for one in records[:3]]) is None
    just.add(records[:2])
    assert just.take([place(records[0]), place(records[1], "duplicate")]) is None


def test_what_follows_without_a_hole_need_not_be_read() -> None:
    """All of it or nothing: with a hole, above or below, others record as well."""
    records = four_records()
    just = JustRecorded()
    just.add([records[2], records[1]])
    assert just.places_after(0) == []  # 1 is not here
    assert [one.seq for one in just.places_after(1)] == [2, 3]
    assert [one.seq for one in just.places_after(2)] == [3]
    assert just.places_after(3) == []
    (third,) = just.places_after(2)
    assert third.recorded_at.microsecond % 1000 == 0
    assert (third.kind, third.provisional) == ("event", False)
    just.take([third])
    just.add([records[3]])
    assert just.places_after(1) == []  # 3 was taken
    just.forget()
    assert just.places_after(3) == []
    assert just.take([place(records[3])]) is None


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """What was added first goes first."""
    records = four_records()
    sizes = [len(record["leaf_input"]) for record in records]
    just = JustRecorded(most_bytes=sum(sizes[1:]))
    just.add(records)
    just.add(records[1:])  # again: counted once
    assert just.take([place(records[0])]) is None
    taken = just.take([place(one) for one in records[1:]])
    assert taken is not None
    assert [one.seq for one in taken] == [2, 3, 4]
