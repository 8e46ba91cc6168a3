"""Acks of a whole batch in one piece."""

from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

PIECE: Final = 500
"""Acks written to the connection at once: some 30 KB."""


async def ack_together(client: Client, msgs: Sequence[Msg]) -> None:
    """Acks messages that are not acked yet, as `Msg.ack` would one by one, at a tenth of the cost.

    The first and the last go through the client, which checks the connection and raises what there
    is to raise; what is between them is written in the same form (`PUB <reply> 0`). The last one
    has the client flush.
    """
    for start in range(0, len(msgs), PIECE):
        piece = msgs[start : start + PIECE]
        await piece[0].ack()
        between = piece[1:-1]
        if between:
            acks = "".join([f"PUB {msg.reply} 0\r\n\r\n" for msg in between])
            await client._send_command(acks.encode())  # noqa: SLF001 - no public way for many
            for msg in between:
                msg._ackd = True  # noqa: SLF001 - what `Msg.ack` does
        if len(piece) > 1:
            await piece[-1].ack()
