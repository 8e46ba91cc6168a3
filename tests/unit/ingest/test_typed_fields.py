"""Every other `field` of the facts becomes the event it is."""

from typing import Any

import pytest
from casetrail_contracts.registry import channel as c
from casetrail_contracts.registry import message as m
from casetrail_ingest.domain.typed import ROWS

from tests.unit.ingest.payloads import OURS, PHONE, USER, body_of, cv, message, ms, one, read

TEMPLATE = {"message_template_id": 880011, "message_template_name": "late_delivery"}
NOTICES: list[tuple[str, dict[str, Any], type[c.ChannelNotice], str | None, dict[str, Any]]] = [
    (
        "account_update",
        {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "R"}]},
        c.AccountChanged,
        "ACCOUNT_RESTRICTION",
        {"restriction": "R"},
    ),
    ("account_update", {"event": "account_offboarded"}, c.AccountChanged, "account_offboarded", {}),
    ("account_review_update", {"decision": "APPROVED"}, c.AccountChanged, "APPROVED", {}),
    (
        "account_alerts",
        {"alert_info": {"alert_type": "OBA_APPROVED", "alert_severity": "INFO"}},
        c.AccountChanged,
        "OBA_APPROVED",
        {"alert_severity": "INFO"},
    ),
    (
        "business_capability_update",
        {"max_phone_numbers_per_business": 25},
        c.AccountChanged,
        "capability",
        {"numbers_per_business": 25},
    ),
    ("partner_solutions", {"event": "SOLUTION_CREATED"}, c.AccountChanged, "SOLUTION_CREATED", {}),
    (
        "payment_configuration_update",
        {"configuration_name": "shop", "status": "ACTIVE"},
        c.AccountChanged,
        "ACTIVE",
        {"configuration": "shop"},
    ),
    ("account_settings_update", {"type": "settings_x"}, c.NumberChanged, "settings_x", {}),
    ("phone_number_name_update", {"decision": "REJECTED"}, c.NumberChanged, "REJECTED", {}),
    (
        "phone_number_quality_update",
        {"event": "FLAGGED", "old_limit": "TIER_1K", "current_limit": "TIER_250"},
        c.NumberChanged,
        "FLAGGED",
        {"old": "TIER_1K", "new": "TIER_250"},
    ),
    ("business_username_update", {"status": "approved"}, c.NumberChanged, "approved", {}),
    ("business_username_updates", {"username": "shop"}, c.NumberChanged, "username", {}),
    ("security", {"event": "PIN_CHANGED"}, c.NumberChanged, "PIN_CHANGED", {}),
    (
        "message_template_status_update",
        {**TEMPLATE, "event": "REJECTED", "reason": "INVALID_FORMAT"},
        c.TemplateChanged,
        "REJECTED",
        {"reason": "INVALID_FORMAT"},
    ),
    (
        "message_template_quality_update",
        {**TEMPLATE, "previous_quality_score": "GREEN", "new_quality_score": "RED"},
        c.TemplateChanged,
        "quality",
        {"old": "GREEN", "new": "RED"},
    ),
    (
        "message_template_components_update",
        {**TEMPLATE, "message_template_element": "Hello {{1}}"},
        c.TemplateChanged,
        "components",
        {},
    ),
    (
        "template_category_update",
        {**TEMPLATE, "new_category": "MARKETING"},
        c.TemplateChanged,
        "category",
        {"new": "MARKETING"},
    ),
    (
        "flows",
        {"event": "FLOW_STATUS_CHANGE", "flow_id": 77, "new_status": "PUBLISHED"},
        c.FlowChanged,
        "FLOW_STATUS_CHANGE",
        {"new": "PUBLISHED"},
    ),
    ("automatic_events", {"event": "some_event"}, c.SignalDetected, "some_event", {}),
    (
        "messaging_handovers",
        {"recipient": {"x": 1}, "control_passed": {"to": "agent"}},
        c.ControlChanged,
        "control_passed",
        {},
    ),
]


@pytest.mark.parametrize(("field", "value", "model", "word", "facts"), NOTICES)
def test_a_notice_of_each_field(
    field: str,
    value: dict[str, Any],
    model: type[c.ChannelNotice],
    word: str | None,
    facts: dict[str, Any],
) -> None:
    """WhatsApp's word and the plain values are public, the notice itself is kept verbatim."""
    event = one(value, field, time=1795342443)
    assert isinstance(event.data, model)
    assert (event.data.notice, event.data.facts) == (word, facts)
    assert event.data.time_source == "message"
    assert "raw" in event.private_values()


def test_every_row_has_an_example() -> None:
    """A field without an example here or below is not known to work."""
    shown = {(field, "value") for field, *_ in NOTICES}
    lists = {row for row in ROWS if row[1] != "value"}
    assert {row for row in ROWS if row[1] == "value"} == shown
    assert lists == set(LISTS)


