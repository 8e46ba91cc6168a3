"""The parameters of paths and queries, each spelled once."""

from datetime import datetime
from typing import Annotated, Final

from casetrail_contracts.commands import Moment
from fastapi import Path, Query

from casetrail_gateway.domain.errors import QueryNotUnderstood
from casetrail_gateway.domain.log import Kinds, Order, RecordFilter
from casetrail_gateway.domain.search.values import NotAValue, phone

CASE: Final = r"^CASE-[1-9][0-9]{0,17}$"
TICKET: Final = r"^T-[1-9][0-9]{0,17}$"
_NOUN_VERB: Final = r"[a-z][a-z0-9_-]{0,40}(\.[a-z][a-z0-9_-]{0,40})?"
_STAFF: Final = "agent|lead|reviewer|admin|service|rule|integration|unknown"

CaseId = Annotated[str, Path(pattern=CASE, examples=["CASE-1001"])]
TicketId = Annotated[str, Path(pattern=TICKET, examples=["T-1001"])]
ConversationId = Annotated[
    str, Path(pattern=r"^cv_[a-z0-9]{1,64}$", examples=["cv_6ajxh7e6vooz6cksap7wr3rmvq"])
]
UserId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", examples=["a"])]
ShiftId = Annotated[
    str,
    Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", examples=["993b1e51-1662-5f07-a9bc-d5d763b1f6e0"]),
]
ErasureId = Annotated[str, Path(pattern=r"^er_[a-z0-9]{1,40}$", examples=["er_1f0c"])]
HoldId = Annotated[str, Path(pattern=r"^ho_[a-z0-9]{1,40}$", examples=["ho_7d2a"])]
ReviewId = Annotated[str, Path(pattern=r"^rv_[a-z0-9]{1,40}$", examples=["rv_5c2f"])]
SampleId = Annotated[str, Path(pattern=r"^sa_[a-z0-9]{1,40}$", examples=["sa_81d0"])]
Seq = Annotated[int, Path(ge=1, lt=2**63, examples=[12])]

CaseQuery = Annotated[str | None, Query(pattern=CASE, examples=["CASE-1001"])]
TicketQuery = Annotated[str | None, Query(pattern=TICKET, examples=["T-1001"])]
OwnerQuery = Annotated[
    str | None, Query(pattern=r"^agent:[a-z0-9][a-z0-9_-]{0,62}$", examples=["agent:a"])
]
StatusQuery = Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$", examples=["open"])]
ActorQuery = Annotated[
    str | None,
    Query(
        pattern=rf"^(({_STAFF}):[a-z0-9][a-z0-9_-]{{0,62}}|customer:cv_[a-z0-9]{{1,64}})$",
        description="`kind:id`, as in `agent:a`, `service:routing`, `customer:cv_…`.",
        examples=["agent:a"],
    ),
]
ActionQuery = Annotated[
    str | None,
    Query(
        pattern=rf"^{_NOUN_VERB}$",
        description="`noun.verb`, or a noun for all of its verbs.",
        examples=["ticket.closed"],
    ),
]
TargetQuery = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z]{1,40}/[A-Za-z0-9_-]{1,80}$",
        description="What was acted on, as `noun/id`.",
        examples=["ticket/T-1001"],
    ),
]
SearchQuery = Annotated[
    str | None,
    Query(
        max_length=500,
        description='Words, "phrases", beginnings* and `key:value`, all of which have to hold; '
        "`understood` in the answer says how it was read.",
        examples=['escalated:yes "parcel never came"'],
    ),
]
CustomerQuery = Annotated[
    str | None,
    Query(
        pattern=r"^(cv_[a-z0-9]{1,64}|\+?[0-9][0-9 ()./-]{5,30})$",
        description="A conversation's id, or a number with its country's code.",
        examples=["cv_6ajxh7e6vooz6cksap7wr3rmvq"],
    ),
]
MomentQuery = Annotated[
    Moment | None,
    Query(description="RFC 3339 with a zone.", examples=["2026-11-22T10:00:00Z"]),
]
AsOf = Annotated[
    Moment | None,
    Query(
        description="What had happened by then, also if it was recorded later.",
        examples=["2026-11-22T10:30:00Z"],
    ),
]
AsKnown = Annotated[
    Moment | None,
    Query(
        description="What the log knew by then: with `as_of` the same, who knew what when.",
        examples=["2026-11-22T10:30:00Z"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]
After = Annotated[
    str | None,
    Query(
        max_length=200,
        description="`next_cursor` of the page before, or a sequence number.",
        examples=["12"],
    ),
]
InOrder = Annotated[Order, Query()]
KindsQuery = Annotated[
    str | None,
    Query(
        max_length=1000,
        pattern=rf"^{_NOUN_VERB}(,{_NOUN_VERB})*$",
        description="Actions to show, comma separated: `noun` or `noun.verb`. "
        "Without it everything but looks (`access`).",
        examples=["ticket,conversation.assigned"],
    ),
]


def kinds_of(text: str | None) -> Kinds:
    """The actions a timeline shows."""
    return Kinds() if text is None else Kinds(tuple(dict.fromkeys(text.split(","))))


def record_filter(
    actor: str | None,
    action: str | None,
    target: str | None,
    *,
    case: str | None,
    ticket: str | None,
    conversation_id: str | None,
    occurred_from: datetime | None = None,
    occurred_to: datetime | None = None,
) -> RecordFilter:
    """The filter of records that the parameters name."""
    kind, _, name = (actor or "").partition(":")
    return RecordFilter(
        actor_kind=kind or None,
        actor_id=name or None,
        action=action,
        target=target,
        case_id=case,
        ticket_id=ticket,
        conversation_id=conversation_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
    )


def customer_of(text: str | None) -> tuple[str | None, str | None]:
    """A conversation's id and a number's digits, one of them None, of what was given."""
    if text is None or text.startswith("cv_"):
        return text, None
    return None, phone_of(text)


def phone_of(text: str) -> str:
    """The digits of a number; `QueryNotUnderstood` for what is none."""
    try:
        return phone(text)
    except NotAValue as fault:
        raise QueryNotUnderstood(f"What was given {fault}.") from None
