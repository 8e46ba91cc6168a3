"""Whether the streams and durables of a NATS server are as they must be, in sentences."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import nats.errors
import structlog
from faststream.nats import NatsBroker
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError, NotFoundError
from nats.js.errors import Error as JetStreamError

from casetrail_runtime.streams.specs import DURABLES, STREAMS, DurableSpec, StreamSpec

log = structlog.get_logger(__name__)

WHY: Final[Mapping[str, str]] = {
    "subjects": "what is published on another subject is stored nowhere",
    "storage": "a restart would forget everything",
    "retention": "messages would disappear once they are consumed",
    "discard": "a full stream must refuse new messages, not forget old ones",
    "deny_purge": "nobody may empty the log",
    "deny_delete": "an erasure deletes from SUPPORT and DEAD only; nobody may delete from AUDIT",
    "allow_direct": "gaps are filled by direct reads",
    "allow_atomic": "publishers store in atomic batches, one fsync each",
    "allow_rollup_hdrs": "a header could remove what is stored",
    "duplicate_window": "a retried publish must be recognised",
    "num_replicas": "the log must survive the loss of a server",
    "max_bytes": "the stream would stop taking messages at this size",
    "max_msgs": "the stream would stop taking messages at this count",
    "max_age": "messages would be forgotten",
    "max_msgs_per_subject": "messages would be forgotten or refused",
    "sealed": "a sealed stream takes nothing",
    "no_ack": "publishers could not know what is stored",
    "filter_subjects": "it would miss messages, or get foreign ones",
    "ack_policy": "each message is acked when it is safe",
    "deliver_policy": "it must have seen everything from the beginning",
    "replay_policy": "messages would be held back to their original pace",
    "max_deliver": "a message would disappear after so many failures",
    "ack_wait": "slow work would be done twice, or lost work noticed late",
    "max_ack_pending": "it would starve, or flood the service",
    "headers_only": "the bytes would be missing",
    "deliver_subject": "services pull; it must not push",
    "inactive_threshold": "it would be removed while its service is down",
}
_STREAM_FIELDS: Final = tuple(name for name in STREAMS[0].settings() if name != "subjects")


class StreamsMisconfigured(Exception):
    """Streams or durables are not as they must be; `sentences` has one per wrong setting."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


def stream_settings(config: StreamConfig) -> dict[str, Any]:
    """A stream's settings in the form of `StreamSpec.settings`."""
    shown: dict[str, Any] = {name: getattr(config, name) for name in _STREAM_FIELDS}
    shown["subjects"] = sorted(config.subjects or ())
    shown["allow_atomic"] = bool(config.allow_atomic)
    shown["allow_direct"] = bool(config.allow_direct)
    return shown


def durable_settings(config: ConsumerConfig) -> dict[str, Any]:
    """A durable's settings in the form of `DurableSpec.settings`."""
    filters = config.filter_subjects or ([config.filter_subject] if config.filter_subject else [])
    return {
        "filter_subjects": sorted(filters),
        "ack_policy": config.ack_policy,
        "deliver_policy": config.deliver_policy,
        "replay_policy": config.replay_policy,
        "max_deliver": config.max_deliver,
        "ack_wait": config.ack_wait,
        "max_ack_pending": config.max_ack_pending,
        "headers_only": bool(config.headers_only),
        "deliver_subject": config.deliver_subject or "",
        "inactive_threshold": config.inactive_threshold or 0.0,
    }


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The names of the settings that are wrong."""
    return [name for name, value in wanted.items() if found[name] != value]


def sentence(what: str, setting: str, wanted: object, found: object) -> str:
    """One wrong setting: what it is, what it must be, and what would happen."""
    return f"{what}: {setting} is {_show(found)}, must be {_show(wanted)} ({WHY[setting]})."


def _show(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "everything"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(getattr(value, "value", value)) or "''"


async def check_stream(
    js: JetStreamContext, spec: StreamSpec, *, deployment: bool = True
) -> list[str]:
    """A sentence per wrong setting of one stream.

    `deployment=False` leaves out what a service cannot know: replicas, sizes, extra subjects.
    """
    what = f"stream {spec.name}"
    try:
        info = await js.stream_info(spec.name)
    except NotFoundError:
        return [f"{what} is missing; `python -m casetrail_runtime.streams apply` makes it."]
    wanted, found = spec.settings(), stream_settings(info.config)
    if not deployment:
        for name in ("num_replicas", "max_bytes", "max_msgs"):
            wanted.pop(name)
        wanted["subjects"] = sorted({*wanted["subjects"], *found["subjects"]})
    return [sentence(what, name, wanted[name], found[name]) for name in differences(wanted, found)]


async def check_durable(js: JetStreamContext, spec: DurableSpec) -> list[str]:
    """A sentence per wrong setting of one durable."""
    what = f"durable {spec.name} of {spec.stream}"
    try:
        info = await js.consumer_info(spec.stream, spec.name)
    except NotFoundError:
        return [f"{what} is missing; `python -m casetrail_runtime.streams apply` makes it."]
    wanted, found = spec.settings(), durable_settings(info.config)
    wrong = [sentence(what, name, wanted[name], found[name]) for name in differences(wanted, found)]
    if info.config.durable_name is None:
        wrong.append(f"{what} is not durable: it would forget where it was.")
    if info.paused:
        wrong.append(f"{what} is paused until {info.config.pause_until}: nothing is delivered.")
    return wrong


async def check_all(
    js: JetStreamContext, streams: Iterable[StreamSpec], durables: Iterable[DurableSpec]
) -> list[str]:
    """A sentence per wrong setting of all of them."""
    wrong = [line for spec in streams for line in await check_stream(js, spec)]
    return wrong + [line for spec in durables for line in await check_durable(js, spec)]


async def require(
    broker: NatsBroker,
    streams: Iterable[StreamSpec | str],
    durables: Iterable[DurableSpec | str] = (),
) -> None:
    """Returns when NATS answers and these are right; connects the broker, before `broker.start()`.

    Waits for NATS and for JetStream as long as it takes; raises `StreamsMisconfigured` when
    something is missing or set wrongly. Subjects added by `AUDIT_EXTRA_SUBJECTS`, the replicas
    and the sizes are not its matter.
    """
    by_name = {spec.name: spec for spec in STREAMS}
    durable_by_name = {spec.name: spec for spec in DURABLES}
    wanted = [by_name[item] if isinstance(item, str) else item for item in streams]
    bound = [durable_by_name[item] if isinstance(item, str) else item for item in durables]
    client = await broker.connect()
    js = client.jetstream(timeout=5)
    while True:
        try:
            wrong = [x for spec in wanted for x in await check_stream(js, spec, deployment=False)]
            wrong += [x for spec in bound for x in await check_durable(js, spec)]
        except (JetStreamError, nats.errors.Error) as error:
            if isinstance(error, APIError) and error.code not in {None, 503}:
                raise StreamsMisconfigured([f"JetStream answers: {error.description}."]) from error
            log.warning("waiting for JetStream", reason=str(error))
            await asyncio.sleep(0.5)
            continue
        if wrong:
            raise StreamsMisconfigured(wrong)
        return
