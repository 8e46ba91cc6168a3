"""What a person may do from a page: each action is a form, sent as the same command as the API's.

A form carries the version its page showed and a key of its own, so that a second click does nothing
twice and a change made meanwhile is told instead of overwritten. What could not be done comes back
with everything that was typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from casetrail_contracts import commands as c
from casetrail_contracts.api import CaseAnswer, TicketAnswer
from casetrail_contracts.commands import Body
from casetrail_contracts.privacy_commands import Erase, ErasureBody, HoldBody, PlaceHold

from casetrail_gateway.domain.people import PERMITTED, Caller

Kind = Literal["line", "text", "person", "choice", "moment", "words", "hidden"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; its label stands in the words of the language as `field.<name>`."""

    name: str
    kind: Kind = "line"
    required: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """A form: which command it sends, and the API path whose roles may send it."""

    name: str
    command: type[Any]
    body: type[Body] | None
    like: str
    fields: tuple[Field, ...] = ()

    @property
    def noun(self) -> str:
        """What it acts on: `case`, `ticket`, `user`, `shift`, `letter` or `privacy`."""
        nouns = {
            "cases": "case",
            "tickets": "ticket",
            "users": "user",
            "shifts": "shift",
            "dead-letters": "letter",
        }
        return nouns.get(self.like.split("/")[2], "privacy")

    def asked(self, form: Mapping[str, str]) -> Body | None:
        """The body of the command; raises pydantic's `ValidationError` naming each faulty field.

        An empty field is one that was not filled in. Words are separated by spaces or commas; what
        erasures and holds are about is one case.
        """
        if self.body is None:
            return None
        said: dict[str, Any] = {}
        for field in self.fields:
            text = form.get(field.name, "").strip()
            if field.kind == "words":
                said[field.name] = text.replace(",", " ").split()
            elif text and field.kind == "moment":
                said[field.name] = text if text[-1:] == "Z" or "+" in text else f"{text}Z"
            elif text:
                said[field.name] = text
        if self.noun == "privacy":
            said["scope"] = {"case": said.pop("case", None)}
        return self.body.model_validate(said)

    def permits(self, caller: Caller) -> bool:
        """True when the caller's role may do this at all."""
        return caller.role in PERMITTED["POST", self.like]


_REASON: Final = Field("reason")
_WHY: Final = Field("reason", required=True)
_NOTE: Final = Field("note", "text", required=True)
_OWNER: Final = Field("owner", "person", required=True)
_PRIORITIES: Final = ("low", "normal", "high", "urgent")

_CASE: Final = "/v1/cases/{case_id}"
_TICKET: Final = "/v1/tickets/{ticket_id}"
_USER: Final = "/v1/users/{user_id}"
_HANDOVER: Final = "/v1/shifts/{shift_id}/handover"

