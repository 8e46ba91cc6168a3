"""What became of the cases of a shift that ended, as a pure function of their records. ADR 27."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Outcome = Literal["carried", "accepted", "reowned", "dropped", "closed"]

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "carried": "still with the person whose shift ended",
    "accepted": "taken by somebody themself, or passed on with a note",
    "reowned": "with somebody else, and nobody wrote a note",
    "dropped": "with nobody: in the queue, or only offered",
    "closed": "ended",
}
"""Each outcome of a case, in words."""

PEOPLE: Final = frozenset({"agent", "lead", "reviewer", "admin"})
_NOTES: Final = frozenset({"conversation.note_added", "ticket.note_added"})
_GIVEN: Final = frozenset({"conversation.assigned", "conversation.transferred"})


@dataclass(frozen=True)
class Left:
    """A case as it was when the shift ended: the conversation's version then is `version`."""

    case_id: str
    owner: str
    version: int
    escalated: bool = False


@dataclass(frozen=True)
class Step:
    """A record of the case; `noted` is true when a person wrote a reason or note with it."""

    action: str
    seq: int
    version: int | None = None
    actor_kind: str | None = None
    actor_id: str | None = None
    noted: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_person(self) -> bool:
        """True when a person did it, not a rule, an integration or the customer."""
        return self.actor_kind in PEOPLE

    @property
    def on_conversation(self) -> bool:
        """True for what has a version of the conversation."""
        return self.action.startswith("conversation.") and self.version is not None


@dataclass(frozen=True)
class Became:
    """How the case stands. `missing` are versions of the conversation that the log lacks."""

    case_id: str
    outcome: Outcome
    owner: str | None
    escalated: bool
    escalation_untouched: bool
    """It is marked Escalated, and no person did anything with it since the shift ended."""
    noted: bool
    """A person wrote a note since the shift began, or said something when they gave it away."""
    moved_seq: int | None
    """The record that last changed whose it is."""
    missing: tuple[int, ...] = ()


@dataclass
class _Standing:
    """The case while its records are read."""

    owner: str | None
    escalated: bool
    offered: bool = False
    taken: bool = False
    closed: bool = False
    moved_seq: int | None = None

    def take(self, step: Step) -> None:
        """One more record of the conversation."""
        match step.action.removeprefix("conversation."):
            case "assigned" | "transferred" | "accepted" as how:
                self.owner = step.data.get("owner")
                self.offered = step.data.get("accept_by") is not None
                itself = step.by_person and f"agent:{step.actor_id}" == self.owner
                self.taken = how == "accepted" or (how == "assigned" and itself)
                self.moved_seq = step.seq
            case "unassigned" | "declined":
                self.owner, self.offered, self.taken = None, False, False
                self.moved_seq = step.seq
            case "closed" | "reopened" as how:
                self.closed = how == "closed"
            case "escalated" | "deescalated" as how:
                self.escalated = how == "escalated"

    def outcome(self, before: str, *, noted: bool) -> Outcome:
        """Whose the case is, beside whose it was."""
        if self.closed:
            return "closed"
        if self.owner is None or self.offered:
            return "dropped"
        if self.owner == before:
            return "carried"
        return "accepted" if self.taken or noted else "reowned"


def became(left: Left, began_seq: int, ended_seq: int, steps: Iterable[Step]) -> Became:
    """How a case stands that was left, by its records since the shift began.

    Records of the conversation follow the snapshot by their version, whatever the order in which
    the log took them; others follow it when the log took them after the end of the shift. A note
    counts from the beginning of the shift on: it is written before the desk is left.
    """
    steps = sorted(steps, key=lambda step: step.seq)
    moves = {
        step.version: step
        for step in steps
        if step.on_conversation and step.version is not None and step.version > left.version
    }
    after = [
        step
        for step in steps
        if (step.version in moves if step.on_conversation else step.seq > ended_seq)
    ]
    given = any(step.by_person and step.noted and step.action in _GIVEN for step in after)
    noted = given or any(
        step.by_person and step.action in _NOTES for step in steps if step.seq > began_seq
    )
    standing = _Standing(left.owner, left.escalated)
    for version in sorted(moves):
        standing.take(moves[version])
    outcome = standing.outcome(left.owner, noted=noted)
    open_and_escalated = standing.escalated and outcome != "closed"
    return Became(
        case_id=left.case_id,
        outcome=outcome,
        owner=None if standing.offered else standing.owner,
        escalated=standing.escalated,
        escalation_untouched=open_and_escalated and not any(step.by_person for step in after),
        noted=noted,
        moved_seq=standing.moved_seq,
        missing=tuple(v for v in range(left.version + 1, max(moves, default=0)) if v not in moves),
    )