GROUP = {"group_id": "g-1", "type": "group_create", "timestamp": "1795342443"}
CALL = {"id": "wacid.1", "from": PHONE, "to": OURS, "direction": "USER_INITIATED"}
STATUS = {"id": "wamid.S", "status": "played", "recipient_id": PHONE}
TEXT = message("text", {"body": "salam"})
ECHO = {**TEXT, "from": OURS, "to": PHONE}
LISTS: dict[tuple[str, str], tuple[Any, str]] = {
    ("messages", "messages"): (TEXT, "message.received"),
    ("messages", "statuses"): (STATUS, "message.status_changed"),
    ("standby", "messages"): (TEXT, "message.received"),
    ("standby", "statuses"): (STATUS, "message.status_changed"),
    ("standby", "message_echoes"): (ECHO, "message.sent"),
    ("message_echoes", "message_echoes"): (ECHO, "message.sent"),
    ("smb_message_echoes", "message_echoes"): (ECHO, "message.sent"),
    ("smb_app_state_sync", "state_sync"): (
        {"type": "contact", "action": "add", "contact": {"phone_number": f"+{PHONE}"}},
        "channel.contact_changed",
    ),
    ("history", "history"): ({"metadata": {"phase": 0}}, "channel.history_synced"),
    ("history", "history_messages"): (None, ""),  # shown below: it stands inside of a chunk
    ("history", "messages"): (TEXT, "message.imported"),
    ("history", "message_echoes"): (ECHO, "message.imported"),
    ("calls", "calls"): ({**CALL, "event": "connect"}, "channel.call_connected"),
    ("calls", "statuses"): (
        {"id": "wacid.1", "status": "RINGING", "type": "call", "recipient_id": PHONE},
        "channel.call_status_changed",
    ),
    ("user_preferences", "user_preferences"): (
        {"wa_id": PHONE, "category": "marketing_messages", "value": "stop"},
        "channel.preference_changed",
    ),
    ("group_lifecycle_update", "groups"): (GROUP, "channel.group_changed"),
    ("group_participants_update", "groups"): (GROUP, "channel.group_changed"),
    ("group_settings_update", "groups"): (GROUP, "channel.group_changed"),
    ("group_status_update", "groups"): (GROUP, "channel.group_changed"),
    ("automatic_events", "automatic_events"): (
        {"event_name": "Purchase", "custom_data": {"currency": "PKR", "value": 4200}},
        "channel.signal_detected",
    ),
}


@pytest.mark.parametrize(("row", "example"), LISTS.items())
def test_an_element_of_each_list(row: tuple[str, str], example: tuple[Any, str]) -> None:
    """Each element is an event of its own, and the same one when it comes again."""
    (field, name), (element, kind) = row, example
    if element is None:
        return
    event = one({name: [element]}, field)
    assert event.noun_verb == kind
    assert one({name: [element]}, field).id == event.id
    if PHONE in str(element):
        assert event.conversationid == cv(PHONE)
        public = event.model_copy(update={"private": None}).to_bytes().decode()
        assert PHONE not in public


@pytest.mark.parametrize("row", [row for row, (element, _) in LISTS.items() if element])
@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, {"id": 5}, {"id": "a", "timestamp": []}])
def test_an_odd_element_costs_no_other(row: tuple[str, str], odd: Any) -> None:
    """INVARIANT I2: item by item, in every list of every field."""
    field, name = row
    element = LISTS[row][0]
    events = read(body_of({name: [odd, element, odd]}, field))
    assert len(events) >= len({event.id for event in events}) >= 2


def test_a_chunk_of_history_gives_its_messages_one_by_one() -> None:
    """From both sides; nobody waits for an answer, so no case begins with them."""
    theirs = {**TEXT, "history_context": {"status": "READ"}}
    thread = {"id": PHONE, "messages": [theirs, {**ECHO, "id": "wamid.B"}, 7]}
    part = {
        "metadata": {"phase": 1, "chunk_order": 2, "progress": "55"},
        "threads": [thread, {"id": "923330000000", "messages": []}],
    }
    chunk, first, second, odd = read(body_of({"history": [part]}, "history"))
    assert isinstance(chunk.data, c.HistorySynced)
    told = chunk.data
    assert (told.phase, told.chunk, told.progress, told.threads, told.messages) == (1, 2, 55, 2, 3)
    assert "salam" not in chunk.private_values()["raw"]
    assert isinstance(first.data, m.MessageImported)
    assert isinstance(second.data, m.MessageImported)
    assert (first.data.direction, first.data.status) == ("in", "read")
    assert (second.data.direction, second.data.actor.kind) == ("out", "agent")
    assert first.conversationid == second.conversationid == cv(PHONE)
    assert odd.noun_verb == "webhook.unrecognised"


