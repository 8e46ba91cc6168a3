"""One customer stays one customer through numbers, user ids and usernames."""

from typing import Any

import pytest
from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.customer import CustomerIdentified

from tests.unit.ingest.payloads import PHONE, USER, body_of, cv, message, one, read

NEW_PHONE, NEW_USER, PARENT = "923339998877", "PK.22222222222222222222", "PK.ENT.5068472930"


def identified(*messages: dict[str, Any], **value: Any) -> list[Event]:
    """The identity events of these messages."""
    events = read(body_of({"messages": list(messages), **value}))
    return [event for event in events if isinstance(event.data, CustomerIdentified)]


def said(event: Event) -> tuple[str, str, str | None, list[str]]:
    """Kind and conversations of an identity event."""
    assert isinstance(event.data, CustomerIdentified)
    told = event.data
    return (
        told.kind,
        told.conversation_id,
        told.previous_conversation_id,
        told.alias_conversation_ids,
    )


def test_ids_seen_together_are_told_before_the_message() -> None:
    """Whoever routes the message knows by then that the number's conversation is the same."""
    body = message("text", {"body": "x"}, from_user_id=USER)
    first, second = read(body_of({"messages": [body]}))
    assert said(first) == ("identified", cv(USER), cv(PHONE), [])
    assert second.conversationid == cv(USER)


def test_telling_it_again_is_the_same_event() -> None:
    """INVARIANT I3: by message, status or call, a week apart: one id, one effect."""
    body = message("text", {"body": "x"}, from_user_id=USER)
    (first,) = identified(body, {**body, "id": "wamid.B", "timestamp": "1795349999"})
    status = {"id": "w", "status": "read", "recipient_id": PHONE, "recipient_user_id": USER}
    again, _ = read(body_of({"statuses": [status]}))
    assert again.id == first.id


def test_one_id_alone_is_no_news() -> None:
    """Most messages say nothing new about who wrote them."""
    assert identified(message("text", {"body": "x"})) == []
    only = message("text", {"body": "x"}, from_user_id=USER)
    del only["from"]
    assert identified(only) == []


def test_a_username_is_the_same_with_and_without_its_sign() -> None:
    """Some bodies put an @ before it, and it may change: then it is told again."""
    only = message("text", {"body": "x"}, from_user_id=USER)
    del only["from"]

    def named(username: str) -> Event:
        contact = {"user_id": USER, "profile": {"username": username}}
        (event,) = identified(only, contacts=[contact])
        return event

    assert named("@sana.k").id == named("sana.k").id != named("sana.khan").id
    assert named("@sana.k").private_values()["username"] == "sana.k"


def test_an_id_is_told_by_its_form_not_by_its_field() -> None:
    """A user id in `from` is a user id, a number in `from_user_id` is a number."""
    crossed = message("text", {"body": "x"}, **{"from": USER, "from_user_id": PHONE})
    (event,) = identified(crossed)
    assert said(event) == ("identified", cv(USER), cv(PHONE), [])


def test_a_parent_id_never_decides_where_there_is_another() -> None:
    """It spans several businesses; alone it is better than nobody."""
    body = message("text", {"body": "x"}, from_user_id=USER, from_parent_user_id=PARENT)
    (event,) = identified(body)
    assert said(event) == ("identified", cv(USER), cv(PHONE), [cv(PARENT)])
    alone = message("text", {"body": "x"}, **{"from": PARENT})
    assert one({"messages": [alone]}).conversationid == cv(PARENT)


def test_a_number_that_differs_from_the_contacts_is_an_alias() -> None:
    """`wa_id` and phone may differ for one user id: both are the same customer."""
    body = message("text", {"body": "x"}, from_user_id=USER)
    (event,) = identified(body, contacts=[{"wa_id": NEW_PHONE, "user_id": USER}])
    assert said(event) == ("identified", cv(USER), cv(PHONE), [cv(NEW_PHONE)])


def test_a_contact_with_another_id_is_kept_and_not_taken_for_the_person() -> None:
    """INVARIANT I9: two customers are never made one because they came together."""
    event = one(
        {"messages": [message("text", {"body": "x"})], "contacts": [{"wa_id": "923330000000"}]}
    )
    assert event.conversationid == cv(PHONE)
    assert "923330000000" in event.private_values()["raw"]


def test_a_single_contact_is_the_person_of_a_message_that_names_nobody() -> None:
    """Without `from` there is nobody else it could be."""
    body = message("text", {"body": "x"})
    del body["from"]
    event = one({"messages": [body], "contacts": [{"user_id": USER}]})
    assert event.conversationid == cv(USER)


SYSTEM: list[tuple[dict[str, Any], tuple[str, str, str | None, list[str]]]] = [
    (
        {"type": "user_changed_number", "wa_id": NEW_PHONE, "body": "changed"},
        ("number_changed", cv(NEW_PHONE), cv(PHONE), []),
    ),
    (
        {"type": "customer_changed_number", "new_wa_id": NEW_PHONE},
        ("number_changed", cv(NEW_PHONE), cv(PHONE), []),
    ),
    (
        {
            "type": "user_changed_number",
            "wa_id": NEW_PHONE,
            "user_id": NEW_USER,
            "previous_user_id": USER,
        },
        ("number_changed", cv(NEW_USER), cv(USER), [cv(PHONE), cv(NEW_PHONE)]),
    ),
    (
        {"type": "user_changed_user_id", "user_id": NEW_USER, "previous_user_id": USER},
        ("user_id_changed", cv(NEW_USER), cv(USER), [cv(PHONE)]),
    ),
    (
        {"type": "customer_identity_changed", "body": "identity changed"},
        ("security_code_changed", cv(PHONE), None, []),
    ),
]


@pytest.mark.parametrize(("system", "expected"), SYSTEM)
def test_a_change_names_the_old_and_the_new_conversation(
    system: dict[str, Any], expected: tuple[str, str, str | None, list[str]]
) -> None:
    """Routing links them; the ids themselves stay private."""
    event = one({"messages": [message("system", system)]})
    assert said(event) == expected
    public = event.model_copy(update={"private": None}).to_bytes().decode()
    assert not any(i in public for i in (PHONE, NEW_PHONE, USER, NEW_USER))


def test_a_change_without_a_number_names_the_user_ids() -> None:
    """A customer whose phone may not be shared is known by user ids alone."""
    body = message(
        "system",
        {"type": "user_changed_user_id", "user_id": NEW_USER, "previous_user_id": USER},
        from_user_id=NEW_USER,
    )
    del body["from"]
    assert said(one({"messages": [body]})) == ("user_id_changed", cv(NEW_USER), cv(USER), [])


@pytest.mark.parametrize(
    "system",
    [{"type": "something_new"}, {"type": "user_changed_number"}, {}, {"type": 5, "wa_id": "1"}],
)
def test_a_system_message_that_says_no_change_is_kept(system: dict[str, Any]) -> None:
    """An unknown type, or one without the new id, stays unrecognised."""
    assert one({"messages": [message("system", system)]}).noun_verb == "webhook.unrecognised"


def test_what_was_told_is_not_made_again() -> None:
    """Who a customer with several ids is goes with every message: told once, it is not written."""
    body = body_of({"messages": [message("text", {"body": "x"}, from_user_id=USER)]})
    (who, what) = read(body)
    assert [event.id for event in read(body, told={who.id})] == [what.id]
    assert len(read(body, told={what.id})) == 2
