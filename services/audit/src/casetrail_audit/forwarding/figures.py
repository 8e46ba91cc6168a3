"""What the forwarder counts, by endpoint."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge


class EndpointFigures:
    """Deliveries, attempts in vain, dead letters, and which endpoints are off."""

    def __init__(self, registry: CollectorRegistry, endpoints: Iterable[str]) -> None:
        """From zero for each of these: an increase is seen only of what was there before."""

        def counter(name: str, what: str) -> Counter:
            return Counter(f"casetrail_webhook_{name}", what, ["endpoint"], registry=registry)

        self._delivered = counter("delivered", "Messages that an endpoint took.")
        self._failed = counter("failed", "Attempts that an endpoint did not take.")
        self._dead = counter("set_aside", "Messages set aside because nobody took them.")
        self._disabled = Gauge(
            "casetrail_webhook_disabled",
            "1 when nothing goes to the endpoint: it said 410.",
            ["endpoint"],
            registry=registry,
        )
        for name in endpoints:
            for figure in (self._delivered, self._failed, self._dead, self._disabled):
                figure.labels(name)

    def delivered(self, endpoint: str) -> None:
        """One more was taken."""
        self._delivered.labels(endpoint).inc()

    def failed(self, endpoint: str) -> None:
        """One more attempt was in vain."""
        self._failed.labels(endpoint).inc()

    def set_aside(self, endpoint: str) -> None:
        """One more dead letter."""
        self._dead.labels(endpoint).inc()

    def disabled(self, endpoint: str, *, value: bool) -> None:
        """Whether nothing goes there."""
        self._disabled.labels(endpoint).set(int(value))
