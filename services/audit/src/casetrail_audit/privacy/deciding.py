"""The commands: ask for an erasure, place a hold, release one with two people."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Actor, Command, CommandReply
from casetrail_contracts.ids import derive_id
from casetrail_contracts.privacy_commands import Erase, PlaceHold, ReleaseHold
from casetrail_contracts.registry.privacy import (
    ErasureRequested,
    HoldCheck,
    HoldPlaced,
    HoldReleased,
    HoldReleaseRequested,
    PrivacyScope,
)
from casetrail_runtime.outbox import Aggregates, Decision, Loaded

from casetrail_audit.privacy import events
from casetrail_audit.privacy.model import (
    ACTIVE,
    RELEASE_REQUESTED,
    RELEASED,
    REQUESTED,
    Document,
    Registers,
    Scope,
)
from casetrail_audit.privacy.policies import POLICIES

Clock = Callable[[], datetime]
_ID_LENGTH: Final = 26


@dataclass(frozen=True)
class AskErasure:
    """Asks for an erasure; refused, and recorded as such, while a hold stands in its way."""

    erasures: Aggregates[Document]
    registers: Registers
    clock: Clock

    async def __call__(self, command: Erase) -> CommandReply:
        """The erasure's id; the worker carries it out."""
        erasure_id = short_id("er", command.id)
        scope = await self.registers.scope(command.workspace, command.scope.model_dump())
        held = () if scope is None else await self.registers.holds(command.workspace, scope)
        holds = [hold.hold_id for hold in held]
        at = self.clock()
        policy = POLICIES.get(command.policy)

        def decide(current: Loaded[Document]) -> Decision[Document]:
            if policy is None:
                known = ", ".join(sorted(POLICIES))
                detail = f"There is no such policy; known are {known}."
                return _refusal(command, "policy-unknown", detail, f"erasure/{erasure_id}", at)
            if scope is None:
                return _nothing(command, command.scope.model_dump(), f"erasure/{erasure_id}", at)
            if holds:
                detail = f"A legal hold stands in the way: {', '.join(holds)}. Nothing is erased."
                target = f"erasure/{erasure_id}"
                return _refusal(command, "held", detail, target, at, scope=scope, holds=holds)
            data = ErasureRequested(
                actor=command.actor,
                on_behalf_of=command.on_behalf_of,
                erasure_id=erasure_id,
                scope=PrivacyScope(**scope.document()),
                policy=policy.name,
                policy_version=policy.version,
                hold_check=HoldCheck(checked_at=at),
                fields=command.fields,
            )
            event = events.told(
                command,
                data,
                subject=f"erasure/{erasure_id}",
                scope=scope,
                version=current.version + 1,
                at=at,
                reason=command.reason,
            )
            state: Document = {
                "erasure_id": erasure_id,
                "status": REQUESTED,
                "scope": scope.document(),
                "policy": policy.name,
                "policy_version": policy.version,
                "fields": command.fields,
                "requested_by": command.actor.model_dump(mode="json"),
                "requested_at": at,
                "request_event_id": event.id,
                "correlation_id": event.correlationid,
                "done_at": None,
                "listed": [],
            }
            reply = CommandReply.ok(erasure_id=erasure_id, status=REQUESTED)
            return Decision(reply.model_dump(), state, [event])

        return await _handled(self.erasures, command, erasure_id, decide)


@dataclass(frozen=True)
class PutHold:
    """Places a hold. It stops an erasure that is under way as well, from its next batch on."""

    holds: Aggregates[Document]
    registers: Registers
    clock: Clock

    async def __call__(self, command: PlaceHold) -> CommandReply:
        """The hold's id, and the erasures it came too late to forestall."""
        hold_id = short_id("ho", command.id)
        scope = await self.registers.scope(command.workspace, command.scope.model_dump())
        at = self.clock()

        def decide(current: Loaded[Document]) -> Decision[Document]:
            if scope is None:
                return _nothing(command, command.scope.model_dump(), f"hold/{hold_id}", at)
            data = HoldPlaced(
                actor=command.actor,
                on_behalf_of=command.on_behalf_of,
                hold_id=hold_id,
                scope=PrivacyScope(**scope.document()),
            )
            event = events.told(
                command,
                data,
                subject=f"hold/{hold_id}",
                scope=scope,
                version=current.version + 1,
                at=at,
                reason=command.reason,
            )
            state = {"hold_id": hold_id, "status": ACTIVE, "scope": scope.document()}
            reply = CommandReply.ok(hold_id=hold_id, status=ACTIVE)
            return Decision(reply.model_dump(), state, [event])

        reply = await _handled(self.holds, command, hold_id, decide)
        if reply.status == "ok" and scope is not None:
            under_way = await self.registers.under_way(command.workspace, scope)
            reply.result["erasures_under_way"] = list(under_way)
        return reply


