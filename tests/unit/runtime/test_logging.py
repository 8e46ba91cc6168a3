"""Logs never show a phone number, a message, a token; they still say what went wrong."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from casetrail_contracts import Actor, Event, EventData, parse_event
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.redaction import describe_error, describe_traceback, is_telling, redact
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

PHONE = "923001234567"
BODY = "my parcel never came, I am furious"
TOKEN = "EAAJB-s3cr3t-token-0123456789"
SECRETS = (PHONE, "300 1234567", BODY, TOKEN, "hunter2", "wamid.HBgMOTIz")


@dataclass(frozen=True)
class Settings:
    """Settings of logging."""

    log_level: str = "info"
    log_format: str = "json"


Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged so far, as JSON; the process's logging is put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out = io.StringIO()
    configure_logging("desk", Settings(), stream=out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


class Held(BaseModel):
    """A model whose repr would show what it holds."""

    text: str


class Plain:
    """An object without a text of its own."""


@dataclass
class Customer:
    """A dataclass whose repr would show what it holds."""

    name: str


def an_event() -> Event:
    """An event with everything personal in it."""
    return Event.model_validate(
        {
            "id": "e1",
            "source": "casetrail/desk",
            "type": "casetrail.message.noted.v1",
            "subject": "message/m1",
            "time": "2026-11-22T10:14:03Z",
            "workspace": "main",
            "data": EventData(actor=Actor(kind="customer", id="cv_1")).model_dump(),
            "private": {"text": BODY, "phone": PHONE},
        }
    )


LEAKS: list[dict[str, Any]] = [
    {"text": BODY},
    {"body": BODY.encode()},
    {"raw": BODY.encode()},
    {"anything": BODY.encode()},
    {"phone": int(PHONE)},
    {"seq": int(PHONE)},
    {"wa_id": PHONE},
    {"customer": PHONE},
    {"customer_phone": PHONE},
    {"accessToken": TOKEN},
    {"Authorization": f"Bearer {TOKEN}"},
    {"header": f"Authorization: Bearer {TOKEN}"},
    {"url": f"/v1/customers?phone={PHONE}"},
    {"url": "mongodb://casetrail:hunter2@db:27017/audit"},
    {"path": f"/webhooks/whatsapp?hub.verify_token={TOKEN}"},
    {"note": f"call +{PHONE} or +92 300 1234567 or (+92) 300-1234-567"},
    {"free": f"call +{PHONE} or +92 300 1234567 or 0092-300-1234567"},
    {"wamids": ["wamid.HBgMOTIzMDAxMjM0NTY3FQIAERgS"]},
    {"nested": [{"private": {"text": BODY}}, ({"deep": {"phone": PHONE}},)]},
    {"event_object": an_event()},
    {"model": Held(text=BODY)},
    {"object": Customer(BODY)},
    {"many": {PHONE: 1}},
    {"key": SecretStr("hunter2")},
    {"error": ValueError(f"cannot send '{BODY}' to {PHONE}")},
]


@pytest.mark.parametrize("fields", LEAKS, ids=lambda fields: next(iter(fields)))
def test_nothing_personal_or_secret_reaches_the_output(
    lines: Lines, fields: dict[str, Any]
) -> None:
    """Whatever the key or shape, no phone number, message, token or password is written."""
    structlog.get_logger("x").warning("seen", **fields)
    written = json.dumps(lines()[-1], ensure_ascii=False)
    assert lines()[-1]["event"] == "seen"
    assert [secret for secret in SECRETS if secret in written] == []


def test_what_is_needed_stays(lines: Lines) -> None:
    """Ids, hashes, times, counts and subjects are written as they are."""
    fields = {
        "event_id": "0e5f1234-1234-4123-8123-123456789012",
        "digits_only_id": "12345678-1234-4123-8123-123456789012",
        "conversation_id": "cv_4k2m7q",
        "ticket_id": "T-1001",
        "leaf": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "at": "2026-11-22T10:14:03.120Z",
        "stream_sequence": 12345678,
        "ratio": 0.25,
        "subject": "support.main.conversation.assigned",
        "ok": True,
        "nothing": None,
        "url": "nats://127.0.0.1:4222",
    }
    structlog.get_logger("x").info("stored 500 of 500 in 12.5 ms", **fields)
    line = lines()[-1]
    assert {key: line[key] for key in fields} == fields
    assert line["event"] == "stored 500 of 500 in 12.5 ms"
    assert (line["service"], line["level"]) == ("desk", "info")


def read_in_vain() -> None:
    """Raises an error whose cause and text hold what nobody may see."""
    try:
        Held.model_validate({"text": {"deep": f"{BODY} {PHONE}"}})
    except ValueError as error:
        raise RuntimeError(f"could not read '{BODY}' of {PHONE}") from error


def test_exceptions_are_told_without_what_they_held(lines: Lines) -> None:
    """A traceback names types and places; input that a model refused is not repeated."""
    try:
        read_in_vain()
    except RuntimeError:
        structlog.get_logger("x").exception("failed")
    told = lines()[-1]["exception"]
    assert "RuntimeError: could not read [redacted] of [redacted]" in told
    assert "ValidationError: text: string_type" in told
    assert "unit/runtime/test_logging.py:" in told
    assert [secret for secret in SECRETS if secret in told] == []


def test_other_libraries_pass_the_same_redaction(lines: Lines) -> None:
    """Lines of the standard logging are JSON too, redacted, with the service's name."""
    logging.getLogger("some.library").warning("sent %s to %s", "hello", PHONE)
    assert lines()[-1]["event"] == "sent hello to [redacted]"
    assert lines()[-1]["service"] == "desk"


