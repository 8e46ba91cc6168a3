"""The bytes of a webhook as they come in."""

from collections.abc import Iterator
from typing import Any

import pytest
from casetrail_ingest.api import BodyTooLarge, read_body, unread
from starlette.requests import ClientDisconnect, Request

LIMIT = 10


def request(*messages: dict[str, Any], announced: bytes | None = None) -> Request:
    """A request whose body comes in these pieces."""
    coming: Iterator[dict[str, Any]] = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    headers = [] if announced is None else [(b"content-length", announced)]
    return Request({"type": "http", "headers": headers}, receive)


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    """One piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    "pieces", [[b"0123456789"], [b"01234", b"56789"], [b"", b"0123456789", b""]]
)
async def test_a_body_is_whole_in_however_many_pieces(pieces: list[bytes]) -> None:
    """Exactly the bytes that were sent: the signature is over them."""
    sent = [piece(each, more=n < len(pieces)) for n, each in enumerate(pieces, start=1)]
    assert await read_body(request(*sent), LIMIT) == b"0123456789"


@pytest.mark.parametrize("announced", [b"11", None, b"-1", b"many"])
async def test_what_is_too_long_is_not_kept(announced: bytes | None) -> None:
    """By what is announced, else as soon as more arrives; 413."""
    sent = [piece(b"012345", more=True), piece(b"67890", more=True)]
    with pytest.raises(BodyTooLarge) as fault:
        await read_body(request(*sent, announced=announced), LIMIT)
    assert unread(fault.value, LIMIT).status_code == 413


async def test_a_sender_who_goes_away_is_no_fault_of_ours() -> None:
    """400 with what to do, though nobody reads it, and nothing raised to the server."""
    gone = request(piece(b"0123", more=True), {"type": "http.disconnect"})
    with pytest.raises(ClientDisconnect) as fault:
        await read_body(gone, LIMIT)
    assert unread(fault.value, LIMIT).status_code == 400
