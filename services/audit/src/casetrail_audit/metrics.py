"""What Prometheus is told of the log."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from casetrail_audit.use_cases.follow import Progress


class LogMetrics:
    """How far the log is; zero in a replica that does not follow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"casetrail_log_{name}", text, registry=registry)

        self._complete = gauge("complete_through", "Last sequence of the complete part of the log.")
        self._views = gauge("views_as_of", "Last record the views know.")
        self._published = gauge("published_through", "Last record on audit.>.")
        self._stream = gauge("stream_last_seq", "Last sequence of the stream.")
        self._lag = gauge("lag", "Sequences of the stream that are not in the complete part yet.")
        self._follows = gauge("follows", "1 in the replica that follows the log.")
        self.forks = Counter(
            "casetrail_log_forked", "Batches refused: stream and log differ.", registry=registry
        )

    def report(self, progress: Progress) -> None:
        """Takes over what the follower has seen."""
        through = progress.standing.complete_through
        self._complete.set(through)
        self._views.set(progress.views_as_of)
        self._published.set(progress.published_through)
        self._follows.set(1)
        if progress.stream is not None:
            self._stream.set(progress.stream.last_seq)
            self._lag.set(max(0, progress.stream.last_seq - through))

    def stands_by(self) -> None:
        """Another replica follows."""
        self._follows.set(0)