def test_a_declined_history_says_why() -> None:
    """The business did not share its chats: an error instead of threads."""
    part = {"errors": [{"code": 2593109, "title": "History sync is turned off"}]}
    event = one({"history": [part]}, "history")
    assert isinstance(event.data, c.HistorySynced)
    assert event.data.errors[0].code == 2593109


@pytest.mark.parametrize("threads", [None, 7, [None], [{"messages": 5}], {"a": 1}])
def test_a_chunk_of_another_shape_is_kept_whole(threads: Any) -> None:
    """INVARIANT I2: what cannot be taken apart stays together."""
    event = one({"history": [{"threads": threads}]}, "history")
    assert isinstance(event.data, c.HistorySynced)


def test_a_call_ends_with_its_length_and_in_the_callers_conversation() -> None:
    """Whoever called, the conversation is the customer's."""
    ended = {**CALL, "event": "terminate", "status": "COMPLETED", "duration": "120"}
    event = one({"calls": [ended]}, "calls")
    assert isinstance(event.data, c.CallTerminated)
    assert (event.data.status, event.data.duration, event.data.direction) == (
        "COMPLETED",
        120,
        "user",
    )
    outbound = {**CALL, "from": OURS, "to": PHONE, "direction": "BUSINESS_INITIATED"}
    began = one({"calls": [{**outbound, "event": "connect", "session": {"sdp": "v=0"}}]}, "calls")
    assert isinstance(began.data, c.CallConnected)
    assert began.conversationid == event.conversationid == cv(PHONE)
    assert "v=0" in began.private_values()["raw"]


def test_news_of_a_call_that_nobody_knows_is_news_all_the_same() -> None:
    """A recording became available: WhatsApp's word is kept."""
    news = {
        "id": "wacid.1",
        "from": PHONE,
        "event": "call_recording_available",
        "call_recording": {"type": "audio", "audio": {"id": "1", "mime_type": "audio/ogg"}},
    }
    event = one({"calls": [news]}, "calls")
    assert isinstance(event.data, c.CallStatusChanged)
    assert event.data.status == "call_recording_available"
    assert event.data.media == m.MediaFacts(mime_type="audio/ogg")


def test_errors_are_told_wherever_they_stand() -> None:
    """Of the value, of a message, of a status: code and title, the words in `private`."""
    fault = {"code": 130429, "title": "Rate limit hit", "error_data": {"details": "d"}}
    message_event, status_event, error_event = read(
        body_of(
            {
                "messages": [message("unsupported", errors=[fault])],
                "statuses": [{**STATUS, "status": "failed", "errors": [fault]}],
                "errors": [fault],
            }
        )
    )
    for event in (message_event, status_event, error_event):
        (error,) = event.data.errors  # type: ignore[attr-defined]
        assert (error.code, error.title) == (130429, "Rate limit hit")
    assert error_event.noun_verb == "channel.error_reported"


def test_a_group_setting_that_failed_names_the_error() -> None:
    """Each operation has errors of its own."""
    part = {
        **GROUP,
        "type": "group_settings_update",
        "group_description": {"update_successful": False, "errors": [{"code": 100}]},
        "added_participants": [{"wa_id": PHONE}],
    }
    event = one({"groups": [part]}, "group_settings_update")
    assert isinstance(event.data, c.GroupChanged)
    assert event.data.facts == {"added": 1}
    assert event.data.errors[0].code == 100
    assert event.conversationid == cv("g-1")


def test_a_change_without_field_is_told_by_its_shape() -> None:
    """Meta's own examples of partner apps leave `field` out."""
    event = one({"event": "PARTNER_APP_INSTALLED"}, None)
    assert isinstance(event.data, c.AccountChanged)
    assert one({"messages": [TEXT]}, None).data.message_id == ms("wamid.A")  # type: ignore[attr-defined]
    assert one({"mystery": 1}, None).noun_verb == "webhook.unrecognised"


def test_keys_beside_the_known_ones_are_kept() -> None:
    """INVARIANT I2: nothing of an authentic body is dropped, at any level."""
    body = body_of({"messages": [TEXT]}, surprise={"a": 1}).replace(b'"object"', b'"new": 5, "x"')
    kept = [e.private_values()["body"] for e in read(body) if e.noun_verb == "webhook.quarantined"]
    assert sorted(kept) == ['{"new":5,"x":"whatsapp_business_account"}', '{"surprise":{"a":1}}']


def test_a_handover_names_the_customer_if_it_can() -> None:
    """The chat that changed hands is the customer's conversation."""
    handed = {"type": "control_taken", "wa_id": PHONE, "user_id": USER}
    *_, event = read(body_of(handed, "messaging_handovers"))
    assert isinstance(event.data, c.ControlChanged)
    assert event.conversationid == cv(USER)