def test_access_logs_lose_their_queries(lines: Lines) -> None:
    """Searches hold names and words, so the query string of a request is not logged."""
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/v1/cases?q=parcel", "1.1", 200
    )
    assert "/v1/cases HTTP/1.1" in lines()[-1]["event"]
    assert "parcel" not in json.dumps(lines()[-1])


def test_context_is_bound_and_levels_filter(lines: Lines) -> None:
    """What is bound appears in each line; what is below the level is not written."""
    with structlog.contextvars.bound_contextvars(event_id="e1", correlation_id="c1"):
        structlog.get_logger("x").debug("too quiet")
        structlog.get_logger("x").info("loud enough")
    assert [line["event"] for line in lines()] == ["loud enough"]
    assert (lines()[-1]["event_id"], lines()[-1]["correlation_id"]) == ("e1", "c1")


def test_the_console_form_is_redacted_too() -> None:
    """Colours change nothing: the same processors run before them."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out = io.StringIO()
    configure_logging("desk", Settings(log_format="console"), stream=out)
    try:
        try:
            read_in_vain()
        except RuntimeError:
            structlog.get_logger("x").exception("failed", text=BODY)
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()
    assert "failed" in out.getvalue()
    assert [secret for secret in SECRETS if secret in out.getvalue()] == []


def test_a_message_that_was_parsed_in_vain_is_not_told() -> None:
    """The fault of an unreadable event names fields only."""
    with pytest.raises(ValueError, match="source") as told:
        parse_event(json.dumps({"id": BODY, "private": {"text": BODY}, "phone": PHONE}))
    assert [secret for secret in SECRETS if secret in describe_traceback(told.value)] == []


@pytest.mark.parametrize(
    ("key", "telling"),
    [
        ("text", True),
        ("Authorization", True),
        ("customer_phone", True),
        ("appSecret", True),
        ("X-Hub-Signature", True),
        ("body_size", False),
        ("subject", False),
        ("stream_sequence", False),
        ("reason", False),
    ],
)
def test_keys_tell(key: str, telling: bool) -> None:  # noqa: FBT001 - a table
    """A key is telling by itself or by its last word."""
    assert is_telling(key) is telling


@given(st.integers(min_value=10**9, max_value=10**15 - 1), st.text(max_size=20))
def test_no_long_number_survives_in_any_text(number: int, around: str) -> None:
    """Numbers of ten to fifteen digits are hidden wherever they stand in a text."""
    shown = redact(f"{around} +{number} {around}")
    assert str(number) not in shown


def test_long_texts_are_cut() -> None:
    """A body that is pasted into a log line does not fill the disk."""
    assert len(redact("x" * 100_000)) < 2_100


def test_an_error_without_words_is_its_type() -> None:
    """There is no colon after nothing."""
    assert describe_error(TimeoutError()) == "TimeoutError"
