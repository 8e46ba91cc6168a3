"""Leaving a server of NATS that is connected, answers pings and does not do its work.

A server that is cut off from its peers and still reached by its clients is such a one: it has no
leader to ask, so what is published there is stored when the cut is healed, and not before. The
client sees nothing wrong. Who waits in vain therefore says so, and is given another server.
"""

from time import monotonic
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from nats.aio.client import Client

log = structlog.get_logger(__name__)

IN_VAIN: Final = 6.0
"""Seconds without any answer after which a server is left: three attempts of a publisher."""
MOST: Final = 60.0
"""Seconds until the next one is left, at most: 6, 12, 24, … when no server does any better, as
without a majority."""
_FORGOTTEN: Final = 300.0

_left: "WeakKeyDictionary[Client, tuple[float, int]]" = WeakKeyDictionary()


async def go_elsewhere(client: Client, why: str) -> bool:
    """Connects the client to another server, unless there is none or it came only just now."""
    now = monotonic()
    last, times = _left.get(client, (float("-inf"), 0))
    if now - last > _FORGOTTEN:
        times = 0
    if now - last < min(IN_VAIN * 2.0**times, MOST) or not client.is_connected:
        return False
    if len(client.servers) < 2:  # noqa: PLR2004 - there has to be another one
        return False
    _left[client] = now, times + 1
    address = client.connected_url
    log.warning(
        "this server does nothing, going to another one",
        server=None if address is None else f"{address.hostname}:{address.port}",
        reason=why,
    )
    await client.force_reconnect()
    return True
