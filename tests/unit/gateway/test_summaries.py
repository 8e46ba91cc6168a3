"""The one sentence of each event."""

from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_contracts import EVENT_TYPES
from casetrail_gateway.domain.log import Record
from casetrail_gateway.domain.summaries import summary, told_actions
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2026, 11, 22, 10, 14, tzinfo=UTC)


def told(action: str, *, reads_text: bool = True, **fields: Any) -> str:
    """The sentence of a record with these fields."""
    return summary(Record(seq=1, recorded_at=AT, action=action, **fields), reads_text=reads_text)


def test_every_typed_event_has_a_sentence_of_its_own() -> None:
    """A new event type needs a sentence: this test names the one that lacks it."""
    typed = {row.name for row in EVENT_TYPES.values() if row.model is not None}
    assert typed == told_actions()


CASES: list[tuple[str, dict[str, Any], str]] = [
    (
        "conversation.assigned",
        {
            "data": {"owner_name": "Agent A", "accept_by": "2026-11-22T10:17:00Z"},
            "reason": "from shared inbox queue",
        },
        "Offered to Agent A from shared inbox queue",
    ),
    ("conversation.accepted", {"data": {"owner_name": "Agent A"}}, "Accepted by Agent A"),
    (
        "conversation.declined",
        {"data": {"previous_owner": "agent:a"}, "private": {"reason": "on a call"}},
        "Declined by agent:a: on a call",
    ),
    (
        "conversation.unassigned",
        {"data": {"previous_owner": "agent:a", "expired": True}, "reason": "no answer in time"},
        "No longer offered to agent:a: no answer in time",
    ),
    (
        "message.received",
        {"data": {"message_type": "text"}, "private": {"text": "parcel nahi aya"}},
        "Message received: «parcel nahi aya»",
    ),
    (
        "message.received",
        {"data": {"message_type": "text"}},
        "Message received (its text is not kept)",
    ),
    ("message.received", {"data": {"message_type": "image"}}, "Message received (image)"),
    ("message.status_changed", {"data": {"status": "read"}}, "Our message was read"),
    (
        "message.send_failed",
        {
            "data": {"outcome": "refused", "code": 131047, "title": "Re-engagement message"},
            "private": {"text": "Are you there?"},
        },
        "WhatsApp refused our message: Re-engagement message (131047): «Are you there?»",
    ),
    (
        "message.send_failed",
        {"data": {"outcome": "unknown", "message_type": "image"}},
        "Nobody knows whether our message was sent (image)",
    ),
    (
        "message.status_changed",
        {"data": {"status": "failed", "errors": [{"code": 131, "title": "Undeliverable"}]}},
        "Our message could not be delivered: Undeliverable",
    ),
    (
        "message.received",
        {
            "data": {"message_type": "interactive", "subtype": "button_reply"},
            "private": {"text": "Yes, today"},
        },
        "Message received (button pressed): «Yes, today»",
    ),
    (
        "message.received",
        {"data": {"message_type": "audio", "media": {"voice": True}, "group": True}},
        "Message received in a group (voice note)",
    ),
    (
        "message.received",
        {"data": {"message_type": "unsupported", "subtype": "poll_creation"}},
        "Message received (poll creation that WhatsApp does not hand on)",
    ),
    (
        "message.received",
        {"data": {"message_type": "order", "things": 2}},
        "Message received (order of 2 products)",
    ),
    (
        "message.sent",
        {"data": {"message_type": "text", "via": "phone_app"}, "private": {"text": "On its way"}},
        "Message sent from the phone app: «On its way»",
    ),
    (
        "message.imported",
        {"data": {"message_type": "image", "direction": "out"}},
        "Earlier message of ours taken over (image)",
    ),
    (
        "message.edited",
        {"actor": {"kind": "customer"}, "private": {"text": "parcel aa gaya"}},
        "Message changed: «parcel aa gaya»",
    ),
    (
        "message.revoked",
        {"actor": {"kind": "agent"}},
        "Our message deleted for everyone by who wrote it",
    ),
    ("message.reacted", {"private": {"emoji": "👍"}}, "Reacted to a message: «👍»"),
    ("message.reacted", {"data": {"removed": True}}, "Reaction to a message taken back"),
    (
        "message.status_changed",
        {"data": {"status": "captured", "about": "payment"}},
        "Payment reported: captured",
    ),
    (
        "message.status_changed",
        {"data": {"status": "read", "group": True}},
        "Our message was read by one of a group",
    ),
    (
        "customer.identified",
        {"data": {"kind": "number_changed"}},
        "The customer changed their phone number",
    ),
    (
        "channel.account_changed",
        {"data": {"notice": "ACCOUNT_RESTRICTION"}},
        "Something about our WhatsApp account changed: account restriction",
    ),
    (
        "channel.number_changed",
        {"data": {"notice": "FLAGGED", "facts": {"old": "TIER_1K", "new": "TIER_250"}}},
        "Something about our WhatsApp number changed: flagged, tier_250 instead of tier_1k",
    ),
    (
        "channel.template_changed",
        {"data": {"notice": "APPROVED", "template_name": "late_parcel"}},
        "Template «late_parcel» changed: approved",
    ),
    (
        "channel.flow_changed",
        {"data": {"notice": "FLOW_STATUS_CHANGE"}},
        "A form inside the chat changed: flow status change",
    ),
    (
        "channel.group_changed",
        {"data": {"notice": "group_suspend"}},
        "The group changed: group suspend",
    ),
    ("channel.control_changed", {}, "Who answers this chat changed"),
    (
        "channel.contact_changed",
        {"data": {"notice": "add"}},
        "The phone app's address book changed: add",
    ),
    (
        "channel.preference_changed",
        {"data": {"category": "marketing_messages", "value": "stop"}},
        "No longer wants: marketing messages",
    ),
    (
        "channel.history_synced",
        {"data": {"messages": 40, "threads": 1, "progress": 55}},
        "History taken over: 40 messages of 1 chat, 55 per cent by now",
    ),
    (
        "channel.error_reported",
        {"data": {"errors": [{"code": 130429, "title": "Rate limit hit"}]}},
        "WhatsApp reported an error: Rate limit hit",
    ),
    (
        "channel.signal_detected",
        {"data": {"notice": "Purchase"}},
        "WhatsApp saw a result of an advertisement: purchase",
    ),
    ("channel.call_connected", {"data": {"direction": "user"}}, "The customer calls"),
    (
        "channel.call_terminated",
        {"data": {"direction": "business", "duration": 125}},
        "End of our call after 2 min",
    ),
    (
        "channel.call_status_changed",
        {"data": {"direction": "business", "status": "RINGING"}},
        "News of our call: ringing",
    ),
    (
        "webhook.unrecognised",
        {"data": {"item_kind": "messages/image"}},
        "WhatsApp sent messages/image, kept as it came",
    ),
    (
        "webhook.quarantined",
        {"data": {"problem": "not an object"}},
        "An authentic webhook of odd shape was kept: not an object",
    ),
    (
        "message.received",
        {"data": {"message_type": "text"}, "erased": {"policy": "customer-request"}},
        "Message received (text erased under policy customer-request)",
    ),
    (
        "privacy.erasure_requested",
        {
            "data": {"policy": "customer-request", "scope": {"kind": "customer"}},
            "private": {"reason": "asked by letter"},
        },
        "Erasure of the customer asked for under policy customer-request: asked by letter",
    ),
    (
        "privacy.erased",
        {
            "data": {
                "policy": "customer-request",
                "stage": "complete",
                "scope": {"kind": "case", "case_id": "CASE-1001"},
                "records": [{"seq": 1}, {"seq": 4}],
            }
        },
        "Personal text of CASE-1001 erased from 2 records under policy customer-request",
    ),
    (
        "privacy.erased",
        {
            "data": {
                "policy": "customer-request",
                "stage": "stopped",
                "scope": {"kind": "record", "seq": 7},
                "hold_check": {"holds": ["ho_1"]},
                "records": [],
            }
        },
        (
            "Personal text of record 7 erased from 0 records under policy customer-request, then "
            "stopped by a legal hold (ho_1)"
        ),
    ),
    (
        "privacy.hold_placed",
        {"data": {"scope": {"kind": "customer"}}},
        "Legal hold of the customer placed",
    ),
    (
        "privacy.hold_release_requested",
        {"data": {"scope": {"kind": "customer"}}},
        "Release of the legal hold of the customer asked for, a second person has to agree",
    ),
    (
        "privacy.hold_released",
        {"data": {"scope": {"kind": "customer"}}},
        "Legal hold of the customer released",
    ),
    (
        "retention.archived",
        {
            "data": {
                "stage": "archived",
                "file": "SUPPORT-1-9.jsonl.gz",
                "count": 9,
                "actor": {"kind": "service", "id": "audit", "rule": "support-log"},
            }
        },
        "9 records archived in SUPPORT-1-9.jsonl.gz under policy support-log",
    ),
    (
        "retention.archived",
        {"data": {"stage": "rewritten", "file": "SUPPORT-1-9.jsonl.gz", "count": 9}},
        "SUPPORT-1-9.jsonl.gz written again without values that were erased; it holds 9 records",
    ),
    (
        "message.received",
        {"archived": {"file": "SUPPORT-1-9.jsonl.gz", "by": 12}},
        "message.received, archived: its content is in SUPPORT-1-9.jsonl.gz",
    ),
    ("conversation.opened", {}, "Case opened by a customer's message"),
    (
        "conversation.queued",
        {"data": {"queue": "shared-inbox"}},
        "Waiting in the shared inbox queue",
    ),
    (
        "conversation.assigned",
        {
            "data": {"owner": "agent:a", "owner_name": "Agent A", "queue": "shared-inbox"},
            "reason": "from shared inbox queue",
        },
        "Assigned to Agent A from shared inbox queue",
    ),
    (
        "conversation.assigned",
        {"data": {"owner": "agent:b", "previous_owner": "agent:a"}, "reason": "speaks Urdu"},
        "Assigned to agent:b from agent:a: speaks Urdu",
    ),
    (
        "conversation.unassigned",
        {"data": {"previous_owner": "agent:a"}, "reason": "shift ended"},
        "No longer with agent:a, nobody owns the case: shift ended",
    ),
    (
        "conversation.escalated",
        {
            "data": {
                "trigger": "rule",
                "rule": "complaint-words",
                "matched": [{"phrase": "nahi aya", "start": 7, "end": 15}],
            }
        },
        "Escalation flagged: complaint-words matched «nahi aya»",
    ),
    (
        "conversation.escalated",
        {"data": {"trigger": "person"}, "reason": "press"},
        "Escalation flagged by hand: press",
    ),
    ("conversation.closed", {"reason": "solved"}, "Case closed: solved"),
    (
        "conversation.closed",
        {"data": {"merged_into": "CASE-1001"}, "reason": "the same customer"},
        "Case merged into CASE-1001: the same customer",
    ),
    (
        "conversation.linked",
        {"data": {"linked_case_id": "CASE-1001", "merged_case_id": "CASE-1002"}},
        "CASE-1002 goes on in CASE-1001",
    ),
    (
        "conversation.linked",
        {"data": {"linked_case_id": "CASE-1001"}, "reason": "WhatsApp told so"},
        "Another conversation of the customer goes on in CASE-1001: WhatsApp told so",
    ),
    ("conversation.reopened", {}, "Case reopened by a new message"),
    (
        "ticket.created",
        {
            "data": {"ticket_id": "T-1001", "context": {"message_count": 6}},
            "private": {"title": "Parcel"},
        },
        "Ticket T-1001 created: «Parcel», context of 6 messages attached",
    ),
    (
        "ticket.status_changed",
        {"data": {"old": "in_progress", "new": "awaiting_courier"}},
        "Status changed from In Progress to Awaiting Courier",
    ),
    (
        "conversation.transferred",
        {
            "data": {"owner": "agent:b", "owner_name": "Agent B", "previous_owner": "agent:a"},
            "private": {"reason": "speaks Pashto", "note": "waits since noon"},
        },
        "Transferred from agent:a to Agent B: speaks Pashto, with a note: «waits since noon»",
    ),
    (
        "conversation.unassigned",
        {
            "data": {"previous_owner": "agent:a", "released": True},
            "private": {"reason": "my shift ends"},
        },
        "Given back to the queue by agent:a: my shift ends",
    ),
    (
        "conversation.deescalated",
        {"private": {"reason": "it was a joke"}},
        "Escalation taken back: it was a joke",
    ),
    ("conversation.tagged", {"data": {"tag": "wedding"}}, "Tagged «wedding»"),
    ("conversation.untagged", {"data": {"tag": "wedding"}}, "Tag «wedding» taken off"),
    (
        "conversation.note_added",
        {"private": {"note": "call after five"}},
        "Note added: «call after five»",
    ),
    (
        "conversation.reopened",
        {"data": {"message_event_id": None}, "private": {"reason": "the courier lied"}},
        "Case reopened by hand: the courier lied",
    ),
    (
        "ticket.assigned",
        {
            "ticket_id": "T-1001",
            "data": {"owner": "agent:b", "owner_name": "Agent B", "previous_owner": "agent:a"},
        },
        "Ticket T-1001 assigned to Agent B from agent:a",
    ),
    (
        "ticket.assigned",
        {"ticket_id": "T-1001", "data": {"owner": None, "previous_owner": "agent:a"}},
        "Ticket T-1001 is no longer with agent:a",
    ),
    (
        "ticket.priority_changed",
        {"data": {"old": "normal", "new": "urgent"}, "private": {"reason": "wedding on Friday"}},
        "Priority changed from normal to urgent: wedding on Friday",
    ),
    (
        "ticket.linked",
        {
            "ticket_id": "T-1001",
            "data": {"target": "case/CASE-1002", "relation": "concerns"},
        },
        "Ticket T-1001 also concerns CASE-1002",
    ),
    (
        "ticket.linked",
        {"ticket_id": "T-1001", "data": {"target": "ticket/T-1002", "relation": "related"}},
        "Ticket T-1001 is related to T-1002",
    ),
    (
        "ticket.handed_off",
        {"data": {"to": "courier", "reference": "TCS-1", "chased": 1}},
        "Asked courier again where it stays, reference TCS-1",
    ),
    (
        "ticket.handed_off",
        {"data": {"to": "courier", "expected_at": "2026-11-24T12:00:00Z", "chased": 2}},
        "Asked courier again where it stays, 2 times by now, expected 24 Nov",
    ),
    (
        "ticket.handed_off",
        {
            "data": {
                "to": "courier",
                "reference": "TCS-88121",
                "expected_at": "2026-11-23T12:00:00Z",
            }
        },
        "Handed off to courier, reference TCS-88121, expected 23 Nov",
    ),
    ("ticket.note_added", {"private": {"note": "called twice"}}, "Note added: «called twice»"),
    (
        "ticket.resolved",
        {"ticket_id": "T-1001", "private": {"resolution_note": "courier confirmed delivery"}},
        "Ticket T-1001 resolved: «courier confirmed delivery»",
    ),
    ("ticket.closed", {"ticket_id": "T-1001"}, "Ticket T-1001 closed"),
    (
        "ticket.reopened",
        {"ticket_id": "T-1001", "private": {"reason": "came back broken"}},
        "Ticket T-1001 reopened: came back broken",
    ),
    (
        "ticket.sla_started",
        {
            "data": {
                "clock": "first_response",
                "due_at": "2026-11-23T10:15:00Z",
                "policy": {"name": "urgent"},
                "replaces": {"name": "rest"},
            }
        },
        "First response due 23 Nov 10:15 UTC, by policy «urgent», instead of «rest»",
    ),
    (
        "ticket.sla_started",
        {"data": {"clock": "resolution", "due_at": None, "policy": {"name": "rest"}}},
        "Resolution paused, no due time yet, by policy «rest»",
    ),
    (
        "ticket.sla_breached",
        {
            "data": {
                "clock": "next_response",
                "due_at": "2026-11-23T10:15:00Z",
                "late_seconds": 7500,
                "policy": {"name": "urgent"},
            }
        },
        "Next response overdue since 23 Nov 10:15 UTC, by policy «urgent», noticed 2 h 5 min late",
    ),
    (
        "user.created",
        {"data": {"user_id": "a", "name": "Agent A", "role": "agent", "capacity": 10}},
        "Agent A added as agent, for up to 10 cases",
    ),
    (
        "conversation.escalated",
        {
            "data": {
                "trigger": "rule",
                "rule": "writes-again-unanswered",
                "matched": [],
                "observed": {"messages": 4, "since": "2026-11-23T10:15:00Z", "seconds": 1200},
            }
        },
        (
            "Escalation flagged: writes-again-unanswered, "
            "4 messages without an answer since 23 Nov 10:15 UTC"
        ),
    ),
    (
        "user.updated",
        {
            "data": {"user_id": "a", "name": "Agent A"},
            "changes": [
                {"field": "capacity", "old": 10, "new": 12},
                {"field": "languages", "old": [], "new": ["ur", "en"]},
                {"field": "time_zone", "old": None, "new": "Asia/Karachi"},
            ],
        },
        "Agent A changed: capacity 10 → 12, languages none → ur, en, time zone none → Asia/Karachi",
    ),
    (
        "user.role_changed",
        {"data": {"user_id": "a", "role": "lead", "previous_role": "agent"}},
        "a is lead from now on, was agent",
    ),
    (
        "user.deactivated",
        {"data": {"user_id": "a"}, "private": {"reason": "left"}},
        "a deactivated: left",
    ),
    ("user.reactivated", {"data": {"user_id": "a"}}, "a reactivated"),
    ("presence.changed", {"data": {"user_id": "a", "presence": "away"}}, "a is away"),
    (
        "shift.started",
        {"data": {"ends_at": "2026-11-23T18:00:00+05:00"}},
        "Shift started, until 23 Nov 13:00 UTC",
    ),
    ("shift.ended", {}, "Shift ended"),
    ("shift.ended", {"data": {"cases": [{}, {}]}}, "Shift ended, with 2 cases held"),
    (
        "shift.handover_opened",
        {"data": {"user_id": "a", "to": "lead2"}},
        "Hand-over of a's shift opened, to lead2",
    ),
    ("shift.handover_opened", {"data": {"user_id": "a"}}, "Hand-over of a's shift opened"),
    (
        "shift.handover_signed",
        {"data": {"user_id": "a", "through": 41, "complete": False}},
        "Hand-over of a's shift signed as of 41",
    ),
    (
        "shift.handover_signed",
        {
            "data": {"user_id": "a", "through": 41, "complete": True},
            "private": {"note": "one waits"},
        },
        "Hand-over of a's shift signed as of 41, complete: «one waits»",
    ),
    (
        "letter.handled",
        {
            "data": {
                "handler": "routing",
                "event_type": "casetrail.message.received.v1",
                "failed": "ValueError: no plan for the queue returns",
            },
            "private": {"reason": "the plan is there now"},
        },
        (
            "casetrail.message.received.v1 handled after all by routing, "
            "which had failed with ValueError: no plan for the queue returns: the plan is there now"
        ),
    ),
    (
        "command.rejected",
        {
            "data": {
                "command": "tickets.close",
                "target": "ticket/T-1001",
                "detail": "A resolution note is required.",
            }
        },
        "Attempt refused (close of T-1001): A resolution note is required.",
    ),
    (
        "access.viewed",
        {"data": {"what": "case_timeline", "target": "case/CASE-1001"}},
        "Looked at the case timeline of CASE-1001",
    ),
    (
        "access.viewed",
        {"data": {"what": "case", "target": "case/CASE-1001", "outcome": "refused"}},
        "Was refused a look at the case of CASE-1001",
    ),
    ("access.searched", {"data": {"what": "records"}}, "Searched records"),
    (
        "access.exported",
        {"data": {"what": "evidence", "target": "case/CASE-1001", "disclosure": "full"}},
        "Exported the evidence of CASE-1001, with personal values",
    ),
    (
        "access.exported",
        {"data": {"what": "evidence", "target": "case/CASE-1001", "disclosure": "public"}},
        "Exported the evidence of CASE-1001, without personal values",
    ),
    (
        "access.revealed",
        {"private": {"purpose": "call back"}},
        "Was shown the customer's number and names unmasked: call back",
    ),
    (
        "access.revealed",
        {"data": {"outcome": "refused"}},
        "Was refused the customer's number and names",
    ),
    (
        "view.saved",
        {"data": {"shared": True}, "private": {"name": "Angry ones"}},
        "Saved a search as «Angry ones», shared with the workspace",
    ),
    ("view.deleted", {}, "Deleted a saved search"),
    (
        "review.sampled",
        {"data": {"method": "risk", "population": 40, "purpose": "calibration", "drawn": [{}, {}]}},
        "2 cases drawn by risk from 40, for calibration",
    ),
    ("review.sampled", {"data": {"method": "random"}}, "0 cases drawn at random"),
    (
        "review.opened",
        {"data": {"about": "agent:a", "scorecard": {"title": "Support"}}},
        "Quality review of agent:a opened, by the scorecard Support",
    ),
    (
        "review.scored",
        {"data": {"about": "agent:a", "total": 87.5}},
        "Quality review of agent:a scored: 87.5 %",
    ),
    ("review.scored", {"data": {}}, "Quality review of somebody scored: no score"),
    (
        "review.noted",
        {
            "data": {"about": "agent:a", "kind": "coaching", "coaching_set": "courier-delays"},
            "private": {"note": "Say the day"},
        },
        "Advice to agent:a, for the coaching set courier delays: «Say the day»",
    ),
    (
        "review.noted",
        {"data": {"about": "agent:a", "kind": "rebuttal"}, "private": {"note": "No"}},
        "Answer to the dispute of agent:a: «No»",
    ),
    (
        "review.disputed",
        {"data": {"criteria": ["kept-informed"]}, "private": {"reason": "I called"}},
        "Quality review disputed (kept informed): I called",
    ),
    (
        "review.resolved",
        {"data": {"verdict": "changed", "total": 90.0}, "private": {"reason": "as noted"}},
        "Dispute of the quality review decided: changed, 90 %: as noted",
    ),
    (
        "review.resolved",
        {"data": {"verdict": "withdrawn"}},
        "Dispute of the quality review decided: withdrawn",
    ),
    (
        "access.exported",
        {"data": {"what": "evidence", "target": "case/CASE-1001", "outcome": "refused"}},
        "Was refused an export of the evidence of CASE-1001",
    ),
    (
        "parcel.scanned",
        {},
        "parcel.scanned (recorded; this version has no sentence for this kind of event)",
    ),
]


