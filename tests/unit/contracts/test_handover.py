"""What became of the cases of a shift: each row of the diff, from its records."""

from typing import Any

import pytest
from casetrail_contracts.handover import Became, Left, Step, became

BEGAN, ENDED = 10, 20
LEFT = Left("CASE-1001", "agent:a", version=4)
ESCALATED = Left("CASE-1001", "agent:a", version=4, escalated=True)


def step(verb: str, version: int, by: str = "service:routing", **fields: Any) -> Step:
    """A record of the conversation, in the log at 20 and its version."""
    kind, _, name = by.partition(":")
    noted = bool(fields.pop("noted", False))
    seq = fields.pop("seq", ENDED + version)
    return Step(f"conversation.{verb}", seq, version, kind, name, noted, fields)


def told(*steps: Step, left: Left = LEFT) -> Became:
    """What became of the case."""
    return became(left, BEGAN, ENDED, steps)


UNASSIGNED, QUEUED = step("unassigned", 5), step("queued", 6, queue="shared-inbox")
ROWS: list[tuple[str, list[Step], str, str | None]] = [
    ("nothing happened", [], "carried", "agent:a"),
    ("the customer wrote", [step("reopened", 5, message_event_id="m")], "carried", "agent:a"),
    ("in the queue", [UNASSIGNED, QUEUED], "dropped", None),
    (
        "only offered",
        [UNASSIGNED, QUEUED, step("assigned", 7, owner="agent:b", accept_by="2026-11-22T10:00Z")],
        "dropped",
        None,
    ),
    (
        "offered and accepted",
        [
            step("assigned", 5, owner="agent:b", accept_by="2026-11-22T10:00Z"),
            step("accepted", 6, "agent:b", owner="agent:b"),
        ],
        "accepted",
        "agent:b",
    ),
    (
        "offered and declined",
        [
            step("assigned", 5, owner="agent:b", accept_by="2026-11-22T10:00Z"),
            step("declined", 6, "agent:b", previous_owner="agent:b"),
        ],
        "dropped",
        None,
    ),
    (
        "claimed",
        [UNASSIGNED, QUEUED, step("assigned", 7, "agent:b", owner="agent:b")],
        "accepted",
        "agent:b",
    ),
    (
        "given by a rule",
        [UNASSIGNED, QUEUED, step("assigned", 7, owner="agent:b")],
        "reowned",
        "agent:b",
    ),
    (
        "a rule is no person, whatever it says",
        [step("assigned", 5, owner="agent:b", noted=True)],
        "reowned",
        "agent:b",
    ),
    (
        "transferred without a word",
        [step("transferred", 5, "agent:a", owner="agent:b")],
        "reowned",
        "agent:b",
    ),
    (
        "transferred with a note",
        [step("transferred", 5, "agent:a", owner="agent:b", noted=True)],
        "accepted",
        "agent:b",
    ),
    (
        "a reason to escalate is no note for the next",
        [
            step("escalated", 5, "lead:l", noted=True),
            step("transferred", 6, "lead:l", owner="agent:b"),
        ],
        "reowned",
        "agent:b",
    ),
    (
        "there and back",
        [
            step("transferred", 5, "agent:a", owner="agent:b"),
            step("transferred", 6, "agent:b", owner="agent:a"),
        ],
        "carried",
        "agent:a",
    ),
    ("closed", [step("closed", 5, "agent:a", owner="agent:a")], "closed", "agent:a"),
    (
        "closed and reopened",
        [step("closed", 5, "agent:a"), step("reopened", 6)],
        "carried",
        "agent:a",
    ),
]


@pytest.mark.parametrize(
    ("steps", "outcome", "owner"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_each_outcome(steps: list[Step], outcome: str, owner: str | None) -> None:
    """Whose the case is and how it came to be, in whatever order the records are given."""
    assert (told(*steps).outcome, told(*steps).owner) == (outcome, owner)
    assert told(*reversed(steps)) == told(*steps)


def test_a_note_left_during_the_shift_counts() -> None:
    """A hand-over note is written before the desk is left; one of an earlier shift is none."""
    moved = step("assigned", 5, owner="agent:b")
    for seq, outcome in ((BEGAN + 1, "accepted"), (BEGAN, "reowned")):
        note = step("note_added", 4, "agent:a", seq=seq)
        assert told(note, moved).outcome == outcome
    on_ticket = Step("ticket.note_added", ENDED + 9, 3, "agent", "a")
    assert told(moved, on_ticket).outcome == "accepted"


def test_versions_decide_and_not_the_order_of_the_log() -> None:
    """What happened after the snapshot counts though the log took it before the end, and back."""
    moved = step("transferred", 5, "agent:a", owner="agent:b", seq=ENDED - 1)
    assert told(moved).outcome == "reowned"
    before = step("assigned", 4, owner="agent:a", seq=ENDED + 1)
    assert told(before) == told()


def test_a_missing_version_is_told() -> None:
    """INVARIANT I4: what became of a case is not certain while the log lacks a version of it."""
    later = step("transferred", 8, "agent:a", owner="agent:b")
    assert told(step("queued", 6), later).missing == (5, 7)
    assert told(step("queued", 5), step("assigned", 6, owner="agent:b")).missing == ()


@pytest.mark.parametrize(
    ("steps", "untouched"),
    [
        ([], True),
        ([step("assigned", 5, owner="agent:b")], True),
        ([step("note_added", 4, "agent:a", seq=ENDED - 2)], True),
        ([Step("message.sent", ENDED + 1, None, "agent", "b")], False),
        ([Step("ticket.status_changed", ENDED - 1, 2, "agent", "a")], True),
        ([Step("ticket.status_changed", ENDED + 1, 2, "lead", "l")], False),
        ([step("tagged", 5, "agent:b", tag="vip")], False),
        ([step("deescalated", 5, "lead:l")], False),
        ([step("closed", 5)], False),
    ],
)
def test_an_escalation_is_untouched_until_a_person_acts(steps: list[Step], untouched: bool) -> None:  # noqa: FBT001
    """Rules may move it about: only a person who does something with it takes it off the list."""
    assert told(*steps, left=ESCALATED).escalation_untouched is untouched
    assert told(*steps).escalation_untouched is False


def test_an_escalation_since_the_end_counts() -> None:
    """Escalated by a rule after everybody left, and nobody looked."""
    assert told(step("escalated", 5)).escalation_untouched is True
    assert told(step("escalated", 5, "lead:l")).escalation_untouched is False
