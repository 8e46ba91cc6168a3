"""The newest checkpoint in a file, on a disk that a restore of the databases does not touch."""

import asyncio
import os
from pathlib import Path


class KeptCheckpoint:
    """One signed note in one file; written whole and synced, or not at all.

    A smaller checkpoint of the same log never takes the place of a larger one: of replicas that
    share the file one may be behind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def last(self) -> str | None:
        """The note that was kept last; None when there is no file yet.

        Raises:
            OSError: the file is there and cannot be read.
        """
        return await asyncio.to_thread(self._read)

    async def keep(self, note: str) -> None:
        """Returns when the note would survive a power cut; raises `OSError` when it would not."""
        await asyncio.to_thread(self._keep, note)

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def _keep(self, note: str) -> None:
        before = self._read()
        if before is None or _place(before)[0] != _place(note)[0] or _place(before) < _place(note):
            self._write(note)

    def _write(self, note: str) -> None:
        part = self._path.with_name(f".{self._path.name}.part")
        with part.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _place(note: str) -> tuple[str, int]:
    """The origin and the size that a note names; its signatures are for who reads it."""
    origin, _, rest = note.partition("\n")
    size = rest.partition("\n")[0]
    return origin, int(size) if size.isascii() and size.isdecimal() else 0
