"""Where a message to the customer of a case goes: what the customer's own messages say."""

from typing import Any, Final

from casetrail_contracts.commands import SendMessageBody

from casetrail_gateway.domain.errors import CustomerUnreachable, NotFound
from casetrail_gateway.domain.log import Kinds, Page, Record, RecordFilter, Scope
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Log
from casetrail_gateway.use_cases.finding import Found

_WRITTEN: Final = Kinds(("message.received",))
_LOOKED_AT: Final = 20
"""Messages looked at for one whose address is kept."""


class AddressOf:
    """The fields of a sending that the caller neither knows nor sees."""

    def __init__(self, log: Log, caller: Caller, body: SendMessageBody) -> None:
        self._log = log
        self._workspace = caller.workspace
        reaction = body.reaction
        self._about = body.reply_to if reaction is None else reaction.message_id

    async def __call__(self, found: Found) -> dict[str, Any]:
        """`phone_number_id`, `wa_id` or `user_id`, `about_wamid`.

        Raises:
            CustomerUnreachable: no message of the customer is kept, or their address is erased.
            NotFound: the message that is answered is none of this conversation.
        """
        newest = await self._newest_with_an_address(found)
        if newest is None:
            raise CustomerUnreachable(
                "The log holds no address of this customer: they have not written yet, or what is "
                "personal was erased. Nothing was sent."
            )
        return {
            "phone_number_id": newest.data["phone_number_id"],
            "wa_id": newest.private.get("phone"),
            "user_id": newest.private.get("user_id"),
            "about_wamid": await self._wamid(found),
        }

    async def _newest_with_an_address(self, found: Found) -> Record | None:
        """The customer's last message of the case; of their conversation if the case has none.

        A case may span conversations: whoever wrote from a new number is answered there.
        """
        scopes = [Scope(conversation_id=found.conversation_id)]
        if found.case is not None:
            scopes.insert(0, found.case.scope())
        for scope in scopes:
            page = Page(_LOOKED_AT, "desc")
            for record in await self._log.timeline(self._workspace, scope, _WRITTEN, page):
                addressed = record.private.get("phone") or record.private.get("user_id")
                if addressed and isinstance(record.data.get("phone_number_id"), str):
                    return record
        return None

    async def _wamid(self, found: Found) -> str | None:
        if self._about is None:
            return None
        wanted = RecordFilter(target=f"message/{self._about}")
        for record in await self._log.records(self._workspace, wanted, Page(20, "asc")):
            wamid = record.private.get("wamid")
            if record.conversation_id in self._conversations(found) and isinstance(wamid, str):
                return wamid
        raise NotFound("message", f"There is no message {self._about} in this conversation.")

    @staticmethod
    def _conversations(found: Found) -> set[str | None]:
        linked = () if found.case is None else found.case.scope().episodes
        return {found.conversation_id, *(each.conversation_id for each in linked)}
