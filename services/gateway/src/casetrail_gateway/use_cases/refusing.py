"""Refusals of the gateway itself: who tried what, and why not, before they are told."""

from dataclasses import dataclass

from casetrail_contracts import Event
from casetrail_contracts.registry.command import CommandRejected

from casetrail_gateway.domain.errors import Fault, NotPermitted
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock, EventStream
from casetrail_gateway.use_cases.looking import SOURCE, actor_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What one caller is refused leaves a record."""

    stream: EventStream
    clock: Clock
    caller: Caller
    permitted: bool
    """Whether their role may use the path at all."""
    correlation_id: str

    async def allow(
        self,
        fault: Fault | None,
        command: str,
        target: str,
        *,
        recorded: tuple[type[Fault], ...] = (NotPermitted,),
    ) -> None:
        """Nothing; a fault is raised, one of the `recorded` kinds after it stands in the log."""
        if not self.permitted:
            fault = NotPermitted(f"The role {self.caller.role} may not do this.")
        if isinstance(fault, recorded):
            id_ = self.clock.new_id()
            data = CommandRejected(
                actor=actor_of(self.caller),
                command=f"gateway.{command}",
                command_id=id_,
                target=target,
                code=fault.slug,
                detail=fault.detail,
                refused_by=SOURCE,
            )
            event = Event.build(
                data,
                workspace=self.caller.workspace,
                source=SOURCE,
                subject=f"command/{id_}",
                time=self.clock.now(),
                id=id_,
                correlationid=self.correlation_id,
            )
            await self.stream.record(event)
        if fault is not None:
            raise fault
