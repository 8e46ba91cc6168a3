"""How full the spool is, in figures and in `/readyz`."""

from typing import Any

from casetrail_runtime.health import Ping
from prometheus_client import CollectorRegistry, Gauge

from casetrail_ingest.adapters.spool import DiskSpool


class SpoolHealth:
    """Ready means that webhooks can be taken: into the stream, or onto disk while it is away."""

    def __init__(self, spool: DiskSpool, nats: Ping, registry: CollectorRegistry) -> None:
        self._spool = spool
        self._nats = nats
        for name, text, read in (
            ("events", "Events on disk that wait for the stream.", lambda: spool.events),
            ("bytes", "Bytes of the spool's files.", lambda: spool.size),
            ("max_bytes", "Most bytes the spool takes.", lambda: spool.max_bytes),
            ("set_aside", "Damaged or refused stretches set aside.", lambda: spool.set_aside),
        ):
            Gauge(f"casetrail_spool_{name}", text, registry=registry).set_function(read)

    async def ping(self) -> dict[str, Any]:
        """The depth of the spool and whether NATS answers; raises when nothing can be taken."""
        nats = "answers"
        try:
            await self._nats()
        except Exception as error:
            nats = "away"
            if not self._spool.has_room:
                raise ConnectionError("NATS is away and the spool is full") from error
        return {
            "nats": nats,
            "spool": {
                "events": self._spool.events,
                "bytes": self._spool.size,
                "max_bytes": self._spool.max_bytes,
                "set_aside": self._spool.set_aside,
            },
        }
