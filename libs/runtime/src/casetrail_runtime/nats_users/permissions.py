"""Who may publish and hear which subjects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from casetrail_contracts import subjects
from casetrail_contracts.registry import EVENT_TYPES

from casetrail_runtime.streams.specs import (
    AUDIT_DURABLE,
    ROUTING_DURABLE,
    TICKETS_DURABLE,
    TICKETS_PEOPLE_DURABLE,
    DurableSpec,
)

SERVICES: Final = ("ingest", "routing", "tickets", "audit", "gateway")
OPERATOR: Final = "operator"
"""The people who run it, and their tools: everything."""
_CONSUMES: Final[dict[str, tuple[DurableSpec, ...]]] = {
    "routing": (ROUTING_DURABLE,),
    "tickets": (TICKETS_DURABLE, TICKETS_PEOPLE_DURABLE),
    "audit": (AUDIT_DURABLE,),
}
_COMMANDED: Final = ("ingest", "routing", "tickets", "audit")
"""Services that carry out commands."""
_HANDLES_AGAIN: Final = ("routing", "tickets")
"""Services that take messages back that they set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsUser:
    """A user, the subjects it may publish to and those it may hear.

    `answers`: it may also publish to the reply subject of a request it got, for a minute.
    """

    name: str
    about: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def inbox_prefix(user: str) -> str:
    """Where replies to a user go: nobody else may hear there."""
    return f"_INBOX_{user}"


def users() -> tuple[NatsUser, ...]:
    """Every user of a deployment."""
    return (*(_service(name) for name in SERVICES), _webhooks(), _streams(), _subscriber(), _all())


def _service(name: str) -> NatsUser:
    may_publish = [
        *_own_events(name),
        f"dead.{name}.>",
        *(subject for durable in _CONSUMES.get(name, ()) for subject in _pulls(durable)),
        *_LOOKS,
    ]
    hears = [f"{inbox_prefix(name)}.>"]
    if name in _COMMANDED:
        hears.append(f"command.{name}.*")
    if name == "gateway":
        may_publish.append("command.>")
        may_publish.append(_READS_LETTERS)
        hears.append(subjects.AUDIT_SUBJECTS)
    if name in _HANDLES_AGAIN:
        may_publish += _TAKES_LETTERS
    if name == "audit":
        may_publish += [subjects.AUDIT_SUBJECTS, *_READS_EVERYTHING, *_ERASES]
    return NatsUser(
        name=name,
        about=_ABOUT[name],
        publish=tuple(may_publish),
        subscribe=tuple(hears),
        answers=name in _COMMANDED,
    )


def _own_events(service: str) -> Iterator[str]:
    for kind in sorted(EVENT_TYPES.values(), key=lambda kind: kind.name):
        if kind.owner in {service, "any"}:
            yield f"support.*.{kind.noun}.{kind.verb}"


def _pulls(durable: DurableSpec) -> tuple[str, str]:
    where = f"{durable.stream}.{durable.name}"
    return f"$JS.API.CONSUMER.MSG.NEXT.{where}", f"$JS.ACK.{where}.>"


_LOOKS: Final = ("$JS.API.STREAM.INFO.*", "$JS.API.CONSUMER.INFO.*.*")
"""Every service looks at the settings of streams and durables before it starts."""
_READS_LETTERS: Final = f"$JS.API.STREAM.MSG.GET.{subjects.DEAD}"
_TAKES_LETTERS: Final = (_READS_LETTERS, f"$JS.API.STREAM.MSG.DELETE.{subjects.DEAD}")
_READS_EVERYTHING: Final = (
    f"$JS.API.DIRECT.GET.{subjects.SUPPORT}",
    f"$JS.API.STREAM.MSG.GET.{subjects.SUPPORT}",
    f"$JS.API.DIRECT.GET.{subjects.AUDIT}.>",
    f"$JS.API.STREAM.MSG.GET.{subjects.AUDIT}",
    _READS_LETTERS,
)
_ERASES: Final = (
    f"$JS.API.STREAM.MSG.DELETE.{subjects.SUPPORT}",
    f"$JS.API.STREAM.MSG.DELETE.{subjects.DEAD}",
)
_ABOUT: Final = {
    "ingest": "publishes what WhatsApp tells, and hears nothing of the others",
    "routing": "publishes conversations, people and shifts",
    "tickets": "publishes tickets and their clocks",
    "audit": "the only one that reads every event; erases by order",
    "gateway": "publishes who looked at what; commands the others; hears what is recorded",
}


def _webhooks() -> NatsUser:
    return NatsUser(
        name="webhooks",
        about="forwards records to HTTP endpoints, by durables of its own on AUDIT",
        publish=(
            f"$JS.API.CONSUMER.MSG.NEXT.{subjects.AUDIT}.*",
            f"$JS.API.CONSUMER.CREATE.{subjects.AUDIT}.>",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{subjects.AUDIT}.>",
            f"$JS.API.CONSUMER.DELETE.{subjects.AUDIT}.*",
            f"$JS.API.CONSUMER.NAMES.{subjects.AUDIT}",
            f"$JS.API.CONSUMER.LIST.{subjects.AUDIT}",
            _READS_LETTERS,
            f"$JS.ACK.{subjects.AUDIT}.>",
            "dead.audit.webhook",
            *_LOOKS,
        ),
        subscribe=(f"{inbox_prefix('webhooks')}.>",),
    )


def _streams() -> NatsUser:
    return NatsUser(
        name="streams",
        about="makes and checks streams and durables, once per release",
        publish=(
            "$JS.API.INFO",
            "$JS.API.STREAM.CREATE.*",
            "$JS.API.STREAM.UPDATE.*",
            "$JS.API.CONSUMER.CREATE.>",
            "$JS.API.CONSUMER.DURABLE.CREATE.>",
            "$JS.API.CONSUMER.LIST.*",
            *_LOOKS,
        ),
        subscribe=(f"{inbox_prefix('streams')}.>",),
    )


def _subscriber() -> NatsUser:
    """Another system that hears the log; give each its own copy of this user."""
    return NatsUser(
        name="subscriber",
        about="another system: hears records, and can follow them by durables of its own",
        publish=(
            f"$JS.API.CONSUMER.CREATE.{subjects.AUDIT}.>",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{subjects.AUDIT}.>",
            f"$JS.API.CONSUMER.INFO.{subjects.AUDIT}.*",
            f"$JS.API.CONSUMER.MSG.NEXT.{subjects.AUDIT}.*",
            f"$JS.API.STREAM.INFO.{subjects.AUDIT}",
            "$JS.API.STREAM.NAMES",
            f"$JS.ACK.{subjects.AUDIT}.>",
        ),
        subscribe=(subjects.AUDIT_SUBJECTS, "_INBOX.>", f"{inbox_prefix('subscriber')}.>"),
    )


def _all() -> NatsUser:
    return NatsUser(
        name=OPERATOR,
        about="people who run it, and their tools",
        publish=(">",),
        subscribe=(">",),
        answers=False,
    )
