"""Traces and figures of a service.

Instruments are labelled by durable or stream, never by subject: subjects grow without bound.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Any, Final, Protocol

from faststream.nats import NatsBroker
from faststream.nats.opentelemetry.provider import NatsTelemetrySettingsProvider
from faststream.nats.prometheus.provider import NatsMetricsSettingsProvider
from faststream.opentelemetry.middleware import TelemetryMiddleware
from faststream.prometheus.middleware import PrometheusMiddleware
from faststream.types import BrokerMiddleware
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_W3C = TraceContextTextMapPropagator()
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_carried: ContextVar[Mapping[str, str]] = ContextVar("trace headers", default=_NOTHING)
"""The trace of the message that is being handled, where no spans are made."""
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class TelemetrySettings(Protocol):
    """What tracing needs to know: `ServiceSettings` has it."""

    @property
    def otlp_endpoint(self) -> object:
        """URL of an OTLP/HTTP collector, or None for no export."""


class Telemetry:
    """A service's tracer, Prometheus registry and instruments."""

    def __init__(self, service: str, *, otlp_endpoint: str | None = None) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.provider = TracerProvider(
            resource=Resource.create({"service.name": f"casetrail-{service}"}),
            # Spans nobody collects are not recorded; their context is handed on all the same.
            sampler=ALWAYS_OFF if otlp_endpoint is None else DEFAULT_ON,
        )
        if otlp_endpoint is not None:
            exporter = OTLPSpanExporter(endpoint=otlp_endpoint)
            self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("casetrail_runtime")
        self.traces = otlp_endpoint is not None
        """Whether anybody collects spans."""

        def counter(name: str, text: str, label: str) -> Counter:
            return Counter(f"casetrail_{name}", text, [label], registry=self.registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"casetrail_{name}", text, ["durable"], registry=self.registry)

        self.processed = counter("messages_processed", "Messages handled and acked.", "durable")
        self.failed = counter("messages_failed", "Failed attempts to handle a message.", "durable")
        self.dead = counter("messages_dead", "Messages set aside on the DEAD stream.", "durable")
        self.kept = counter(
            "messages_kept", "Messages that could not be set aside and come back.", "durable"
        )
        self.redelivered = counter(
            "messages_redelivered", "Messages delivered more than once.", "durable"
        )
        self.handling = Histogram(
            "casetrail_handling_seconds",
            "Seconds one call of a handler takes.",
            ["durable"],
            registry=self.registry,
            buckets=_FAST,
        )
        self.pending = gauge("consumer_pending", "Messages of the stream not delivered yet.")
        self.unacked = gauge("consumer_unacked", "Messages delivered and not acked yet.")
        self.lag = gauge("consumer_lag_seconds", "Age of the message handled last, by the stream.")
        self.published = counter("messages_published", "Messages stored in the stream.", "stream")
        self.not_stored = counter("messages_not_stored", "Calls that ended in NotStored.", "stream")
        self.publishing = Histogram(
            "casetrail_publish_seconds",
            "Seconds from the call of a publisher to its acks.",
            ["stream"],
            registry=self.registry,
            buckets=_FAST,
        )
        self.batch_size = Histogram(
            "casetrail_publish_batch_size",
            "Messages stored together.",
            ["stream"],
            registry=self.registry,
            buckets=_SIZES,
        )

    def around(
        self, name: str, headers: Mapping[str, str] | None, kind: SpanKind
    ) -> AbstractContextManager[Span]:
        """A span around the handling of a message, in the trace that it carries.

        When nobody collects spans none is made, as this runs for every message: what is published
        meanwhile carries the trace on as it came.
        """
        if not self.traces:
            return _Carrying(headers)
        return self.tracer.start_as_current_span(name, context=trace_context(headers), kind=kind)

    def knows(self, durable: str) -> None:
        """Counts the messages of a durable, and how long they take, from zero.

        Prometheus sees an increase only of what it has seen before: without this the first message
        that is set aside would alert nobody.
        """
        counted = (self.processed, self.failed, self.dead, self.kept, self.redelivered)
        for figure in (*counted, self.handling):
            figure.labels(durable)

    def middlewares(self) -> Sequence[BrokerMiddleware[Any, Any]]:
        """FastStream's own middlewares, for request/reply only.

        Batches are left to our instruments: on them FastStream would take the first message's
        subject for all of them.
        """
        return [
            TelemetryMiddleware(
                settings_provider_factory=_command_traces, tracer_provider=self.provider
            ),
            PrometheusMiddleware(
                settings_provider_factory=_command_metrics,
                registry=self.registry,
                app_name=self.service,
            ),
        ]


def setup_telemetry(service: str, settings: TelemetrySettings) -> Telemetry:
    """The telemetry of this process; traces leave it only when an OTLP endpoint is set."""
    endpoint = settings.otlp_endpoint
    return Telemetry(service, otlp_endpoint=None if endpoint is None else str(endpoint))


def telemetry_of(broker: NatsBroker) -> Telemetry:
    """The telemetry that `make_broker` gave this broker; a fresh one for any other broker."""
    found = getattr(broker, "telemetry", None)
    if isinstance(found, Telemetry):
        return found
    fresh = Telemetry("unnamed")
    broker.telemetry = fresh  # type: ignore[attr-defined]
    return fresh


def trace_headers() -> dict[str, str]:
    """The W3C trace context of the caller as headers; empty outside a trace."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier or dict(_carried.get())


def trace_headers_or_new() -> dict[str, str]:
    """The trace context of the caller as headers; outside a trace that of a new, unsampled one."""
    if _carried.get() or get_current_span().get_span_context().is_valid:
        return trace_headers()
    ids = os.urandom(24).hex()
    return {"traceparent": f"00-{ids[:32]}-{ids[32:]}-00"}


def trace_context(headers: Mapping[str, str] | None) -> Context:
    """The trace context that a message carries; an empty one when it carries none."""
    return _W3C.extract(dict(headers or {}))


class _Carrying:
    """Hands the trace of a message on without a span of its own."""

    __slots__ = ("_headers", "_token")

    def __init__(self, headers: Mapping[str, str] | None) -> None:
        self._headers = _NOTHING
        if headers and _TRACEPARENT.fullmatch(parent := headers.get("traceparent", "")):
            state = headers.get("tracestate")
            self._headers = {"traceparent": parent, **({"tracestate": state} if state else {})}

    def __enter__(self) -> Span:
        self._token: Token[Mapping[str, str]] = _carried.set(self._headers)
        return INVALID_SPAN

    def __exit__(self, *_: object) -> None:
        _carried.reset(self._token)


class _CommandMetrics(NatsMetricsSettingsProvider):
    def get_publish_destination_name_from_cmd(self, cmd: Any) -> str:
        name: str = cmd.destination
        return "reply" if name.startswith("_INBOX.") else name  # an inbox is used once


def _command_traces(msg: Any) -> NatsTelemetrySettingsProvider | None:
    return None if isinstance(msg, list) else NatsTelemetrySettingsProvider()


def _command_metrics(msg: Any) -> NatsMetricsSettingsProvider | None:
    return None if isinstance(msg, list) else _CommandMetrics()
