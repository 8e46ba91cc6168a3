"""Every stream and durable of Casetrail, with the settings they must have."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

from casetrail_contracts import subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """One stream: file storage, discard new, no purge, direct reads, atomic batches, no limits.

    `max_bytes` and `max_msgs` -1 and `max_age` 0 mean no limit; ages and windows are seconds.
    """

    name: str
    subjects: tuple[str, ...]
    description: str
    deny_delete: bool = True
    duplicate_window: float = 120.0
    max_bytes: int = -1
    max_msgs: int = -1
    max_age: float = 0.0
    replicas: int = 1

    def with_extra(self, extra: Iterable[str]) -> Self:
        """The same stream taking these subjects as well."""
        return replace(self, subjects=(*self.subjects, *extra))

    def settings(self) -> dict[str, Any]:
        """What the server must have, by the names of its API."""
        return {
            "subjects": sorted(self.subjects),
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "deny_purge": True,
            "deny_delete": self.deny_delete,
            "allow_direct": True,
            "allow_atomic": True,
            "allow_rollup_hdrs": False,
            "duplicate_window": self.duplicate_window,
            "num_replicas": self.replicas,
            "max_bytes": self.max_bytes,
            "max_msgs": self.max_msgs,
            "max_age": self.max_age,
            "max_msgs_per_subject": -1,
            "sealed": False,
            "no_ack": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableSpec:
    """One durable pull consumer: explicit acks, delivered until acked.

    `filter_subjects` empty means every message of the stream.
    """

    stream: str
    name: str
    filter_subjects: tuple[str, ...]
    description: str
    ack_wait: float = 30.0
    max_ack_pending: int = 1_000
    deliver_policy: Literal["all", "new"] = "all"

    def settings(self) -> dict[str, Any]:
        """What the server must have, by the names of its API."""
        return {
            "filter_subjects": sorted(self.filter_subjects),
            "ack_policy": "explicit",
            "deliver_policy": self.deliver_policy,
            "replay_policy": "instant",
            "max_deliver": -1,
            "ack_wait": self.ack_wait,
            "max_ack_pending": self.max_ack_pending,
            "headers_only": False,
            "deliver_subject": "",
            "inactive_threshold": 0.0,
        }


SUPPORT: Final = StreamSpec(
    name=subjects.SUPPORT,
    subjects=(subjects.SUPPORT_SUBJECTS,),
    description="Every event of the support operation; its sequence numbers the log.",
    deny_delete=False,  # an erasure removes personal data from the stream as well
)
AUDIT: Final = StreamSpec(
    name=subjects.AUDIT,
    subjects=(subjects.AUDIT_SUBJECTS,),
    description="Every record and checkpoint, after it is stored.",
)
DEAD: Final = StreamSpec(
    name=subjects.DEAD,
    subjects=(subjects.DEAD_SUBJECTS,),
    description="Messages that were set aside, with their bytes and the reason.",
    deny_delete=False,  # as from SUPPORT: what was set aside holds the same personal data
)
STREAMS: Final = (SUPPORT, AUDIT, DEAD)

AUDIT_DURABLE: Final = DurableSpec(
    stream=subjects.SUPPORT,
    name=subjects.AUDIT_DURABLE,
    filter_subjects=(),
    description="The recorder takes everything.",
    max_ack_pending=10_000,
)
ROUTING_DURABLE: Final = DurableSpec(
    stream=subjects.SUPPORT,
    name=subjects.ROUTING_DURABLE,
    filter_subjects=(
        "support.*.message.*",
        "support.*.conversation.*",
        "support.*.ticket.*",
        "support.*.customer.identified",
        "support.*.user.deactivated",
        "support.*.user.role_changed",
        "support.*.shift.ended",
    ),
    description="Routing opens, escalates, links and hands on cases.",
)
TICKETS_DURABLE: Final = DurableSpec(
    stream=subjects.SUPPORT,
    name=subjects.TICKETS_DURABLE,
    filter_subjects=(
        "support.*.message.*",
        "support.*.conversation.*",
        "support.*.ticket.created",
        "support.*.privacy.*",
    ),
    description="Tickets knows the conversation, and forgets what is erased.",
)
TICKETS_PEOPLE_DURABLE: Final = DurableSpec(
    stream=subjects.SUPPORT,
    name=subjects.TICKETS_PEOPLE_DURABLE,
    filter_subjects=("support.*.user.*",),
    description="Tickets knows who there is; its own place, so that it begins at the first user.",
)
DURABLES: Final = (AUDIT_DURABLE, ROUTING_DURABLE, TICKETS_DURABLE, TICKETS_PEOPLE_DURABLE)


def planned(
    *,
    replicas: int = 1,
    extra_subjects: Iterable[str] = (),
    max_bytes: dict[str, int] | None = None,
) -> tuple[StreamSpec, ...]:
    """All streams as this deployment wants them; `max_bytes` per name of a stream."""
    limits = max_bytes or {}
    sized = tuple(
        replace(spec, replicas=replicas, max_bytes=limits.get(spec.name, spec.max_bytes))
        for spec in STREAMS
    )
    return (sized[0].with_extra(extra_subjects), *sized[1:])