@pytest.mark.parametrize(("action", "fields", "sentence"), CASES)
def test_the_sentence_of_each_event(action: str, fields: dict[str, Any], sentence: str) -> None:
    """What a reviewer reads, word for word."""
    assert told(action, **fields) == sentence


def test_the_examples_cover_every_typed_event() -> None:
    """No typed event is without an example above."""
    assert told_actions() <= {action for action, _, _ in CASES}


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("message.received", "text"),
        ("ticket.created", "title"),
        ("ticket.note_added", "note"),
        ("ticket.resolved", "resolution_note"),
    ],
)
def test_a_program_gets_no_words_of_people(action: str, key: str) -> None:
    """The service role reads facts, not what somebody wrote."""
    sentence = told(action, private={key: "my secret words"}, reads_text=False)
    assert "secret" not in sentence


def test_long_words_are_shortened_to_one_line() -> None:
    """A quote has at most 160 characters and no line breaks."""
    sentence = told("message.received", private={"text": "na\nhi " * 200})
    assert "\n" not in sentence
    assert sentence.endswith("…»")
    assert len(sentence) < 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = [
    *("status", "errors", "message_type", "item_kind", "problem", "queue", "owner", "owner_name"),
    *("previous_owner", "trigger", "rule", "matched", "ticket_id", "context", "old", "new", "to"),
    *("reference", "expected_at", "ends_at", "user_id", "name", "role", "capacity", "command"),
    *("target", "detail", "code", "what", "outcome", "text", "title", "note", "resolution_note"),
    *("notice", "facts", "media", "things", "subtype", "duration", "kind", "emoji", "value"),
]


@given(
    action=st.sampled_from(sorted(told_actions())),
    data=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8),
    private=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    reason=st.none() | st.text(max_size=20),
    reads_text=st.booleans(),
)
def test_no_data_makes_a_sentence_fail(
    *,
    action: str,
    data: dict[str, Any],
    private: dict[str, Any],
    reason: str | None,
    reads_text: bool,
) -> None:
    """Another version's or another team's data gives a shorter sentence, never an error."""
    sentence = told(action, data=data, private=private, reason=reason, reads_text=reads_text)
    assert sentence.strip()


@pytest.mark.parametrize("far", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_utc_cannot_say_costs_no_sentence(far: str) -> None:
    """A foreign publisher's impossible time leaves the record readable."""
    handed = {"to": "courier", "expected_at": far}
    assert told("ticket.handed_off", data=handed) == "Handed off to courier"
    assert told("shift.started", data={"ends_at": far}) == "Shift started"
