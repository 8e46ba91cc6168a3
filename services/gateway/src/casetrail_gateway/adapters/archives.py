"""Archived records in their files, for whoever needs the content of one."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog
from casetrail_evidence.archive.checking import check_archive
from casetrail_evidence.archive.document import ArchivedRecord
from casetrail_evidence.errors import EvidenceError

log: Final = structlog.get_logger(__name__)
CACHED: Final = 4
"""Archives held in memory, each some megabytes."""
_NONE: Final[Mapping[int, ArchivedRecord]] = {}


class ArchiveFiles:
    """The archives in a folder; each is checked whole before anything of it is given out."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._read: OrderedDict[str, tuple[tuple[int, int], Mapping[int, ArchivedRecord]]]
        self._read = OrderedDict()

    async def lines(self, file: str) -> Mapping[int, ArchivedRecord]:
        """The records of an archive, by sequence; empty when it is not at hand or does not hold."""
        if self._folder is None or Path(file).name != file:
            return _NONE
        path = self._folder / file
        try:
            found = await asyncio.to_thread(path.stat)
            stamp = (found.st_mtime_ns, found.st_ino)
            known = self._read.get(file)
            if known is not None and known[0] == stamp:
                self._read.move_to_end(file)
                return known[1]
            lines = await asyncio.to_thread(_records, path)
        except (OSError, EvidenceError) as fault:
            log.warning("archive_not_read", file=file, reason=str(fault))
            return _NONE
        self._read[file] = (stamp, lines)
        if len(self._read) > CACHED:
            self._read.popitem(last=False)
        return lines


def _records(path: Path) -> Mapping[int, ArchivedRecord]:
    found: list[ArchivedRecord] = []
    with path.open("rb") as file:
        checked = check_archive(file, each=found.append)
    return {record.seq: record for record in found} if checked.header.name == path.name else _NONE
