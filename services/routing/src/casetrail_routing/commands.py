"""NATS request/reply in: the commands routing answers."""

from dataclasses import dataclass

from casetrail_contracts.commands import (
    AcceptConversation,
    AddCaseNote,
    AssignConversation,
    ChangePresence,
    ClaimConversation,
    CloseConversation,
    CreateUser,
    DeactivateUser,
    DeclineConversation,
    DeescalateConversation,
    EndShift,
    EscalateConversation,
    LinkConversation,
    OpenHandover,
    ReactivateUser,
    ReleaseConversation,
    ReopenConversation,
    SignHandover,
    StartShift,
    TagConversation,
    TransferConversation,
    UpdateUser,
)
from casetrail_runtime.commands import serve
from faststream.nats import NatsBroker

from casetrail_routing.use_cases.case_commands import AssignCase, CloseCase
from casetrail_routing.use_cases.case_handing import (
    ClaimCase,
    ReleaseCase,
    ReopenCase,
    TransferCase,
)
from casetrail_routing.use_cases.case_offers import AcceptCase, DeclineCase
from casetrail_routing.use_cases.case_remarks import (
    AddNote,
    DeescalateCase,
    EscalateCase,
    TagCase,
)
from casetrail_routing.use_cases.causes import SERVICE
from casetrail_routing.use_cases.hand_over import BeginHandover, PutSignature
from casetrail_routing.use_cases.linking import LinkCase
from casetrail_routing.use_cases.user_commands import BeginShift, FinishShift, NotePresence
from casetrail_routing.use_cases.user_profile import (
    AddUser,
    ChangeUser,
    TakeUserBack,
    TakeUserOut,
)


@dataclass(frozen=True)
class CommandUseCases:
    """One use case for each command."""

    assign: AssignCase
    claim: ClaimCase
    accept: AcceptCase
    decline: DeclineCase
    transfer: TransferCase
    release: ReleaseCase
    escalate: EscalateCase
    deescalate: DeescalateCase
    tag: TagCase
    note: AddNote
    close: CloseCase
    reopen: ReopenCase
    link: LinkCase
    user_create: AddUser
    user_update: ChangeUser
    user_deactivate: TakeUserOut
    user_reactivate: TakeUserBack
    presence: NotePresence
    shift_start: BeginShift
    shift_end: FinishShift
    handover_open: BeginHandover
    handover_sign: PutSignature


def register_commands(broker: NatsBroker, use_cases: CommandUseCases) -> None:
    """Answers `command.routing.*`; replicas share the work."""
    serve(broker, AssignConversation, use_cases.assign, service=SERVICE)
    serve(broker, ClaimConversation, use_cases.claim, service=SERVICE)
    serve(broker, AcceptConversation, use_cases.accept, service=SERVICE)
    serve(broker, DeclineConversation, use_cases.decline, service=SERVICE)
    serve(broker, TransferConversation, use_cases.transfer, service=SERVICE)
    serve(broker, ReleaseConversation, use_cases.release, service=SERVICE)
    serve(broker, EscalateConversation, use_cases.escalate, service=SERVICE)
    serve(broker, DeescalateConversation, use_cases.deescalate, service=SERVICE)
    serve(broker, TagConversation, use_cases.tag, service=SERVICE)
    serve(broker, AddCaseNote, use_cases.note, service=SERVICE)
    serve(broker, CloseConversation, use_cases.close, service=SERVICE)
    serve(broker, ReopenConversation, use_cases.reopen, service=SERVICE)
    serve(broker, LinkConversation, use_cases.link, service=SERVICE)
    serve(broker, CreateUser, use_cases.user_create, service=SERVICE)
    serve(broker, UpdateUser, use_cases.user_update, service=SERVICE)
    serve(broker, DeactivateUser, use_cases.user_deactivate, service=SERVICE)
    serve(broker, ReactivateUser, use_cases.user_reactivate, service=SERVICE)
    serve(broker, ChangePresence, use_cases.presence, service=SERVICE)
    serve(broker, StartShift, use_cases.shift_start, service=SERVICE)
    serve(broker, EndShift, use_cases.shift_end, service=SERVICE)
    serve(broker, OpenHandover, use_cases.handover_open, service=SERVICE)
    serve(broker, SignHandover, use_cases.handover_sign, service=SERVICE)
