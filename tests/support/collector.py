"""An OTLP collector on this machine that keeps the spans it is sent."""

import gzip
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """The spans by their trace: (service, name) of each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._lock = Lock()

    def take(self, body: bytes) -> None:
        """What an exporter sent."""
        sent = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            for resource in sent.resource_spans:
                named = {each.key: each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        told = (named["service.name"], span.name)
                        self._spans[span.trace_id.hex()].append(told)

    def traces(self) -> list[list[tuple[str, str]]]:
        """Every trace so far."""
        with self._lock:
            return [list(spans) for spans in self._spans.values()]


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            made.take(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
