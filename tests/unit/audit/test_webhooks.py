"""Webhooks: what is signed, where it may go, how long is waited, and the file that says so."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from casetrail_audit.forwarding.addresses import Address, AddressRefused, Guard
from casetrail_audit.forwarding.endpoint import Delivery, Endpoint, secret_of, signature
from casetrail_audit.forwarding.endpoints_file import parse_endpoints
from casetrail_audit.forwarding.forward import Patience
from casetrail_audit.forwarding.http_posts import Answer, retry_after
from casetrail_audit.forwarding.settings import WebhooksSettings
from casetrail_runtime.yaml_file import FileInvalid
from pydantic import ValidationError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of the convention
OTHER = f"whsec_{base64.b64encode(bytes(32)).decode()}"


def test_the_signature_is_that_of_the_convention() -> None:
    """The published example of Standard Webhooks; several secrets give several signatures."""
    example = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature([secret_of(SECRET)], *example) == expected
    both = signature([secret_of(OTHER), secret_of(SECRET)], *example).split(" ")
    assert (len(both), both[1]) == (2, expected)


def test_a_delivery_has_one_id_and_a_new_time_at_every_attempt() -> None:
    """The receiver knows a repetition by its id, and an old request by its time."""
    endpoint = Endpoint("e", "https://e.example", (secret_of(SECRET),), ("audit.*.*.*",))
    delivery = Delivery("audit:17", 20, b"{}", "application/cloudevents+json")
    first, second = (delivery.headers(endpoint, at) for at in (100.9, 160.0))
    assert first["webhook-id"] == second["webhook-id"] == "audit:17"
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("100", "160")
    assert first["webhook-signature"] != second["webhook-signature"]
    assert str(endpoint.secrets[0]) not in repr(endpoint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secret", "does not begin"),
        ("whsec_%%%", "not base64"),
        ("whsec_AAAA", "3 bytes, not 24 to 64"),
        (f"whsec_{base64.b64encode(bytes(65)).decode()}", "65 bytes"),
    ],
)
def test_a_secret_that_is_none(text: str, said: str) -> None:
    """The convention's length, and never the secret in the sentence."""
    with pytest.raises(ValueError, match=said) as caught:
        secret_of(text)
    assert text not in str(caught.value)


async def _place(url: str, *addresses: str, allow: Sequence[str] = ()) -> str:
    async def resolve(_: str, __: int) -> Sequence[Address]:
        return [ip_address(each) for each in addresses]

    return (await Guard([ip_network(each) for each in allow], resolve)(url)).url


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
async def test_no_record_goes_to_an_address_that_is_not_public(address: str) -> None:
    """Loopback, private, link-local, multicast, and IPv6 that means one of them."""
    with pytest.raises(AddressRefused, match="no public address"):
        await _place("https://e.example/hook", address)
    with pytest.raises(AddressRefused):  # one public address beside it changes nothing
        await _place("https://e.example/hook", "93.184.216.34", address)


async def test_the_checked_address_is_the_one_that_is_connected_to() -> None:
    """A public one by https; with a network allowed also without TLS."""
    assert await _place("https://e.example/hook?a=1", "93.184.216.34") == (
        "https://93.184.216.34:443/hook?a=1"
    )
    assert await _place("https://e.example:8443/", "2606:2800::1") == "https://[2606:2800::1]:8443/"
    allow = ["127.0.0.0/8"]
    assert await _place("http://localhost:9/", "127.0.0.1", allow=allow) == "http://127.0.0.1:9/"
    with pytest.raises(AddressRefused, match="only https"):
        await _place("http://e.example/", "93.184.216.34", allow=allow)
    with pytest.raises(ConnectionError, match="no address"):
        await _place("https://e.example/")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("99999999999999999999", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    """Both forms of RFC 9110; anything else says nothing."""
    assert retry_after(text, NOW) == seconds


def test_the_wait_grows_and_is_never_shorter_than_asked_for() -> None:
    """Doubling, spread, bounded; Retry-After up to the time after which it is set aside."""
    patience = Patience(first=1, most=60, give_up=3600)
    waits = [patience.delay(attempts, Answer("no")) for attempts in (1, 2, 5, 50, 5000)]
    bounds = [(0.5, 1), (1, 2), (8, 16), (30, 60), (30, 60)]
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True))
    assert patience.delay(1, Answer("no", retry_after=100)) == 100
    assert patience.delay(1, Answer("no", retry_after=1e9)) == 3600


GOOD = """
webhooks:
  - name: courier-desk
    url: https://courier.example/hooks
    secrets: [env:NEW, env:OLD]
    workspace: main
    subjects: [ticket.*, conversation.closed]
    start: beginning
  - {name: bi, url: "https://bi.example:8443/x?y=1", secrets: [env:NEW]}
"""
ENV = {"NEW": SECRET, "OLD": OTHER, "SHORT": "whsec_AAAA"}


def test_the_file_says_where_records_go() -> None:
    """Filters on `audit.>` by workspace; without any, every record of every workspace."""
    first, second = parse_endpoints(GOOD, "webhooks.yaml", ENV)
    assert first.subjects == ("audit.main.ticket.*", "audit.main.conversation.closed")
    assert first.secrets == (secret_of(SECRET), secret_of(OTHER))
    assert (first.durable, first.start) == ("webhook_courier-desk", "beginning")
    assert (second.subjects, second.start) == (("audit.*.*.*",), "new")


BAD = """
webhooks:
  - name: Courier
    url: ftp://courier.example
    secrets: [SECRETSECRET, env:GONE, env:SHORT]
    subjects: [ticket.*, ticket.created, "audit.>"]
    start: yesterday
    colour: red
  - {name: a, url: "https://u:p@a.example", secrets: [env:NEW]}
  - {name: b, url: "https://b.example", secrets: [env:NEW]}
  - {name: b, url: "https://b.example", secrets: [env:NEW]}
"""


def test_every_fault_of_the_file_is_told_with_its_line() -> None:
    """All at once, and no secret that somebody wrote into it."""
    with pytest.raises(FileInvalid) as caught:
        parse_endpoints(BAD, "webhooks.yaml", ENV)
    told = str(caught.value)
    for line in (
        "line 3: name must be of the letters a-z",
        "line 4: url must be https://HOST/PATH",
        "line 5: a secret stands as file:PATH or env:NAME",
        "line 5: there is no secret in env:GONE",
        "line 5: the secret in env:SHORT cannot be used: it has 3 bytes",
        "line 6: ticket.created and ticket.* meet",
        "line 6: a subject is NOUN.VERB",
        "line 7: start must be new",
        "line 8: a webhook has no 'colour'",
        "line 9: url must be",
        "line 11: the webhook b is there twice",
    ):
        assert line in told, told
    assert "SECRETSECRET" not in told


def settings(**given: Any) -> WebhooksSettings:
    """The settings, with what is needed."""
    needed = {
        "nats_url": "nats://127.0.0.1:4222",
        "mongo_url": "mongodb://127.0.0.1:27017/audit",
        "file": "webhooks.yaml",
    }
    return WebhooksSettings.model_validate({**needed, **given})


def test_settings_that_would_repeat_every_attempt_are_refused() -> None:
    """The stream must not hand a message out again while it is under way."""
    assert [str(net) for net in settings(allow="10.0.0.0/8,::1/128").networks] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    for wrong in ({"allow": "somewhere"}, {"timeout": 30, "ack_wait": 30}):
        with pytest.raises(ValidationError):
            settings(**wrong)
