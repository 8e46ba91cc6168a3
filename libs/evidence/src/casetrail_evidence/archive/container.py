"""The file around the lines of an archive: gzip that `zcat` reads, with a seal at its end.

The seal is a second gzip member of fixed bytes that unpacks to one more line, the SHA-256 of
everything before it. So there is no bit of the file that nothing hangs on: compressed data have
some (padding, header fields), and a reader of gzip does not look at them.
"""

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from casetrail_evidence.archive.faults import ArchiveCutOff, ArchiveDamaged, ArchiveUnreadable

MAX_LINE: Final = 64 * 1024 * 1024
MAX_TOTAL: Final = 4 * 1024 * 1024 * 1024
"""Bytes of one line, and of everything, unpacked."""

_GZIP: Final = bytes.fromhex("1f8b08000000000000ff")
_MAGIC: Final = _GZIP[:3]
_LEVEL: Final = 6
_CHUNK: Final = 1 << 16
_DIGEST: Final = re.compile(rb'\{"sha256":"([0-9a-f]{64})"\}\n')


def seal(digest: str) -> bytes:
    """The last bytes of an archive whose other bytes have this SHA-256 (hex)."""
    line = f'{{"sha256":"{digest}"}}\n'.encode()
    length = len(line).to_bytes(2, "little")
    inverted = (len(line) ^ 0xFFFF).to_bytes(2, "little")
    check = zlib.crc32(line).to_bytes(4, "little") + len(line).to_bytes(4, "little")
    return _GZIP + b"\x01" + length + inverted + line + check


SEAL_BYTES: Final = len(seal("0" * 64))


def write_lines(out: BinaryIO, lines: Iterable[bytes]) -> None:
    """Writes the lines and the seal; the same lines give the same bytes."""
    hashing = _Hashing(out)
    with gzip.GzipFile(
        filename="", mode="wb", compresslevel=_LEVEL, fileobj=hashing, mtime=0
    ) as packed:
        for line in lines:
            packed.write(line + b"\n")
    out.write(seal(hashing.digest.hexdigest()))


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of an archive, without the seal, once all its bytes are those that were written.

    Raises:
        ArchiveUnreadable, ArchiveCutOff, ArchiveDamaged: what is wrong with the file.
    """
    end = file.seek(0, io.SEEK_END) - SEAL_BYTES
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ArchiveUnreadable("This is no archive of a log: it does not begin like one.")
    _require_seal(file, end)
    file.seek(0)
    yield from _unpacked(_Part(file, end))


def _require_seal(file: BinaryIO, end: int) -> None:
    if end < 0:
        raise ArchiveCutOff("The archive is too short: it was cut off.")
    file.seek(end)
    tail = file.read()
    found = _DIGEST.search(tail)
    if found is None or tail != seal(found[1].decode()):
        raise ArchiveCutOff(
            "The archive does not end with its seal: it was cut off, or something was put behind "
            "it."
        )
    file.seek(0)
    part = _Part(file, end)
    digest = hashlib.sha256()
    while chunk := part.read(_CHUNK):
        digest.update(chunk)
    if digest.hexdigest().encode() != found[1]:
        raise ArchiveDamaged(
            "The bytes of the archive are not those that its seal names: it was changed or damaged "
            "after it was written."
        )


def _unpacked(part: "_Part") -> Iterator[bytes]:
    total = 0
    try:
        with gzip.GzipFile(fileobj=io.BufferedReader(part)) as packed:
            while line := packed.readline(MAX_LINE + 1):
                total += len(line)
                if len(line) > MAX_LINE or total > MAX_TOTAL:
                    raise ArchiveUnreadable("The archive unpacks to more than any archive holds.")
                if not line.endswith(b"\n"):
                    raise ArchiveUnreadable("The last line of the archive is not whole.")
                yield line[:-1]
    except (gzip.BadGzipFile, zlib.error, EOFError) as fault:
        raise ArchiveUnreadable("The archive cannot be unpacked.") from fault


class _Hashing(io.RawIOBase):
    """Passes bytes on and hashes them."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self.digest.update(data)
        return self._out.write(data)


class _Part(io.RawIOBase):
    """The first bytes of a file as a file."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file = file
        self._left = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
