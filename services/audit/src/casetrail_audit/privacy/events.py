"""Erasures and holds as events of the contract."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Actor, Command, Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.privacy import Erased, ErasedRecord, HoldCheck, PrivacyScope

from casetrail_audit.privacy.model import Document, Scope

SERVICE: Final = "audit"


def told(
    command: Command,
    data: EventData,
    *,
    subject: str,
    scope: Scope,
    version: int,
    at: datetime,
    reason: str,
) -> Event:
    """The event of a command that took effect; what the person typed is private."""
    return Event.build(
        data,
        workspace=command.workspace,
        source=SERVICE,
        subject=subject,
        time=at,
        id=derive_id(command.id, data.type_name),
        correlationid=command.correlation_id or command.id,
        causationid=command.id,
        sequence=version,
        conversationid=scope.conversation_id,
        caseid=scope.case_id,
        private={"reason": reason},
    )


def rejection(
    command: Command, code: str, detail: str, *, target: str, scope: Scope | None, at: datetime
) -> Event:
    """The event of a refused command: who tried what, and why not."""
    return Event.build(
        CommandRejected(
            actor=Actor.model_validate(command.actor.model_dump()),
            on_behalf_of=command.on_behalf_of,
            command=command.command_name(),
            command_id=command.id,
            target=target,
            code=code,
            detail=detail,
            refused_by=SERVICE,
        ),
        workspace=command.workspace,
        source=SERVICE,
        subject=f"command/{command.id}",
        time=at,
        id=derive_id(command.id, "rejected"),
        correlationid=command.correlation_id or command.id,
        causationid=command.id,
        conversationid=None if scope is None else scope.conversation_id,
        caseid=None if scope is None else scope.case_id,
    )


def certificate(
    workspace: str,
    erasure: Document,
    records: Sequence[Mapping[str, Any]],
    *,
    stage: str,
    holds: Sequence[str],
    cause_id: str,
    version: int,
    at: datetime,
) -> Event:
    """The certificate, or a part of it; nothing in it is personal."""
    scope = Scope.of(erasure["scope"])
    rule = Actor(
        kind="service",
        id=SERVICE,
        rule=erasure["policy"],
        rule_version=str(erasure["policy_version"]),
    )
    requested_by = Actor.model_validate(erasure["requested_by"])
    data = Erased.model_validate(
        {
            "actor": rule,
            "on_behalf_of": requested_by,
            "erasure_id": erasure["erasure_id"],
            "stage": stage,
            "scope": PrivacyScope(**scope.document()),
            "policy": erasure["policy"],
            "policy_version": erasure["policy_version"],
            "requested_by": requested_by,
            "requested_at": erasure["requested_at"],
            "hold_check": HoldCheck(checked_at=at, holds=list(holds)),
            "records": [listed(record) for record in records],
            "fields": erasure.get("fields"),
        }
    )
    return Event.build(
        data,
        workspace=workspace,
        source=SERVICE,
        subject=f"erasure/{erasure['erasure_id']}",
        time=at,
        id=derive_id(cause_id, data.type_name),
        correlationid=erasure["correlation_id"],
        causationid=erasure["request_event_id"],
        sequence=version,
        conversationid=scope.conversation_id,
        caseid=scope.case_id,
    )


def listed(record: Mapping[str, Any]) -> ErasedRecord:
    """An erased record as a certificate lists it."""
    return ErasedRecord(
        seq=record["_id"],
        kind=record["kind"],
        event_id=record["event_id"] or record["of_event_id"],
        fields=record["erased"]["fields"],
        leaf=record["leaf"].hex(),
        leaf_input=record["leaf_input"],
    )
