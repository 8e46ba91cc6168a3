"""Base64 (RFC 4648 §4) read strictly: one text for one sequence of bytes."""

import base64
import binascii

from casetrail_evidence.errors import Malformed


def encode_base64(data: bytes) -> str:
    """The padded base64 text of `data`."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, what: str, length: int | None = None) -> bytes:
    """The bytes of a base64 text, or `Malformed` naming `what`.

    Refuses text that is not exactly what `encode_base64` gives, so that spare bits and padding
    leave no second spelling, and another length than `length` when that is given.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"The {what} is not base64.") from error
    if encode_base64(data) != text:
        raise Malformed(f"The {what} is not base64 in its one spelling.")
    if length is not None and len(data) != length:
        raise Malformed(f"The {what} has {len(data)} bytes, not {length}.")
    return data
