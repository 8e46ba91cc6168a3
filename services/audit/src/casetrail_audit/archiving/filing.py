"""An archive from its plan to its last record: each step may be done again, by anyone."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.ids import derive_id
from casetrail_evidence.archive.document import ArchivedRecord
from casetrail_runtime.outbox import Aggregates, Decision, Loaded

from casetrail_audit.archiving import events
from casetrail_audit.archiving.folder import ArchiveFolder, Written
from casetrail_audit.archiving.model import ARCHIVED, LEFT, Document
from casetrail_audit.domain.envelope import milliseconds

SUFFIX: Final = ".jsonl.gz"
Change = Callable[[ArchivedRecord], ArchivedRecord]


class FileArchives:
    """Keeps the register of the archives and their events; writes files again."""

    def __init__(
        self,
        archives: Aggregates[Document],
        folder: ArchiveFolder | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._archives = archives
        self._folder = folder
        self._clock = clock

    async def plan(self, workspace: str, state: Document) -> None:
        """Notes which records are to go into which file, before there is one."""

        def decide(current: Loaded[Document]) -> Decision[Document]:
            return Decision({}, state if current.state is None else None)

        await self._handle(workspace, state["name"], "plan", decide)

    async def state(self, workspace: str, name: str) -> Document | None:
        """The archive as it stands."""
        loaded = await self._archives.load(f"{workspace}:{name}")
        return None if loaded is None else loaded.state

    async def archived(
        self, workspace: str, name: str, written: Written, holds: Sequence[str]
    ) -> None:
        """Commits the event that the records are in the file."""

        def changed(state: Document, event: Event) -> Document:
            told = {"event_id": event.id, "archived_at": event.time}
            return {**state, "status": ARCHIVED, **told}

        await self._tell(
            workspace, name, written=written, stage="archived", changed=changed, holds=holds
        )

    async def left(self, workspace: str, name: str) -> None:
        """Notes that all records have left, unless some were called back since."""
        known = await self.state(workspace, name)
        assert known is not None
        recalls = known["recalls"]

        def decide(current: Loaded[Document]) -> Decision[Document]:
            state = current.state
            if state is None or state["recalls"] != recalls:
                return Decision({})
            return Decision({}, {**state, "status": LEFT})

        await self._handle(workspace, name, f"left {recalls}", decide)

    async def reopen(self, workspace: str, made: Document) -> None:
        """Notes that records are called back; `made` is the archive as the log tells of it.

        The register knows nothing of it after a rebuild.
        """
        known = await self.state(workspace, made["name"])
        recalls = 1 if known is None else known["recalls"] + 1

        def decide(current: Loaded[Document]) -> Decision[Document]:
            state = current.state or made
            return Decision({}, {**state, "status": ARCHIVED, "recalls": recalls})

        await self._handle(workspace, made["name"], f"recall {recalls}", decide)

    async def rewrite(
        self, workspace: str, file: str, change: Change, *, erasure_id: str | None = None
    ) -> bool:
        """Writes a file again with its records changed, and tells of it; False if nothing changed.

        The event is committed before the new file takes the old one's place: killed in between,
        the same is done again, and the event is there already.
        """
        assert self._folder is not None
        made = await asyncio.to_thread(self._folder.rewrite, file, change)
        if made is None:
            return False
        try:
            name = file.removesuffix(SUFFIX)
            known = await self.state(workspace, name)
            if known is not None and known["event_id"] is not None:
                await self._tell(
                    workspace,
                    name,
                    written=made.written,
                    stage="rewritten",
                    changed=lambda state, _event: state,
                    erasure_id=erasure_id,
                )
            await asyncio.to_thread(made.finish)
        finally:
            made.close()
        return True

    async def _tell(
        self,
        workspace: str,
        name: str,
        *,
        written: Written,
        stage: str,
        changed: Callable[[Document, Event], Document],
        holds: Sequence[str] = (),
        erasure_id: str | None = None,
    ) -> None:
        cause = stage if stage == "archived" else f"{stage}:{written.sha256}"
        cause_id = derive_id("archive", workspace, name, cause)
        at = milliseconds(self._clock())

        def decide(current: Loaded[Document]) -> Decision[Document]:
            assert current.state is not None
            state = {**current.state, "sha256": written.sha256, "bytes": written.bytes}
            event = events.archived(
                workspace,
                state,
                stage=stage,
                holds=holds,
                cause_id=cause_id,
                version=current.version + 1,
                at=at,
                erasure_id=erasure_id,
            )
            return Decision({}, changed(state, event), [event])

        await self._archives.handle(f"{workspace}:{name}", cause_id, decide)

    async def _handle(
        self,
        workspace: str,
        name: str,
        step: str,
        decide: Callable[[Loaded[Document]], Decision[Document]],
    ) -> None:
        cause_id = derive_id("archive", workspace, name, step)
        await self._archives.handle(f"{workspace}:{name}", cause_id, decide)


def replaced(by_seq: Mapping[int, ArchivedRecord]) -> Change:
    """Puts these records in the place of those of the same sequence."""
    return lambda record: by_seq.get(record.seq, record)
