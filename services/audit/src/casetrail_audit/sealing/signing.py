"""The keys the log signs with, as texts of settings."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.keys import ED25519, SignerKey, VerifierKey, is_key_name
from casetrail_evidence.notes import Note

DEFAULT_ORIGIN: Final = "casetrail.local/support"
"""What the log is called when nobody says otherwise: host, and the stream it records."""
MAKE_ONE: Final = "make one with: casetrail-verify keygen NAME"

_PREFIX: Final = "PRIVATE+KEY+"
_HEX_SEED: Final = re.compile(r"[0-9a-fA-F]{64}")
_SEED_BYTES: Final = 32


def signer_key(text: str, origin: str | None = None) -> SignerKey:
    """The key of a signer key (`PRIVATE+KEY+<origin>+…`) or of a 32-byte seed in hex or base64.

    A seed signs under `origin`, or under `DEFAULT_ORIGIN`; a signer key under its own name, which
    must then be `origin` if that is given. Raises `ValueError` with what to do; never shows a key.
    """
    text = text.strip()
    if text.startswith(_PREFIX):
        key = _parsed(text)
        if origin is not None and key.name != origin:
            raise ValueError(f"is a key of {key.name}, but the origin of the log is {origin}")
        return key
    name = DEFAULT_ORIGIN if origin is None else origin
    if not is_key_name(name):
        raise ValueError(f"cannot sign under {name!r}: an origin has no spaces and no plus signs")
    return SignerKey(name, _seed(text))


def _parsed(text: str) -> SignerKey:
    try:
        key = SignerKey.parse(text)
    except EvidenceError as fault:
        raise ValueError(f"is a damaged signer key ({fault}); {MAKE_ONE}") from None
    if key.verifier.algorithm != ED25519:
        raise ValueError(f"is the key of a witness, not of a log; {MAKE_ONE}")
    return key


def _seed(text: str) -> bytes:
    if _HEX_SEED.fullmatch(text) is not None:
        return bytes.fromhex(text)
    try:
        seed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != _SEED_BYTES:
        raise ValueError(
            "is neither a signer key (PRIVATE+KEY+…) nor a seed of 32 bytes in hex or base64; "
            f"{MAKE_ONE}"
        )
    return seed


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The key that signs, those that sign beside it while they retire, and the name of the log."""

    signer: SignerKey
    retiring: tuple[SignerKey, ...] = ()

    @classmethod
    def of(cls, signing: str, retiring: Sequence[str] = (), origin: str | None = None) -> "LogKeys":
        """The keys of such texts; all of them have one name."""
        signer = signer_key(signing, origin)
        return cls(signer, tuple(signer_key(text, signer.name) for text in retiring))

    @property
    def origin(self) -> str:
        """The name of the log: of its keys and on the first line of its checkpoints."""
        return self.signer.name

    @property
    def verifiers(self) -> list[VerifierKey]:
        """The public keys, the newest first."""
        return [key.verifier for key in (self.signer, *self.retiring)]

    def sign(self, size: int, root: bytes) -> Note:
        """The signed checkpoint; the same bytes every time, since Ed25519 rolls no dice."""
        return sign_checkpoint(Checkpoint(self.origin, size, root), self.signer, *self.retiring)
