"""The archives as files of one folder. Nothing is there under its name before it is on the disk."""

import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from casetrail_evidence.archive.checking import check_archive
from casetrail_evidence.archive.document import ArchivedRecord, Header
from casetrail_evidence.archive.writing import rewrite_archive, write_archive
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.merkle import NodeSource

_CHUNK: Final = 1 << 20
STALE: Final = 600.0
"""Seconds after which a file that is half written is nobody's any more; one takes some seconds."""


class ArchiveUnavailable(ConnectionError):
    """An archive that is needed cannot be read; the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it was written."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Rewriting:
    """An archive that is on the disk beside the one it is to replace."""

    written: Written
    _made: Path
    _lock: BinaryIO
    _rename: Callable[[], None]

    def finish(self) -> None:
        """Puts it in the place of the old one."""
        self._rename()

    def close(self) -> None:
        """Lets others change files again."""
        self._made.unlink(missing_ok=True)
        self._lock.close()


class ArchiveFolder:
    """The folder `AUDIT_ARCHIVE_DIR`. Its methods block: call them in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(
        self, header: Header, records: Sequence[ArchivedRecord], source: NodeSource
    ) -> Written:
        """Writes an archive, checks all of it, and gives it its name.

        One that is there already stays: whoever came first may have changed it since.
        """
        with self._locked():
            if not self.has(header.name):
                made = self._temporary(header.name)
                try:
                    self._write(made, lambda out: write_archive(out, header, records, source))
                    self._rename(made, header.name)
                finally:
                    made.unlink(missing_ok=True)
            self.records(header.name)
            return self.digest(header.name)

    def rewrite(
        self, name: str, change: Callable[[ArchivedRecord], ArchivedRecord]
    ) -> "Rewriting | None":
        """The archive with its records changed, not yet in its place; None when nothing changes.

        Until it is closed nobody else changes a file of the folder.
        """
        changed = False

        def write(out: BinaryIO) -> None:
            nonlocal changed
            with self._open(name) as file:
                changed = rewrite_archive(file, out, change)

        lock = self._lock()
        made = self._temporary(name)
        try:
            written = self._write(made, write)
        except BaseException:
            made.unlink(missing_ok=True)
            lock.close()
            raise
        if changed:
            return Rewriting(written, made, lock, lambda: self._rename(made, name))
        made.unlink()
        lock.close()
        return None

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self._path / name).is_file()

    def digest(self, name: str) -> Written:
        """What the file is now."""
        digest, size = hashlib.sha256(), 0
        with self._open(name) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return Written(digest.hexdigest(), size)

    def stamp(self, name: str) -> tuple[int, int]:
        """Changes whenever the file does."""
        try:
            found = (self._path / name).stat()
        except OSError as fault:
            raise _unavailable(name, self._path, fault) from fault
        return found.st_mtime_ns, found.st_ino

    def records(self, name: str) -> list[ArchivedRecord]:
        """The records of an archive, once all of it holds.

        Raises:
            ArchiveUnavailable: it is not there, or does not hold.
        """
        found: list[ArchivedRecord] = []
        with self._open(name) as file:
            try:
                checked = check_archive(file, each=found.append)
            except EvidenceError as fault:
                raise ArchiveUnavailable(f"The archive {name} does not hold: {fault}") from fault
        if checked.header.name != name:
            raise ArchiveUnavailable(f"The file {name} holds {checked.header.name}.")
        return found

    def _open(self, name: str) -> BinaryIO:
        try:
            return (self._path / name).open("rb")
        except OSError as fault:
            raise _unavailable(name, self._path, fault) from fault

    def _write(self, made: Path, write: Callable[[BinaryIO], None]) -> Written:
        """Nothing but an archive that holds, and is on the disk, comes out of here."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            write(out)
            out.flush()
            os.fsync(out.fileno())
        digest = hashlib.sha256()
        with made.open("rb") as file:
            check_archive(file)
            file.seek(0)
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return Written(digest.hexdigest(), made.stat().st_size)

    def _rename(self, made: Path, name: str) -> None:
        made.replace(self._path / name)
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _lock(self) -> BinaryIO:
        """Whoever has it open is the only one to change a file; closing it, or dying, frees it."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self._path / ".lock").open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock():
            yield

    def sweep(self) -> None:
        """Removes what a process that died left half written."""
        for left in self._path.glob(".*.part"):
            with suppress(FileNotFoundError):  # another one was quicker
                if time.time() - left.stat().st_mtime > STALE:
                    left.unlink()

    def _temporary(self, name: str) -> Path:
        return self._path / f".{name}.{uuid.uuid4().hex}.part"


def _unavailable(name: str, path: Path, fault: OSError) -> ArchiveUnavailable:
    return ArchiveUnavailable(
        f"The archive {name} cannot be read in {path} ({fault.strerror}): put it back there, or "
        "set AUDIT_ARCHIVE_DIR to the folder that has it."
    )
