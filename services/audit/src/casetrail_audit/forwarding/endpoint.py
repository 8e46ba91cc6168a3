"""An endpoint, and what is signed and sent to it (the Standard Webhooks convention)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

PREFIX: Final = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a secret that the convention allows."""

Start = Literal["new", "beginning"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where records go, signed with every one of its secrets: the new one beside the old one."""

    name: str
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    subjects: tuple[str, ...]
    """Filters on `audit.>`."""
    start: Start = "new"

    @property
    def durable(self) -> str:
        """The durable of the stream AUDIT that keeps its place."""
        return f"webhook_{self.name}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of the stream on its way: `id` is the same at every attempt, for ever."""

    id: str
    stream_seq: int
    body: bytes
    content_type: str

    def headers(self, endpoint: Endpoint, at: float) -> dict[str, str]:
        """What goes with the body at this moment (seconds since 1970)."""
        moment = str(int(at))
        return {
            "content-type": self.content_type,
            "webhook-id": self.id,
            "webhook-timestamp": moment,
            "webhook-signature": signature(endpoint.secrets, self.id, moment, self.body),
        }


def secret_of(text: str) -> bytes:
    """The bytes of `whsec_<base64>`; `ValueError` says what is wrong, and never the secret."""
    if not text.startswith(PREFIX):
        raise ValueError(f"it does not begin with {PREFIX}")
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} is not base64") from None
    if not LEAST <= len(secret) <= MOST:
        raise ValueError(f"it has {len(secret)} bytes, not {LEAST} to {MOST}")
    return secret


def signature(secrets: Sequence[bytes], message_id: str, moment: str, body: bytes) -> str:
    """`v1,<base64>` for each secret, separated by spaces: HMAC-SHA256 of `id.timestamp.body`."""
    content = b".".join((message_id.encode(), moment.encode(), body))
    macs = (hmac.digest(secret, content, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)


def message_id(headers: Mapping[str, str] | None, stream_seq: int, body: bytes) -> str:
    """What the stream calls the message (`audit:17`); of one without a name its place and hash."""
    named = (headers or {}).get("Nats-Msg-Id")
    return named or f"AUDIT:{stream_seq}:{hashlib.sha256(body).hexdigest()[:16]}"
