"""NKEYs: the keys by which NATS knows its users.

An NKEY is an Ed25519 key in the letters of RFC 4648 base32: a prefix that says what it is, 32
bytes, and CRC-16/XMODEM of both, lowest byte first. A public key of a user begins with U; a seed
begins with SU and is the secret. NATS documents them as "NKeys" under "Securing NATS".
"""

import base64
import binascii
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SEED: Final = 18 << 3
_USER: Final = 20 << 3
_BYTES: Final = 32


class NotAnNkey(ValueError):
    """A text that is no seed of a user; the message never repeats it."""


@dataclass(frozen=True, repr=False)
class UserKey:
    """The key of one user of NATS."""

    raw: bytes

    @classmethod
    def new(cls) -> Self:
        """A key nobody else has."""
        return cls(os.urandom(_BYTES))

    @classmethod
    def from_seed(cls, text: str) -> Self:
        """The key of a seed (`SU…`).

        Raises:
            NotAnNkey: it is something else, or was not copied whole.
        """
        try:
            data = base64.b32decode(_padded(text.strip()))
        except binascii.Error:
            raise NotAnNkey("is no NKEY seed: it has to begin with SU") from None
        body = data[:-2]
        if len(body) != _BYTES + 2 or _text(body) != text.strip():
            raise NotAnNkey("is no NKEY seed, or not all of it: its checksum is wrong")
        if (body[0] & 0xF8, (body[0] & 7) << 5 | body[1] >> 3) != (_SEED, _USER):
            raise NotAnNkey("is an NKEY, but no seed of a user: it has to begin with SU")
        return cls(body[2:])

    @property
    def seed(self) -> str:
        """The secret, `SU…`, 58 characters."""
        return _text(bytes((_SEED | _USER >> 5, (_USER & 31) << 3)) + self.raw)

    @cached_property
    def public(self) -> str:
        """What the server's configuration names, `U…`, 56 characters."""
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _text(bytes((_USER,)) + public)

    def sign(self, nonce: str) -> bytes:
        """The signature over the server's nonce, base64, as CONNECT carries it."""
        return base64.b64encode(self._private.sign(nonce.encode()))

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.raw)

    def __repr__(self) -> str:
        return f"UserKey({self.public})"


def _text(body: bytes) -> str:
    return base64.b32encode(body + _checksum(body)).decode().rstrip("=")


def _padded(text: str) -> bytes:
    return text.encode("ascii", "replace") + b"=" * (-len(text) % 8)


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(2, "little")
