"""The files of a spool: numbered segments, one process at a time, damage set aside."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casetrail_ingest.adapters.spool.frames import Damage, Frame, scan

_SEGMENT: Final = "{:016d}.spool"


class SpoolInUse(RuntimeError):
    """Another process has the folder; each replica needs one of its own."""


@dataclass
class Segment:
    """One file of frames; `length` bytes of it are on disk for certain, `read` are done with."""

    number: int
    path: Path
    length: int = 0
    read: int = 0
    sealed: bool = False
    """True when nothing more is to be written to it."""


@dataclass
class Found:
    """What was found when the folder was opened."""

    segments: list[Segment] = field(default_factory=list)
    events: int = 0
    torn: int = 0
    """Bytes of last frames that were never whole: nobody was told that they are stored."""
    damaged: list[str] = field(default_factory=list)
    """Files into which damaged stretches were put."""


class Folder:
    """The folder of a spool. Only blocking calls: the spool makes them off the event loop."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise SpoolInUse(
                f"the spool folder {path} is in use by another process: give each ingest its own"
            ) from error

    def close(self) -> None:
        """Lets another process have the folder."""
        os.close(self._lock)

    def recover(self) -> Found:
        """What is there from before: torn ends are cut off, damaged stretches set aside."""
        found = Found()
        for path in sorted(self.path.glob("*.spool")):
            segment = Segment(int(path.stem), path, sealed=True)
            data = path.read_bytes()
            segment.length = len(data)
            for part in scan(data):
                if isinstance(part, Frame):
                    found.events += 1
                elif part.torn:
                    found.torn += part.end - part.start
                    segment.length = part.start
                    self._cut(path, part.start)
                else:
                    found.damaged.append(self.set_aside(path, part, data).name)
            if segment.length:
                found.segments.append(segment)
            else:
                path.unlink()
        self._sync()
        return found

    def new_segment(self, number: int) -> Segment:
        """A new file, known to its folder for certain."""
        path = self.path / _SEGMENT.format(number)
        path.touch(mode=0o600, exist_ok=False)
        self._sync()
        return Segment(number, path)

    def remove(self, segment: Segment) -> None:
        """Forgets a file all of whose messages are in the stream."""
        segment.path.unlink(missing_ok=True)

    def frames(self, segment: Segment, most: int) -> list[Frame]:
        """The next frames that are not done with, at most so many; damage is passed over."""
        with segment.path.open("rb") as file:
            file.seek(segment.read)
            data = file.read(segment.length - segment.read)
        return list(_first(scan(data), most, segment.read))

    def set_aside(self, path: Path, damage: Damage, data: bytes) -> Path:
        """The file that keeps a damaged stretch for who looks into it."""
        aside = path.with_suffix(f".damaged-{damage.start}")
        aside.write_bytes(data[damage.start : damage.end])
        return aside

    def set_aside_frame(self, frame: bytes) -> None:
        """Keeps a message that the stream will never take in `refused.frames`."""
        with (self.path / "refused.frames").open("ab") as file:
            file.write(frame)
            file.flush()
            os.fsync(file.fileno())

    def _cut(self, path: Path, length: int) -> None:
        with path.open("r+b") as file:
            file.truncate(length)
            os.fsync(file.fileno())

    def _sync(self) -> None:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _first(parts: Iterator[Frame | Damage], most: int, offset: int) -> Iterator[Frame]:
    taken = 0
    for part in parts:
        if taken == most:
            return
        if isinstance(part, Frame):
            taken += 1
            yield Frame(part.message, part.start + offset, part.end + offset)


def append(segment: Segment, blob: bytes) -> None:
    """Writes and syncs; after a failure the file is as long as before, or sealed."""
    with segment.path.open("r+b") as file:
        file.seek(segment.length)
        try:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            segment.sealed = True  # what the disk has of it is unknown: nothing goes behind it
            file.truncate(segment.length)
            raise
    segment.length += len(blob)
