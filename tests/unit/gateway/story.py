"""Documents as audit writes them: a case with its ticket, and what stands around them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from casetrail_contracts.sampling import digest_of, seed_of

Document = dict[str, Any]
START = datetime(2026, 11, 22, 10, 11, 52, tzinfo=UTC)
CV = "cv_6ajxh7e6vooz6cksap7wr3rmvq"
OTHER_CV = "cv_bbbbbbbbbbbbbbbbbbbbbbbbbb"
SECRET_TEXT = "parcel nahi aya, 5 din ho gaye"
PHONE = "923001114291"
LEAF = bytes.fromhex("ab" * 32)


def record(seq: int, action: str, **fields: Any) -> Document:
    """A record document of kind event; what is not given is as audit leaves it."""
    actor = fields.pop("actor", {"kind": "service", "id": "routing"})
    at = fields.pop("at", START + timedelta(seconds=seq * 10))
    return {
        "_id": seq,
        "kind": "event",
        "event_id": f"e{seq}",
        "workspace": "main",
        "type": f"casetrail.{action}.v1",
        "occurred_at": at,
        "recorded_at": START + timedelta(seconds=seq * 10, milliseconds=40),
        "actor": actor,
        "actor_ref": f"{actor['kind']}:{actor['id']}",
        "on_behalf_of": None,
        "action": action,
        "target": f"conversation/{CV}",
        "conversation_id": CV,
        "case_id": None,
        "ticket_id": None,
        "sequence": None,
        "changes": [],
        "reason": None,
        "data": {},
        "correlation_id": None,
        "causation_id": None,
        "private": None,
        "of": None,
        "problem": None,
        "leaf": LEAF,
        "leaf_input": f'{{"seq":{seq}}}',
        **fields,
    }


def story() -> list[Document]:
    """The records of a case, and what stands around them."""
    case = {"case_id": "CASE-1001"}
    ticket = {**case, "ticket_id": "T-1001", "target": "ticket/T-1001"}
    agent = {"kind": "agent", "id": "a", "name": "Agent A"}
    other = {
        "case_id": "CASE-1002",
        "conversation_id": OTHER_CV,
        "target": f"conversation/{OTHER_CV}",
    }
    return [
        record(
            1,
            "message.received",
            actor={"kind": "customer", "id": CV},
            target="message/ms_1",
            data={"message_type": "text", "phone_number_id": "100"},
            private={
                "salt": "c2FsdA==",
                "text": SECRET_TEXT,
                "phone": PHONE,
                "name": "Sana",
                "raw": "{}",
                "wamid": "wamid.X",
            },
        ),
        record(2, "conversation.opened", sequence=1, causation_id="e1", **case),
        record(
            3,
            "conversation.assigned",
            sequence=2,
            causation_id="a-command",
            reason="from shared inbox queue",
            data={"owner": "agent:a", "owner_name": "Agent A", "queue": "shared-inbox"},
            changes=[{"field": "owner", "old": None, "new": "agent:a"}],
            **case,
        ),
        record(4, "message.received", target="message/ms_2", private={"text": "hello?"}),
        {**record(5, "x", kind="duplicate", of=4), "event_id": None, "action": None, "type": None},
        record(
            6, "access.viewed", target="access/x", actor={"kind": "reviewer", "id": "r"}, **case
        ),
        record(
            7,
            "ticket.created",
            sequence=1,
            actor=agent,
            data={"ticket_id": "T-1001", "context": {"message_count": 2}},
            private={"title": "Parcel never came"},
            **ticket,
        ),
        record(8, "conversation.opened", sequence=1, **other),
        record(
            9,
            "ticket.handed_off",
            sequence=4,
            actor=agent,
            data={
                "to": "courier",
                "reference": "TCS-88121",
                "expected_at": "2026-11-23T12:00:00Z",
            },
            **ticket,
        ),
        record(
            10, "message.status_changed", at=START + timedelta(seconds=20), target="message/ms_0"
        ),
        {
            **record(11, "x", kind="gap", problem="deleted", workspace=None),
            **dict.fromkeys(("event_id", "type", "action", "target", "conversation_id", "actor")),
        },
        record(
            12,
            "shift.ended",
            sequence=3,
            actor=agent,
            target="user/a",
            conversation_id=None,
            data={
                "shift_id": "s-1",
                "user_id": "a",
                "cases": [
                    {
                        "case_id": "CASE-1001",
                        "conversation_id": CV,
                        "version": 2,
                        "escalated": False,
                    }
                ],
            },
        ),
    ]


def case_document(name: str = "CASE-1001", **fields: Any) -> Document:
    """A view of a case."""
    return {
        "_id": f"main:{name}",
        "case_id": name,
        "workspace": "main",
        "conversation_id": CV,
        "conversation_ids": [CV],
        "status": "open",
        "queue": None,
        "owner": "agent:a",
        "owner_name": "Agent A",
        "holders": ["agent:a"],
        "escalated": False,
        "ticket_ids": ["T-1001"],
        "opened_at": START,
        "closed_at": None,
        "last_event_at": START + timedelta(seconds=100),
        "opened_seq": 2,
        "episodes": [{"conversation_id": CV, "from_seq": 1, "to_seq": None}],
        "versions": {f"conversation/{CV}": 2, "ticket/T-1001": 4},
        "holes": [
            {"subject": "ticket/T-1001", "first": 2, "last": 3, "after_seq": 7, "before_seq": 9}
        ],
        "as_of_seq": 10,
        **fields,
    }


def erasure_request(seq: int = 900) -> Document:
    """The record of an erasure that was asked for, far above the story."""
    return record(
        seq,
        "privacy.erasure_requested",
        target="erasure/er_1",
        actor={"kind": "admin", "id": "admin", "name": "Admin"},
        data={
            "erasure_id": "er_1",
            "scope": {"kind": "case", "conversation_id": CV, "case_id": "CASE-1001", "seq": None},
            "policy": "customer-request",
            "policy_version": 1,
            "hold_check": {"checked_at": "2026-11-22T10:40:00Z", "holds": []},
        },
        private={"reason": "asked by letter"},
    )


def quality_records(seq: int = 901) -> list[Document]:
    """A sample of one case, and a review of it that is scored, far above the story."""
    root = "ab" * 32
    tree = {"size": 12, "root": root}
    reviewer = {"kind": "reviewer", "id": "r", "name": "A. Reviewer"}
    tone = {"id": "tone", "title": "Calm throughout", "weight": 1, "points": 2}
    card = {"name": "short", "version": "sha256:1", "title": "Short", "criteria": [tone]}
    given = {"criterion": "tone", "points": 1, "cites": [{"seq": 3, "event_id": "e3"}]}
    of_review: Document = {"case_id": "CASE-1001", "target": "review/rv_1", "actor": reviewer}
    common = {"review_id": "rv_1", "about": "agent:a", "tree": tree}
    sample = {
        "sample_id": "sa_1",
        "purpose": "review",
        "method": "random",
        "method_version": "2026-11",
        "seed": seed_of(root, "sa_1"),
        "tree": tree,
        "opened_from": "2026-11-22T10:00:00Z",
        "opened_to": "2026-11-22T10:13:00Z",
        "held_by": None,
        "population": 1,
        "population_digest": digest_of({"CASE-1001": 1}),
        "drawn": [{"case_id": "CASE-1001", "weight": 1}],
    }
    return [
        record(
            seq,
            "review.sampled",
            target="sample/sa_1",
            conversation_id=None,
            actor=reviewer,
            data=sample,
        ),
        record(
            seq + 1,
            "review.opened",
            sequence=1,
            data={**common, "scorecard": card, "sample_id": "sa_1"},
            **of_review,
        ),
        record(
            seq + 2,
            "review.scored",
            sequence=2,
            data={**common, "scores": [given], "total": 50.0},
            private={"comments": {"tone": "Short answers"}},
            **of_review,
        ),
    ]


def other_case_document() -> Document:
    """A case of another agent."""
    return case_document(
        "CASE-1002",
        conversation_id=OTHER_CV,
        conversation_ids=[OTHER_CV],
        owner="agent:b",
        owner_name="Agent B",
        holders=["agent:b"],
        ticket_ids=[],
        opened_seq=8,
        versions={},
        holes=[],
        episodes=[{"conversation_id": OTHER_CV, "from_seq": 8, "to_seq": None}],
    )


def ticket_document() -> Document:
    """A view of a ticket."""
    return {
        "_id": "main:T-1001",
        "ticket_id": "T-1001",
        "workspace": "main",
        "case_id": "CASE-1001",
        "conversation_id": CV,
        "status": "awaiting_courier",
        "priority": "high",
        "category": "delivery",
        "owner": "agent:b",
        "links": [{"target": "case/CASE-1002", "relation": "concerns", "seq": 9}],
        "handoff": {
            "to": "courier",
            "reference": "TCS-88121",
            "expected_at": START + timedelta(days=1),
        },
        "outside": True,
        "created_at": START,
        "resolved_at": None,
        "closed_at": None,
        "version": 4,
        "holes": [],
        "as_of_seq": 9,
    }
