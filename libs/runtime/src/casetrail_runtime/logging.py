"""Logs: one JSON object a line (or colours in a terminal), without personal data or secrets.

Everything passes the redaction of `casetrail_runtime.redaction`, our own lines and those of
libraries that use the standard logging.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Protocol, TextIO

import structlog

from casetrail_runtime.redaction import describe_traceback, redact_item


class LogSettings(Protocol):
    """What logging needs to know: `ServiceSettings` has it."""

    @property
    def log_level(self) -> str:
        """debug, info, warning or error."""

    @property
    def log_format(self) -> str:
        """auto, json or console."""


def render_exception(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The event with `exc_info` replaced by `exception`: types, redacted messages, frames."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = describe_traceback(error)
    return event


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The event without personal data and secrets; runs last before it is rendered."""
    for key, value in event.items():
        if key in {"timestamp", "level", "service"}:
            continue
        event[key] = redact_item(key, value)
    return event


def drop_query(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The event of an access log without the query string: searches contain names and numbers."""
    record = event.get("_record")
    if getattr(record, "name", None) == "uvicorn.access" and isinstance(event.get("event"), str):
        event["event"] = " ".join(word.split("?", 1)[0] for word in event["event"].split(" "))
    return event


def configure_logging(service: str, settings: LogSettings, *, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard logging of this process; call it once, first in main.

    `auto` is coloured text when `stream` (standard output) is a terminal, JSON otherwise.
    """
    out = sys.stdout if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    console = settings.log_format == "console" or (settings.log_format == "auto" and out.isatty())

    def add_service(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_service,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                drop_query,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                render_exception,
                redact_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for noisy in ("pymongo", "nats", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
