"""Making the streams and durables, or changing them to what they must be."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any, Final

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError, NotFoundError

from casetrail_runtime.streams.check import (
    StreamsMisconfigured,
    differences,
    durable_settings,
    sentence,
    stream_settings,
)
from casetrail_runtime.streams.specs import DurableSpec, StreamSpec

_FIXED_STREAM: Final = frozenset({"storage", "retention", "deny_purge", "deny_delete", "sealed"})
_FIXED_DURABLE: Final = frozenset({"ack_policy", "deliver_policy", "replay_policy"})
_OVERLAP: Final = 10065
_TOO_FEW_SERVERS: Final = 10074


async def apply_all(
    js: JetStreamContext, streams: Iterable[StreamSpec], durables: Iterable[DurableSpec]
) -> list[str]:
    """What was done, a line each; raises `StreamsMisconfigured` with what JetStream refuses.

    Settings that are not ours (placement, compression, metadata) are left as they are. Everything
    that can be done is done before the refusals are raised.
    """
    done: list[str] = []
    refused: list[str] = []
    for stream in streams:
        try:
            done.append(await apply_stream(js, stream))
        except StreamsMisconfigured as error:
            refused += error.sentences
    for durable in durables:
        try:
            done.append(await apply_durable(js, durable))
        except StreamsMisconfigured as error:
            refused += error.sentences
    if refused:
        raise StreamsMisconfigured([*done, *refused])
    return done


async def apply_stream(js: JetStreamContext, spec: StreamSpec) -> str:
    """Makes or changes one stream; says which."""
    what = f"stream {spec.name}"
    wanted = spec.settings()
    try:
        info = await js.stream_info(spec.name)
    except NotFoundError:
        try:
            config = StreamConfig(name=spec.name, description=spec.description, **wanted)
            await js.add_stream(config)
        except APIError as error:
            raise StreamsMisconfigured(_explain(what, "make", error, [])) from error
        return f"{what}: made."
    found = stream_settings(info.config)
    wrong = differences(wanted, found)
    if not wrong:
        return f"{what}: unchanged."
    try:
        await js.update_stream(replace(info.config, **{name: wanted[name] for name in wrong}))
    except APIError as error:
        fixed = [
            sentence(what, name, wanted[name], found[name])
            for name in wrong
            if name in _FIXED_STREAM
        ]
        raise StreamsMisconfigured(_explain(what, "change", error, fixed)) from error
    return f"{what}: changed {', '.join(_changes(wrong, wanted, found))}."


async def apply_durable(js: JetStreamContext, spec: DurableSpec) -> str:
    """Makes or changes one durable; says which."""
    what = f"durable {spec.name} of {spec.stream}"
    wanted = spec.settings()
    try:
        info = await js.consumer_info(spec.stream, spec.name)
    except NotFoundError:
        config = ConsumerConfig(
            name=spec.name,
            durable_name=spec.name,
            description=spec.description,
            **_as_config(wanted),
        )
        try:
            await js.add_consumer(spec.stream, config)
        except APIError as error:
            raise StreamsMisconfigured(_explain(what, "make", error, [])) from error
        return f"{what}: made."
    found = durable_settings(info.config)
    wrong = differences(wanted, found)
    if not wrong:
        return f"{what}: unchanged."
    try:
        await js.add_consumer(spec.stream, _changed(info.config, wanted))
    except APIError as error:
        fixed = [
            sentence(what, name, wanted[name], found[name])
            for name in wrong
            if name in _FIXED_DURABLE
        ]
        raise StreamsMisconfigured(_explain(what, "change", error, fixed)) from error
    return f"{what}: changed {', '.join(_changes(wrong, wanted, found))}."


def _as_config(wanted: dict[str, Any]) -> dict[str, Any]:
    """Settings as the API takes them: what means "none" is left out."""
    return {
        name: value
        for name, value in wanted.items()
        if value not in ("", 0.0, []) or name == "max_deliver"
    }


def _changed(config: ConsumerConfig, wanted: dict[str, Any]) -> ConsumerConfig:
    """The durable's own settings with ours in their place."""
    kept = {field.name: getattr(config, field.name) for field in fields(config)}
    cleared = {name: None for name in wanted if name != "max_deliver"} | {"filter_subject": None}
    return ConsumerConfig(**(kept | cleared | _as_config(wanted)))


def _changes(wrong: list[str], wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for name in wrong:
        yield f"{name} {found[name]} to {wanted[name]}"


def _explain(what: str, doing: str, error: APIError, fixed: list[str]) -> list[str]:
    """Why JetStream refused, and what to do about it."""
    said = f"{what}: JetStream refuses to {doing} it: {error.description}."
    if error.err_code == _OVERLAP:
        return [f"{said} Another stream takes one of its subjects; each belongs to one stream."]
    if error.err_code == _TOO_FEW_SERVERS or "replicas" in (error.description or ""):
        return [f"{said} Ask for as many replicas as the cluster has servers."]
    if fixed:
        return [
            f"{said} What cannot be changed on an existing one:",
            *fixed,
            f"{what}: keep a backup, remove it and run apply again.",
        ]
    return [said]
