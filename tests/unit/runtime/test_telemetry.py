"""Traces go in and out of messages."""

from casetrail_runtime.broker import make_broker
from casetrail_runtime.telemetry import (
    Telemetry,
    setup_telemetry,
    telemetry_of,
    trace_context,
    trace_headers,
    trace_headers_or_new,
)
from faststream.nats import NatsBroker
from opentelemetry.trace import SpanKind

from tests.support.fixtures import Addresses


def test_a_trace_goes_on_in_the_next_service() -> None:
    """What one service puts in headers is the parent of what the next one does."""
    first, second = Telemetry("first"), Telemetry("second")
    with first.tracer.start_as_current_span("publish") as publishing:
        headers = trace_headers()
    with second.tracer.start_as_current_span("handle", context=trace_context(headers)) as handling:
        assert handling.get_span_context().trace_id == publishing.get_span_context().trace_id
        assert handling.get_span_context().span_id != publishing.get_span_context().span_id


def test_no_headers_outside_a_trace_and_none_needed() -> None:
    """A message without a trace starts one."""
    assert trace_headers() == {}
    with Telemetry("desk").tracer.start_as_current_span("x", context=trace_context(None)) as span:
        assert span.get_span_context().is_valid


def test_a_trace_passes_a_service_that_collects_no_spans_as_it_came() -> None:
    """The parent is whoever made the last span, and it stays sampled."""
    carried = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=1"}
    quiet = Telemetry("desk")
    with quiet.around("handle", {**carried, "Nats-Msg-Id": "e1"}, SpanKind.CONSUMER) as span:
        assert not span.get_span_context().is_valid
        assert trace_headers() == trace_headers_or_new() == carried
        with quiet.around("handle", {"traceparent": "00-odd-01\r\nX: y"}, SpanKind.CONSUMER):
            assert trace_headers() == {}
            assert trace_headers_or_new()["traceparent"].endswith("-00")
        assert trace_headers() == carried
    assert trace_headers() == {}


def test_where_spans_are_collected_one_is_made_in_the_trace() -> None:
    """Its headers name it as the parent of what comes next."""
    loud = Telemetry("desk", otlp_endpoint="http://127.0.0.1:9/v1/traces")
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with loud.around("handle", headers, SpanKind.CONSUMER) as span:
        assert f"{span.get_span_context().trace_id:032x}" == "a" * 32
        assert trace_headers()["traceparent"].split("-")[1] == "a" * 32
        assert trace_headers() != headers
    loud.provider.shutdown()


def test_nothing_is_exported_without_an_endpoint() -> None:
    """No collector, no sender in the background."""
    quiet = setup_telemetry("desk", Addresses())
    loud = setup_telemetry("desk", Addresses(otlp_endpoint="http://127.0.0.1:9/v1/traces"))
    assert quiet.provider._active_span_processor._span_processors == ()
    assert len(loud.provider._active_span_processor._span_processors) == 1
    loud.provider.shutdown()


def test_a_broker_has_one_telemetry() -> None:
    """Publishers and subscribers of a broker count in its registry, whoever made the broker."""
    given = Telemetry("desk")
    assert telemetry_of(make_broker(Addresses(), "desk", telemetry=given)) is given
    foreign = NatsBroker()
    assert telemetry_of(foreign) is telemetry_of(foreign)
