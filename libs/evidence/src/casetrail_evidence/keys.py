"""Keys of signed notes (C2SP signed-note, tlog-cosignature): Ed25519, named, with a short id.

Two signature types are known: 0x01, Ed25519 over the note's text, which is what a log signs with;
and 0x04, a witness's cosignature, which also says when the witness saw the checkpoint.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from casetrail_evidence.base64text import decode_base64, encode_base64
from casetrail_evidence.errors import Malformed, SignatureInvalid

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MAX_TIMESTAMP = 2**63 - 1

_ALGORITHMS = (ED25519, COSIGNATURE_V1)
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_TIMESTAMP_BYTES = 8
_PRIVATE_PREFIX = "PRIVATE+KEY+"
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Who may have signed: a name, a signature type and a 32-byte Ed25519 public key."""

    name: str
    public: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        _require_key(self.name, self.algorithm)
        if len(self.public) != _KEY_BYTES:
            raise Malformed(f"An Ed25519 public key has {_KEY_BYTES} bytes.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of `<name>+<id in hex>+<base64>` (C2SP signed-note, verifier keys).

        `Malformed` also when the id is not the one that follows from name and key.
        """
        name, hex_id, algorithm, public = _split_key(text, "verifier key")
        key = cls(name, public, algorithm)
        if key.id.hex() != hex_id:
            raise Malformed("The id in the verifier key is not that of its name and key.")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature line (C2SP signed-note, signatures)."""
        seed = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(seed).digest()[:4]

    def verify(self, text: str, signature: bytes) -> int | None:
        """The time a cosignature names, None for a plain signature, else `SignatureInvalid`.

        `signature` is what follows the key id in a signature line. The time is in seconds since the
        Epoch and is vouched for by the witness alone.
        """
        timestamp = None
        message = text.encode()
        if self.algorithm == COSIGNATURE_V1:
            if len(signature) != _TIMESTAMP_BYTES + _SIGNATURE_BYTES:
                raise SignatureInvalid(f"The cosignature by {self.name} has the wrong length.")
            timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
            signature = signature[_TIMESTAMP_BYTES:]
            if timestamp > MAX_TIMESTAMP:
                raise SignatureInvalid(f"The cosignature by {self.name} names no possible time.")
            message = cosigned_message(text, timestamp)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureInvalid(
                f"The signature by {self.name} is not over this text."
            ) from error
        return timestamp

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode_base64(bytes([self.algorithm]) + self.public)}"


class SignerKey:
    """A private key that signs notes under a name; printing it shows the public part only."""

    def __init__(self, name: str, seed: bytes, algorithm: int = ED25519) -> None:
        if len(seed) != _KEY_BYTES:
            raise Malformed(f"An Ed25519 private key has {_KEY_BYTES} bytes.")
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.verifier = VerifierKey(name, public, algorithm)

    @classmethod
    def generate(cls, name: str, algorithm: int = ED25519) -> Self:
        """A new random key under `name`."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw(), algorithm)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of `PRIVATE+KEY+<name>+<id>+<base64>`, as Go's sumdb/note writes signer keys."""
        if not text.startswith(_PRIVATE_PREFIX):
            raise Malformed("The signing key does not start with PRIVATE+KEY+.")
        name, hex_id, algorithm, seed = _split_key(text[len(_PRIVATE_PREFIX) :], "signing key")
        key = cls(name, seed, algorithm)
        if key.verifier.id.hex() != hex_id:
            raise Malformed("The id in the signing key is not that of its name and key.")
        return key

    @property
    def name(self) -> str:
        """The name the key signs under."""
        return self.verifier.name

    def secret_text(self) -> str:
        """The key as `parse` takes it. A secret: keep it where secrets are kept."""
        material = encode_base64(bytes([self.verifier.algorithm]) + self._seed)
        return f"{_PRIVATE_PREFIX}{self.name}+{self.verifier.id.hex()}+{material}"

    def sign(self, text: str, at: int | None = None) -> bytes:
        """What follows the key id in a signature line; a cosignature needs the time `at`."""
        if self.verifier.algorithm == ED25519:
            if at is not None:
                raise Malformed("A plain Ed25519 signature names no time.")
            return self._private.sign(text.encode())
        if at is None or not 0 <= at <= MAX_TIMESTAMP:
            raise Malformed("A cosignature needs the time it is given at.")
        return at.to_bytes(_TIMESTAMP_BYTES, "big") + self._private.sign(cosigned_message(text, at))

    def __repr__(self) -> str:
        return f"SignerKey({self.verifier})"


def cosigned_message(text: str, timestamp: int) -> bytes:
    """What a witness signs: a header, the time, and the checkpoint's text (tlog-cosignature)."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def is_key_name(name: str) -> bool:
    """Whether a key may have this name: not empty, no spaces, pluses, controls or surrogates."""
    return name != "" and not any(
        character == "+"
        or character.isspace()
        or character < " "
        or "\ud800" <= character <= "\udfff"
        for character in name
    )


def _split_key(text: str, what: str) -> tuple[str, str, int, bytes]:
    name, _, rest = text.partition("+")
    hex_id, _, material = rest.partition("+")
    if _KEY_ID.fullmatch(hex_id) is None or material == "":
        raise Malformed(f"The {what} is not <name>+<8 hex digits>+<base64>.")
    key = decode_base64(material, what, 1 + _KEY_BYTES)
    return name, hex_id, key[0], key[1:]


def _require_key(name: str, algorithm: int) -> None:
    if not is_key_name(name):
        raise Malformed(f"{name!r} cannot be the name of a key.")
    if algorithm not in _ALGORITHMS:
        raise Malformed(f"Signature type {algorithm:#04x} is not one of Ed25519 (0x01, 0x04).")
