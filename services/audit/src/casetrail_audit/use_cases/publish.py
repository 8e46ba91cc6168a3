"""Subscribers are told of every record, once and in order."""

from casetrail_audit.ports import Advance, AuditStream
from casetrail_audit.use_cases.finals import Finals


class PublishRecords:
    """Publishes the final records that are not on `audit.>` yet.

    Where to go on is asked of the stream itself, and each publication is accepted only if the
    record before it is still the last one there. So a crash, a lost acknowledgement or a second
    follower can neither repeat nor skip one, however much later.
    """

    def __init__(self, records: Finals, audit: AuditStream) -> None:
        self._records = records
        self._audit = audit

    async def along(self, step: Advance) -> bool:
        """Whether this step is published: not while something before it is to be, in its turn."""
        if await self._audit.published_through() != step.after:
            return False
        return await self(step.through) >= step.through

    async def __call__(self, through: int) -> int:
        """The last record that is published now."""
        published = await self._audit.published_through()
        while published < through:
            finals = await self._records.finals(published, through)
            if not finals:
                break
            await self._audit.publish(published, finals)
            published = await self._audit.published_through()
        return published
