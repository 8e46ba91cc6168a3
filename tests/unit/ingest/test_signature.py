"""Only WhatsApp gets in: HMAC over the bytes as they came."""

import hashlib
import hmac

import pytest
from casetrail_ingest.domain.signature import (
    SignatureMissing,
    SignatureWrong,
    check_signature,
    token_is_known,
)

BODY = b'{"object":"whatsapp_business_account","entry":[]}'


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (BODY, "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"),
        (
            b'{"object": "whatsapp_business_account", "entry": []}',
            "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
    ],
)
def test_known_signatures_are_accepted(body: bytes, digest: str) -> None:
    """Two vectors worked out apart from this code; white space matters."""
    check_signature(body, f"sha256={digest}", [b"test_app_secret"])
    check_signature(body, f"sha256={digest.upper()}", [b"old", b"test_app_secret"])
    with pytest.raises(SignatureWrong):
        check_signature(body + b" ", f"sha256={digest}", [b"test_app_secret"])


@pytest.mark.parametrize("header", [None, "", "sha256=", "sha1=" + "0" * 40, "0" * 64, "sha256=é"])
def test_a_header_of_another_form_is_missing(header: str | None) -> None:
    """No signature is not a valid signature."""
    with pytest.raises(SignatureMissing):
        check_signature(BODY, header, [b"secret"])


def test_no_secrets_accept_nothing() -> None:
    """An unconfigured service refuses everybody."""
    digest = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    with pytest.raises(SignatureWrong):
        check_signature(BODY, f"sha256={digest}", [])


def test_any_verify_token_of_the_list_is_known() -> None:
    """Rotation: the old and the new token both work."""
    assert token_is_known("new", [b"old", b"new"])
    assert not token_is_known("", [b"old"])
    assert not token_is_known("old ", [b"old"])