ACTIONS: Final[Mapping[tuple[str, str], Action]] = {
    (action.noun, action.name): action
    for action in (
        Action(
            "messages",
            c.SendMessage,
            c.SendMessageBody,
            f"{_CASE}/messages",
            (Field("text", "text", required=True),),
        ),
        Action("accept", c.AcceptConversation, None, f"{_CASE}/accept"),
        Action("decline", c.DeclineConversation, c.DeclineBody, f"{_CASE}/decline", (_WHY,)),
        Action(
            "link",
            c.LinkConversation,
            c.LinkBody,
            f"{_CASE}/link",
            (Field("into_case_id", required=True), _WHY),
        ),
        Action("claim", c.ClaimConversation, None, f"{_CASE}/claim"),
        Action("assign", c.AssignConversation, c.AssignBody, f"{_CASE}/assign", (_OWNER, _REASON)),
        Action(
            "transfer",
            c.TransferConversation,
            c.TransferBody,
            f"{_CASE}/transfer",
            (_OWNER, _REASON, Field("note", "text")),
        ),
        Action("release", c.ReleaseConversation, c.ReleaseBody, f"{_CASE}/release", (_WHY,)),
        Action("escalate", c.EscalateConversation, c.EscalateBody, f"{_CASE}/escalate", (_WHY,)),
        Action(
            "deescalate",
            c.DeescalateConversation,
            c.DeescalateBody,
            f"{_CASE}/deescalate",
            (_WHY,),
        ),
        Action("notes", c.AddCaseNote, c.AddCaseNoteBody, f"{_CASE}/notes", (_NOTE,)),
        Action(
            "tags",
            c.TagConversation,
            c.TagsBody,
            f"{_CASE}/tags",
            (Field("add", "words"), Field("remove", "words")),
        ),
        Action(
            "tickets",
            c.CreateTicket,
            c.CreateTicketBody,
            f"{_CASE}/tickets",
            (
                Field("title", required=True),
                Field("category"),
                Field("priority", "choice", options=_PRIORITIES),
            ),
        ),
        Action(
            "close",
            c.CloseConversation,
            c.CloseCaseBody,
            f"{_CASE}/close",
            (_WHY, Field("note", "text")),
        ),
        Action("reopen", c.ReopenConversation, c.ReopenCaseBody, f"{_CASE}/reopen", (_WHY,)),
        Action(
            "status",
            c.ChangeTicketStatus,
            c.ChangeTicketStatusBody,
            f"{_TICKET}/status",
            (Field("status", required=True), _REASON),
        ),
        Action("assign", c.AssignTicket, c.AssignTicketBody, f"{_TICKET}/assign", (_OWNER,)),
        Action(
            "priority",
            c.ChangeTicketPriority,
            c.ChangeTicketPriorityBody,
            f"{_TICKET}/priority",
            (Field("priority", "choice", required=True, options=_PRIORITIES), _REASON),
        ),
        Action(
            "handoff",
            c.HandOffTicket,
            c.HandOffTicketBody,
            f"{_TICKET}/handoff",
            (Field("to", required=True), Field("reference"), Field("expected_at", "moment")),
        ),
        Action(
            "chase",
            c.ChaseTicket,
            c.ChaseTicketBody,
            f"{_TICKET}/chase",
            (Field("expected_at", "moment"), _REASON),
        ),
        Action("notes", c.AddTicketNote, c.AddTicketNoteBody, f"{_TICKET}/notes", (_NOTE,)),
        Action("resolve", c.ResolveTicket, c.ResolveTicketBody, f"{_TICKET}/resolve", (_NOTE,)),
        Action(
            "close",
            c.CloseTicket,
            c.CloseTicketBody,
            f"{_TICKET}/close",
            (Field("note", "text"),),
        ),
        Action("reopen", c.ReopenTicket, c.ReopenTicketBody, f"{_TICKET}/reopen", (_WHY,)),
        Action("shift-start", c.StartShift, c.StartShiftBody, f"{_USER}/shift/start"),
        Action("shift-end", c.EndShift, None, f"{_USER}/shift/end"),
        Action(
            "handover",
            c.OpenHandover,
            c.OpenHandoverBody,
            _HANDOVER,
            (Field("to", "person"),),
        ),
        Action(
            "sign",
            c.SignHandover,
            c.SignHandoverBody,
            f"{_HANDOVER}/sign",
            (Field("through", "hidden", required=True), Field("note", "text")),
        ),
        Action(
            "handle",
            c.HandleLetter,
            c.HandleLetterBody,
            "/v1/dead-letters/{letter}/handle",
            (_WHY,),
        ),
        Action(
            "erasures",
            Erase,
            ErasureBody,
            "/v1/privacy/erasures",
            (
                Field("case", required=True),
                Field(
                    "policy",
                    "choice",
                    required=True,
                    options=("customer-request", "message-content"),
                ),
                _WHY,
            ),
        ),
        Action(
            "holds",
            PlaceHold,
            HoldBody,
            "/v1/privacy/holds",
            (Field("case", required=True), _WHY),
        ),
    )
}

_OPEN: Final = (
    *("messages", "assign", "transfer", "release", "escalate", "deescalate"),
    *("notes", "tags", "tickets", "link", "close"),
)


def on_case(caller: Caller, case: CaseAnswer, offered_to: str | None) -> list[Action]:
    """What the caller may do with a case as it stands; `offered_to` has it to accept."""
    if case.merged_into is not None:
        return []
    if case.status != "open":
        return _permitted(caller, "case", ("reopen",))
    without = {"deescalate"} if not case.escalated else {"escalate"}
    without |= {"transfer", "release"} if case.owner is None else set()
    names = tuple(name for name in _OPEN if name not in without)
    if offered_to == caller.ref:
        names = ("accept", "decline", *names)
    return _permitted(caller, "case", ("claim", *names) if case.owner is None else names)


def on_ticket(caller: Caller, ticket: TicketAnswer) -> list[Action]:
    """What the caller may do with a ticket as it stands."""
    if ticket.status == "Closed":
        return _permitted(caller, "ticket", ("reopen", "notes"))
    outside = ("chase",) if ticket.held_by is not None else ()
    names = ("status", "assign", "priority", "handoff", *outside, "notes", "resolve", "close")
    return _permitted(caller, "ticket", names)


def on_shift(caller: Caller) -> list[Action]:
    """Whether the caller may start and end shifts."""
    return _permitted(caller, "user", ("shift-start", "shift-end"))


def on_handover(caller: Caller, *, opened: bool, complete: bool) -> list[Action]:
    """What a lead may do with the hand-over of a shift that ended."""
    names = () if complete else ("sign",) if opened else ("handover",)
    return _permitted(caller, "shift", names)


def on_letter(caller: Caller) -> list[Action]:
    """Whether the caller may have what was set aside handled again."""
    return _permitted(caller, "letter", ("handle",))


def on_privacy(caller: Caller) -> list[Action]:
    """What the caller may do about privacy."""
    return _permitted(caller, "privacy", ("erasures", "holds"))


def _permitted(caller: Caller, noun: str, names: tuple[str, ...]) -> list[Action]:
    found = [ACTIONS[noun, name] for name in names]
    return [action for action in found if action.permits(caller)]
