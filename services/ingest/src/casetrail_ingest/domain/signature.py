"""Whether a webhook was really sent by WhatsApp.

Source: Meta's webhook documentation, header `X-Hub-Signature-256`: `sha256=` and the hex
HMAC-SHA256 of the body's bytes with the app secret. The bytes are taken as they came; a body that
was parsed and written again has another signature.
"""

import hmac
import re
from collections.abc import Iterable
from typing import Final

from casetrail_contracts.ids import mac

_HEADER: Final = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)


class SignatureMissing(Exception):
    """The header is absent or is not `sha256=` and 64 hex digits."""


class SignatureWrong(Exception):
    """No configured app secret gives this signature."""


def check_signature(body: bytes, header: str | None, secrets: Iterable[bytes]) -> None:
    """Nothing when one of the app secrets signed this body.

    All secrets are tried whatever the first ones say, so that the time taken tells nothing.

    Raises:
        SignatureMissing: no header, or not of the documented form.
        SignatureWrong: none of the secrets fits; also when there are no secrets at all.
    """
    match = None if header is None else _HEADER.fullmatch(header.strip())
    if match is None:
        raise SignatureMissing
    given = match[1].lower()
    valid = False
    for secret in secrets:
        expected = mac(secret, body).hex()
        valid |= hmac.compare_digest(expected, given)
    if not valid:
        raise SignatureWrong


def token_is_known(given: str, tokens: Iterable[bytes]) -> bool:
    """True when the verify token of a handshake is one of ours, compared in constant time."""
    known = False
    for token in tokens:
        known |= hmac.compare_digest(token, given.encode("utf-8", "surrogatepass"))
    return known
