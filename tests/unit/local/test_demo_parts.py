"""The demo's webhooks, and its check of the five rows."""

import json
from typing import Any

import pytest
from casetrail_local.description import Pids, StackDescription
from casetrail_local.five_rows import missing_rows
from casetrail_local.identity import Tokens
from casetrail_local.whatsapp import Customer, signature, text_webhook

STACK = StackDescription(
    gateway_url="http://127.0.0.1:1",
    ingest_url="http://127.0.0.1:2",
    nats_url="nats://127.0.0.1:3",
    mongo_url="mongodb://127.0.0.1:4/casetrail_audit",
    workspace="main",
    phone_number_id="1",
    app_secret="s",
    verify_token="v",
    tokens=Tokens(agent="a", lead="l", reviewer="r", admin="d", service="s"),
    pids=Pids(),
)

RULE = {"kind": "service", "id": "routing", "rule": "least-loaded"}
STORY: list[dict[str, Any]] = [
    {
        "action": "conversation.assigned",
        "actor": RULE,
        "changes": [{"field": "owner", "old": None, "new": "agent:a"}],
    },
    {
        "action": "conversation.escalated",
        "actor": RULE | {"rule": "complaint"},
        "changes": [],
        "summary": "Escalated: complaint (“nahi aya”)",
    },
    {"action": "ticket.created", "actor": {}, "changes": [], "target": "ticket/T-1001"},
    {
        "action": "ticket.handed_off",
        "actor": {},
        "changes": [{"field": "status", "old": "in_progress", "new": "awaiting_courier"}],
        "summary": "Handed to the courier (TCS-88121)",
    },
    {
        "action": "ticket.resolved",
        "actor": {},
        "changes": [],
        "summary": "Resolved: “Courier found the parcel at …”",
    },
    {"action": "ticket.closed", "actor": {}, "changes": []},
]


def test_the_signature_is_meta_s() -> None:
    """HMAC-SHA256 over the raw bytes, checked against vectors computed elsewhere."""
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    wanted = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
    assert signature("test_app_secret", body) == wanted


def test_every_demo_has_another_customer_and_message() -> None:
    """Two runs share neither phone number nor message id."""
    bodies = [json.loads(text_webhook(STACK, Customer.new(), "salam")) for _ in range(2)]
    messages = [body["entry"][0]["changes"][0]["value"]["messages"][0] for body in bodies]
    assert messages[0]["id"] != messages[1]["id"]
    assert messages[0]["from"] != messages[1]["from"]


def test_the_whole_story_lacks_nothing() -> None:
    """A timeline with the five rows is accepted."""
    assert missing_rows({"entries": STORY, "holes": []}, "T-1001") == []


@pytest.mark.parametrize("row", range(len(STORY)))
def test_each_row_is_missed_when_it_is_absent(row: int) -> None:
    """Take any row away and the check says so."""
    entries = [entry for number, entry in enumerate(STORY) if number != row]
    assert missing_rows({"entries": entries, "holes": []}, "T-1001")


def test_a_row_without_its_rule_does_not_count() -> None:
    """Who chose matters: an owner without a rule is not the story."""
    bare = [STORY[0] | {"actor": {"kind": "service", "id": "routing"}}, *STORY[1:]]
    [said] = missing_rows({"entries": bare, "holes": []}, "T-1001")
    assert "rule that chose" in said


def test_a_hole_is_told() -> None:
    """A timeline with a hole is not the whole story."""
    [said] = missing_rows({"entries": STORY, "holes": [{"sequence": 3}]}, "T-1001")
    assert "holes" in said
