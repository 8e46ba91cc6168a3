"""Taking a webhook: its items become events, and the answer waits until all of them are safe."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from casetrail_ingest.domain.events import IDENTIFIED, outgoing_of
from casetrail_ingest.domain.reading import Reading, Workspaces
from casetrail_ingest.ports import Clock
from casetrail_ingest.use_cases import quick_json
from casetrail_ingest.use_cases.keep_safe import KeepSafe


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a webhook: its events, how many the stream knew already, how many wait."""

    events: int
    duplicates: int
    spooled: int = 0


class Told:
    """Ids of what this process told lately and need not tell again; the oldest are forgotten.

    Losing them costs a duplicate record, nothing else: the same ids give the same event.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._ids: dict[str, None] = {}
        self._most = most

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._ids

    def note(self, ids: Iterable[str]) -> None:
        """These have been told."""
        for event_id in ids:
            self._ids[event_id] = None
            if len(self._ids) > self._most:
                del self._ids[next(iter(self._ids))]


@dataclass(frozen=True)
class TakeWebhook:
    """Turns an authentic body into events and returns once all of them are stored or spooled."""

    keep_safe: KeepSafe
    workspaces: Workspaces
    workspace_key: bytes
    clock: Clock
    told: Told = field(default_factory=Told)

    async def __call__(self, body: bytes) -> Taken:
        """How many events the body gave; raises `NotStored` or `SpoolFull` if any is not safe."""
        reading = Reading(
            body,
            self.clock(),
            self.workspaces,
            self.workspace_key,
            self.told,
            quick_json.parse,
            quick_json.write,
        )
        going = [each for each in outgoing_of(reading) if each.id not in self.told]
        safe = await self.keep_safe(going)
        self.told.note(each.id for each in going if each.is_a(IDENTIFIED))
        return Taken(len(going), safe.duplicates, safe.spooled)
