"""How far an action on many tickets is."""

from casetrail_contracts.api import BulkProgress
from casetrail_contracts.commands import ReadBulk

from casetrail_gateway.domain.errors import LogUnavailable, NotFound
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock, Commands
from casetrail_gateway.use_cases.looking import Look, actor_of


class ReadBulkProgress:
    """Asks the service tickets, which keeps bulks; the log has what they did."""

    def __init__(self, commands: Commands, clock: Clock, caller: Caller, bulk_id: str) -> None:
        self._commands = commands
        self._clock = clock
        self._caller = caller
        self._bulk_id = bulk_id

    async def look(self) -> Look:
        """A bulk of the caller's workspace."""
        return Look(what="bulk", target=f"bulk/{self._bulk_id}")

    async def answer(self) -> BulkProgress:
        """Its progress now."""
        reply = await self._commands.send(
            ReadBulk(
                id=self._clock.new_id(),
                workspace=self._caller.workspace,
                actor=actor_of(self._caller),
                bulk_id=self._bulk_id,
            )
        )
        if reply.status == "ok":
            return BulkProgress.model_validate(reply.result)
        if reply.status == "failed":
            raise LogUnavailable("How far the bulk is cannot be told just now: ask again.")
        raise NotFound("bulk", reply.detail or "There is no such bulk.")