@dataclass(frozen=True)
class EndHold:
    """Releases a hold: one person asks for it, another one agrees."""

    holds: Aggregates[Document]
    clock: Clock

    async def __call__(self, command: ReleaseHold) -> CommandReply:
        """The hold's new status."""
        at = self.clock()
        target = f"hold/{command.hold_id}"

        def decide(current: Loaded[Document]) -> Decision[Document]:
            state = current.state
            if state is None:
                return _refusal(command, "hold-not-found", "There is no such hold.", target, at)
            scope = Scope.of(state["scope"])
            fault = _fault(state, command, current.version)
            if fault is not None:
                return _refusal(
                    command, *fault, target, at, scope=scope, hold_status=state["status"]
                )
            public = PrivacyScope(**scope.document())
            data: HoldReleaseRequested | HoldReleased
            if state["status"] == ACTIVE:
                after = RELEASE_REQUESTED
                data = HoldReleaseRequested(
                    actor=command.actor,
                    on_behalf_of=command.on_behalf_of,
                    hold_id=command.hold_id,
                    scope=public,
                )
            else:
                after = RELEASED
                data = HoldReleased(
                    actor=command.actor,
                    on_behalf_of=command.on_behalf_of,
                    hold_id=command.hold_id,
                    scope=public,
                    requested_by=Actor.model_validate(state["requested_by"]),
                )
            event = events.told(
                command,
                data,
                subject=target,
                scope=scope,
                version=current.version + 1,
                at=at,
                reason=command.reason,
            )
            by = {"requested_by": command.actor.model_dump(mode="json")}
            changed = {**state, "status": after, **(by if after == RELEASE_REQUESTED else {})}
            reply = CommandReply.ok(hold_id=command.hold_id, status=after)
            return Decision(reply.model_dump(), changed, [event])

        return await _handled(self.holds, command, command.hold_id, decide)


def _fault(state: Document, command: ReleaseHold, version: int) -> tuple[str, str] | None:
    expected = command.expected_version
    if expected is not None and expected != version:
        return "version-conflict", f"The hold is at version {version}, not {expected}."
    if state["status"] == RELEASED:
        return "already-released", "The hold is released already."
    if state["status"] == RELEASE_REQUESTED:
        first = state["requested_by"]["id"]
        people = {command.actor.id}
        if command.on_behalf_of is not None:
            people.add(command.on_behalf_of.id)
        if first in people:
            return (
                "second-person-needed",
                f"{first} asked for the release; somebody else has to agree to it.",
            )
    return None


async def _handled(
    aggregates: Aggregates[Document],
    command: Command,
    name: str,
    decide: Callable[[Loaded[Document]], Decision[Document]],
) -> CommandReply:
    outcome = await aggregates.handle(f"{command.workspace}:{name}", command.id, decide)
    return CommandReply.model_validate({**outcome.result, "version": outcome.version})


def _refusal(
    command: Command,
    code: str,
    detail: str,
    target: str,
    at: datetime,
    *,
    scope: Scope | None = None,
    **result: Any,
) -> Decision[Document]:
    event = events.rejection(command, code, detail, target=target, scope=scope, at=at)
    return Decision(CommandReply.rejected(code, detail, **result).model_dump(), None, [event])


def _nothing(command: Command, wanted: Document, target: str, at: datetime) -> Decision[Document]:
    noun = next(name for name, value in wanted.items() if value is not None)
    detail = f"The log has no such {noun} with anything to erase or hold."
    return _refusal(command, f"{noun}-not-found", detail, target, at)


def short_id(prefix: str, command_id: str) -> str:
    """`er_…`: the same for the same command."""
    return f"{prefix}_{derive_id(prefix, command_id).replace('-', '')[:_ID_LENGTH]}"
