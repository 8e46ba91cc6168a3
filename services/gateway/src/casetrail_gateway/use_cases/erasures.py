"""One erasure as the log tells it."""

from collections.abc import Sequence
from typing import Any, Final

from casetrail_contracts.privacy_api import ErasureAnswer

from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.domain.log import Page, Record, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Log
from casetrail_gateway.use_cases.looking import Look

_REQUESTED: Final = "privacy.erasure_requested"
_ERASED: Final = "privacy.erased"
_AT_ONCE: Final = 200
_OF_THE_REQUEST: Final = ("scope", "policy", "policy_version", "fields")


class ReadErasure:
    """An erasure: its request and its certificates, read from the log itself."""

    def __init__(self, log: Log, caller: Caller, erasure_id: str) -> None:
        self._log = log
        self._caller = caller
        self._erasure_id = erasure_id

    async def look(self) -> Look:
        """The erasure, with the case and conversation it is about."""
        target = f"erasure/{self._erasure_id}"
        found = await self._log.erasure(self._caller.workspace, self._erasure_id)
        if found is None:
            fault = NotFound("erasure", f"The log has no erasure {self._erasure_id} (yet).")
            return Look(what="erasure", target="erasure/unknown", fault=fault)
        return Look(
            what="erasure",
            target=target,
            case_id=found.case_id,
            conversation_id=found.conversation_id,
        )

    async def answer(self) -> ErasureAnswer:
        """Everything the log says of it so far."""
        head = await self._log.head()
        records = await self._all()
        request = records[0]
        parts = [record.data for record in records if record.action == _ERASED]
        stages = {part.get("stage") for part in parts}
        ended = next((stage for stage in ("complete", "stopped") if stage in stages), "requested")
        told: dict[str, Any] = {
            "erasure_id": self._erasure_id,
            "status": ended,
            **{name: request.data.get(name) for name in _OF_THE_REQUEST},
            "requested_by": request.actor,
            "requested_at": request.at,
            "reason": request.why(reads_text=self._caller.reads_text),
            "hold_check": (parts[-1] if parts else request.data).get("hold_check"),
            "records": [each for part in parts for each in part.get("records", [])],
            "events": [record.seq for record in records],
            "complete_through": head.complete_through,
        }
        return ErasureAnswer.model_validate(told)

    async def _all(self) -> Sequence[Record]:
        records: list[Record] = []
        while True:
            found = await self._events(_AT_ONCE, records[-1].seq if records else None)
            records += [each for each in found if each.action in {_REQUESTED, _ERASED}]
            if len(found) < _AT_ONCE:
                return records

    async def _events(self, limit: int, after: int | None) -> Sequence[Record]:
        wanted = RecordFilter(target=f"erasure/{self._erasure_id}")
        return await self._log.records(
            self._caller.workspace, wanted, Page(limit, "asc", after, None)
        )
