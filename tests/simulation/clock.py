"""Simulated time: one number in a file, set by the driver and read by every process."""

import mmap
import os
import struct
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

VARIABLE: Final = "SIMULATED_CLOCK"
"""The variable with the path of the file."""
_SECONDS: Final = struct.Struct("=d")


class SharedClock:
    """The simulated time. It stands still until the driver sets it anew, also through a restart."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._place = mmap.mmap(file.fileno(), _SECONDS.size)

    @classmethod
    def made(cls, path: Path, at: datetime) -> Self:
        """A new clock in that file."""
        path.write_bytes(_SECONDS.pack(at.timestamp()))
        return cls(path)

    @classmethod
    def of_environment(cls) -> Self:
        """The clock of the simulation that started this process."""
        return cls(Path(os.environ[VARIABLE]))

    def set(self, at: datetime) -> None:
        """It is this late now, in every process."""
        _SECONDS.pack_into(self._place, 0, at.timestamp())

    def now(self) -> datetime:
        """The simulated time, in milliseconds as a BSON date holds them."""
        (seconds,) = _SECONDS.unpack_from(self._place, 0)
        return datetime.fromtimestamp(round(seconds, 3), UTC)

    def new_id(self) -> str:
        """A random UUID; ids are no matter of time."""
        return str(uuid.uuid4())
