"""Examples of answers, for the OpenAPI document."""

from typing import Any, Final

_CONVERSATION: Final = "cv_6ajxh7e6vooz6cksap7wr3rmvq"
_AGENT: Final = {"kind": "agent", "id": "a", "name": "Agent A"}
_LEAD: Final = {"kind": "lead", "id": "lead1", "name": "Lead 1"}
_RULE: Final = {
    "kind": "service",
    "id": "routing",
    "rule": "least-loaded",
    "rule_version": "sha256:1f1f",
}

CASE: Final[dict[str, Any]] = {
    "case_id": "CASE-1001",
    "conversation_id": _CONVERSATION,
    "status": "open",
    "owner": "agent:a",
    "owner_name": "Agent A",
    "queue": None,
    "escalated": True,
    "tags": ["wedding"],
    "ticket_ids": ["T-1001"],
    "opened_at": "2026-11-22T10:11:52Z",
    "closed_at": None,
    "last_at": "2026-11-22T10:25:40Z",
    "version": 4,
    "as_of_seq": 21,
    "conversation_ids": [_CONVERSATION],
    "merged_into": None,
    "merged_case_ids": [],
}
UNDERSTOOD: Final = [
    {
        "kind": "filter",
        "key": "escalated",
        "value": "yes",
        "text": "escalated:yes",
        "start": 0,
        "end": 13,
    },
    {
        "kind": "phrase",
        "key": "words",
        "value": "parcel never came",
        "text": '"parcel never came"',
        "start": 14,
        "end": 33,
    },
]
CASES: Final = {
    "items": [CASE],
    "next_cursor": None,
    "complete_through": 21,
    "understood": UNDERSTOOD,
}
CUSTOMERS: Final = {
    "items": [
        {
            "customer_id": _CONVERSATION,
            "phone": "····4291",
            "name": "S····",
            "username": None,
            "case_ids": ["CASE-1001"],
            "last_at": "2026-11-22T12:02:10Z",
        }
    ],
    "complete_through": 21,
}
VIEW: Final = {
    "view_id": "vw_0f1e2d3c4b5a69788796a5b4",
    "name": "Angry parcels",
    "q": 'escalated:yes "nahi aya"',
    "of": "cases",
    "shared": True,
    "owner": "lead:lead",
    "saved_at": "2026-11-22T10:40:00Z",
}
VIEWS: Final = {"items": [VIEW], "complete_through": 21}
REVEALED: Final = {
    "customer_id": _CONVERSATION,
    "phone": "920000000000",
    "name": "A customer",
    "user_id": None,
    "username": None,
}
CLOCK: Final[dict[str, Any]] = {
    "ticket_id": "T-1001",
    "clock": "first_response",
    "policy": "delivery",
    "policy_version": "sha256:6c1e1fb0c7c8a1c2a1d3c5f4e6b7d8091a2b3c4d5e6f708192a3b4c5d6e7f809",
    "state": "breached",
    "begun_by": "2f0d6f0a-4a3c-5b1e-9d57-6f4a1f3f0d11",
    "started_at": "2026-11-22T10:19:05Z",
    "target_seconds": 900,
    "used_seconds": 1260,
    "due_at": "2026-11-22T10:34:05Z",
    "breached_at": "2026-11-22T10:34:05Z",
    "noticed_at": "2026-11-22T10:34:05.410Z",
    "stopped_at": "2026-11-22T10:40:05Z",
    "stopped_by": "7d7e6a41-53b0-5a6e-8a0e-33d1f1a8b9c2",
    "started_seq": 17,
    "breached_seq": 20,
    "agrees": True,
    "differences": [],
}
CASE_ANSWER: Final = {
    **CASE,
    "linked_ticket_ids": [],
    "clocks": [CLOCK],
    "clock_faults": [],
    "holes": [],
    "complete_through": 21,
}
TICKET: Final[dict[str, Any]] = {
    "ticket_id": "T-1001",
    "case_id": "CASE-1001",
    "conversation_id": _CONVERSATION,
    "status": "awaiting_courier",
    "priority": "high",
    "category": "delivery",
    "owner": "agent:b",
    "links": [{"target": "case/CASE-1002", "relation": "concerns", "seq": 19}],
    "held_by": "courier",
    "reference": "TCS-88121",
    "expected_at": "2026-11-23T12:00:00Z",
    "chased": 1,
    "chased_at": "2026-11-22T18:40:00Z",
    "created_at": "2026-11-22T10:19:05Z",
    "resolved_at": None,
    "closed_at": None,
    "version": 4,
    "as_of_seq": 21,
}
TICKET_ANSWER: Final = {
    **TICKET,
    "clocks": [CLOCK],
    "clock_faults": [],
    "holes": [],
    "complete_through": 21,
}
ENTRY: Final[dict[str, Any]] = {
    "seq": 7,
    "at": "2026-11-22T10:14:03.120Z",
    "recorded_at": "2026-11-22T10:14:03.124Z",
    "actor": _RULE,
    "on_behalf_of": None,
    "action": "conversation.assigned",
    "target": f"conversation/{_CONVERSATION}",
    "summary": "Assigned to Agent A from shared inbox queue",
    "changes": [{"field": "owner", "old": None, "new": "agent:a"}],
    "reason": "from shared inbox queue",
    "cause": {
        "event_id": "cb49d0fd-f9e7-5455-8a48-18f09c46879a",
        "seq": 5,
        "action": "message.received",
    },
    "event_id": "2384b1f8-046c-5b02-b877-69b5e9a9e446",
    "late": False,
    "copies": 0,
    "case_id": "CASE-1001",
    "ticket_id": None,
}
TIMELINE: Final = {
    "case": CASE,
    "ticket": None,
    "conversation_id": None,
    "entries": [ENTRY],
    "holes": [],
    "complete_through": 21,
    "tree": {"size": 0, "root": None},
    "next_cursor": None,
}
RECORD: Final[dict[str, Any]] = {
    "seq": 5,
    "index": 4,
    "kind": "event",
    "event_id": "cb49d0fd-f9e7-5455-8a48-18f09c46879a",
    "type": "casetrail.message.received.v1",
    "at": "2026-11-22T10:11:52Z",
    "recorded_at": "2026-11-22T10:11:52.480Z",
    "actor": {"kind": "customer", "id": _CONVERSATION},
    "on_behalf_of": None,
    "action": "message.received",
    "target": "message/ms_att4ppgrxshjimw2jrdm32berm",
    "summary": "Message received: «parcel nahi aya, 5 din ho gaye»",
    "conversation_id": _CONVERSATION,
    "case_id": None,
    "ticket_id": None,
    "version": None,
    "changes": [],
    "reason": None,
    "data": {"message_type": "text"},
    "correlation_id": "cb49d0fd-f9e7-5455-8a48-18f09c46879a",
    "causation_id": None,
    "private": {
        "text": "parcel nahi aya, 5 din ho gaye",
        "phone": "····4291",
        "name": "S····",
        "raw": "····",
    },
    "leaf": "00" * 32,
    "leaf_input": "{…}",
    "of": None,
    "problem": None,
}
RECORDS: Final = {
    "items": [RECORD],
    "next_cursor": None,
    "complete_through": 21,
    "understood": [],
}
ACTIVITY: Final = {
    "user_id": "a",
    "entries": [
        {
            **ENTRY,
            "seq": 12,
            "actor": _AGENT,
            "action": "ticket.handed_off",
            "target": "ticket/T-1001",
            "summary": "Handed off to courier, reference TCS-88121, expected 23 Nov",
            "changes": [],
            "reason": None,
            "cause": None,
            "ticket_id": "T-1001",
        }
    ],
    "complete_through": 21,
    "next_cursor": None,
}
LOG_STATUS: Final = {
    "stream_last_seq": 21,
    "complete_through": 21,
    "sealed_size": 0,
    "lag": 0,
    "gaps": [],
    "duplicates": 0,
    "poison": 0,
    "dead_letters": 0,
}
DEAD_LETTERS: Final = {
    "letters": [
        {
            "letter": 3,
            "service": "routing",
            "handler": "routing",
            "subject": "support.main.message.received",
            "stream": "SUPPORT",
            "seq": 12,
            "failed": "ValueError: no plan for the queue returns",
            "deliveries": 1,
            "set_aside_at": "2026-11-22T10:14:04Z",
            "handled_again": "here",
        }
    ],
    "next_after": None,
}
LETTER_HANDLED: Final = {"letter": 3, "event_seq": 12, "version": None}
ASSIGNED: Final = {"case_id": "CASE-1001", "owner": "agent:a", "version": 5}
ESCALATED: Final = {"case_id": "CASE-1001", "escalated": True, "version": 6}
CLOSED: Final = {"case_id": "CASE-1001", "status": "closed", "version": 7}
ACCEPTED: Final = {"case_id": "CASE-1001", "owner": "agent:a", "version": 4}
RELEASED: Final = {"case_id": "CASE-1001", "owner": None, "queue": "shared-inbox", "version": 7}
DEESCALATED: Final = {"case_id": "CASE-1001", "escalated": False, "version": 7}
TAGGED: Final = {"case_id": "CASE-1001", "tags": ["refund", "wedding"], "version": 8}
CASE_NOTE_MADE: Final = {"case_id": "CASE-1001", "note_id": "n-1", "version": 9}
REOPENED: Final = {"case_id": "CASE-1001", "status": "open", "owner": "agent:a", "version": 12}
CASE_LINKED: Final = {
    "case_id": "CASE-1002",
    "linked_to": "CASE-1001",
    "merged": True,
    "version": 6,
}
TICKET_MADE: Final = {"ticket_id": "T-1001", "status": "new", "version": 1}
TICKET_MOVED: Final = {"ticket_id": "T-1001", "status": "in_progress", "version": 2}
NOTE_MADE: Final = {"ticket_id": "T-1001", "note_id": "n-1", "version": 3}
BULK_ID: Final = "5f0a3f0e-5d0b-5a53-8c1d-3b8f7a116c0a"
BULK_TAKEN: Final = {"bulk_id": BULK_ID, "state": "accepted", "total": 2, "version": None}
BULK_PROGRESS: Final = {
    "bulk_id": BULK_ID,
    "action": "close",
    "mode": "each",
    "state": "done",
    "total": 2,
    "done": 1,
    "refused": 1,
    "taken_at": "2026-11-22T12:00:00Z",
    "ended_at": "2026-11-22T12:00:01Z",
    "tickets": [
        {"ticket_id": "T-1001", "status": "done", "code": None, "detail": None, "version": 7},
        {
            "ticket_id": "T-1002",
            "status": "refused",
            "code": "transition-not-allowed",
            "detail": "The ticket is closed already.",
            "version": 6,
        },
    ],
}
USER_MADE: Final = {"user_id": "a", "version": 1}
USER_CHANGED: Final = {"user_id": "a", "changed": ["capacity", "languages"], "version": 3}
USER_DEACTIVATED: Final = {"user_id": "a", "active": False, "version": 5}
USER_REACTIVATED: Final = {"user_id": "a", "active": True, "version": 6}
PRESENCE: Final = {"user_id": "a", "presence": "away", "on_shift": True, "version": 4}
SHIFT: Final = {
    "user_id": "a",
    "shift_id": "s-1",
    "ends_at": "2026-11-22T13:00:00+00:00",
    "time_zone": "Asia/Karachi",
    "version": 2,
}
HANDOVER: Final = {
    "shift_id": "s-1",
    "user_id": "a",
    "started_at": "2026-11-22T05:00:00Z",
    "ended_at": "2026-11-22T13:00:00Z",
    "ended_seq": 40,
    "snapshot": True,
    "opened": {"by": _LEAD, "to": "lead2", "at": "2026-11-22T13:01:00Z", "seq": 47},
    "signatures": [{"by": _LEAD, "through": 52, "at": "2026-11-22T13:05:00Z", "seq": 53}],
    "complete": False,
    "counts": {
        "carried": 0,
        "accepted": 0,
        "reowned": 0,
        "dropped": 1,
        "closed": 0,
        "escalations_untouched": 1,
    },
    "cases": [
        {
            "case_id": "CASE-1001",
            "outcome": "dropped",
            "owner": None,
            "escalated": True,
            "escalation_untouched": True,
            "noted": False,
            "moved_seq": 41,
            "missing": [],
        }
    ],
    "through": 53,
    "complete_through": 53,
}
HANDOVER_OPENED: Final = {"shift_id": "s-1", "user_id": "a", "to": "lead2", "version": 7}
HANDOVER_SIGNED: Final = {
    "shift_id": "s-1",
    "user_id": "a",
    "through": 53,
    "complete": False,
    "version": 8,
}
ERASURE_TAKEN: Final = {"erasure_id": "er_1f0c", "status": "requested", "version": 1}
HOLD_PLACED: Final = {
    "hold_id": "ho_7d2a",
    "status": "active",
    "erasures_under_way": [],
    "version": 1,
}
HOLD_RELEASE: Final = {"hold_id": "ho_7d2a", "status": "release_requested", "version": 2}
_SCOPE: Final = {
    "kind": "case",
    "conversation_id": _CONVERSATION,
    "case_id": "CASE-1001",
    "seq": None,
}
ERASURE: Final = {
    "erasure_id": "er_1f0c",
    "status": "complete",
    "scope": _SCOPE,
    "policy": "customer-request",
    "policy_version": 1,
    "requested_by": {"kind": "admin", "id": "admin", "name": "Admin"},
    "requested_at": "2026-11-22T10:40:00.000Z",
    "reason": "asked by letter",
    "hold_check": {"checked_at": "2026-11-22T10:40:01.000Z", "holds": []},
    "records": [
        {
            "seq": 1,
            "kind": "event",
            "event_id": "cb49d0fd-f9e7-5455-8a48-18f09c46879a",
            "fields": ["name", "phone", "raw", "text"],
            "leaf": "00" * 32,
            "leaf_input": "{…}",
        }
    ],
    "events": [21, 22],
    "complete_through": 22,
}

MESSAGE_SENT: Final = {
    "status": "sent",
    "message_id": "ms_5f2qk7w3n6aj4d2hx7m3tq6zya",
    "version": None,
}
