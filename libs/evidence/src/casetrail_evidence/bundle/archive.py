"""A zip archive read as if it came from an enemy: names, sizes and checksums before contents."""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol

from casetrail_evidence.bundle.document import (
    LISTED,
    MANIFEST,
    MAX_RECORDS,
    PRINT,
    VERIFIER,
    is_record_name,
)
from casetrail_evidence.bundle.faults import (
    BundleExtra,
    BundleIncomplete,
    BundleUnreadable,
    BundleUnsafe,
)

MAX_FILES: Final = MAX_RECORDS + len(LISTED) + 3
MAX_DOCUMENT: Final = 16 * 1024 * 1024
"""Bytes of one record or of any other file that is read whole."""
MAX_PAGE: Final = 1024 * 1024 * 1024
MAX_TOTAL: Final = 2 * MAX_PAGE
"""Bytes of everything, unpacked."""
MAX_RATIO: Final = 500
"""An honest bundle packs its text about ten times smaller."""

_PAGES: Final = frozenset({*LISTED, PRINT, VERIFIER}) - {"checkpoint", "key"}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK: Final = 1 << 16
_ENCRYPTED: Final = 0x1
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22


class Contents(Protocol):
    """The files of a bundle, wherever they are kept."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the files."""

    def read(self, name: str) -> bytes:
        """The bytes of a file that is read whole."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file in pieces."""


class Archive:
    """The files of a bundle, by name. Nothing is unpacked to disk; every read is bounded."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises `BundleUnreadable`, `BundleUnsafe` or `BundleExtra`."""
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as fault:
            raise BundleUnreadable(
                "This is not a whole zip archive: it was cut off, damaged, or is no bundle."
            ) from fault
        entries = self._zip.infolist()
        if len(entries) > MAX_FILES:
            raise BundleUnsafe(f"The archive holds {len(entries)} files; no bundle has so many.")
        for entry in entries:
            _require_plain(entry)
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) != len(entries):
            raise BundleUnsafe("The archive holds two files of one name.")
        if sum(entry.file_size for entry in entries) > MAX_TOTAL:
            raise BundleUnsafe("The archive unpacks to more than any bundle.")
        end = file.seek(0, io.SEEK_END) - _END_BYTES
        file.seek(max(end, 0))
        first = min((entry.header_offset for entry in entries), default=0)
        if first != 0 or not file.read().startswith(_END):
            raise BundleUnsafe("There is something in front of the archive or behind it.")
        for name in self._entries:
            if name not in _PAGES | {"checkpoint", "key", MANIFEST} and not is_record_name(name):
                raise BundleExtra(f"{name!r} does not belong to a bundle.")

    @property
    def names(self) -> frozenset[str]:
        """The names of the files."""
        return frozenset(self._entries)

    def read(self, name: str) -> bytes:
        """The bytes of a file that is read whole."""
        if self._entry(name).file_size > MAX_DOCUMENT:
            raise BundleUnsafe(f"{name} is larger than any file of its kind.")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file in pieces."""
        entry = self._entry(name)
        try:
            with self._zip.open(entry) as file:
                while data := file.read(_CHUNK):
                    yield data
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as fault:
            raise BundleUnreadable(f"{name} cannot be unpacked: it was damaged.") from fault

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self._entries:
            raise BundleIncomplete(f"{name} is not in the bundle: it was removed.")
        return self._entries[name]


def _require_plain(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    parts = name.split("/")
    if _PLAIN_NAME.fullmatch(name) is None or {".", ".."} & set(parts) or name != entry.filename:
        raise BundleUnsafe(f"{name!r} is not the name of a file in a bundle.")
    mode = entry.external_attr >> 16
    if entry.is_dir() or (stat.S_IFMT(mode) not in {0, stat.S_IFREG}):
        raise BundleUnsafe(f"{name} is not a plain file.")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise BundleUnsafe(f"{name} is encrypted or packed in a way that bundles are not.")
    most = MAX_PAGE if name in _PAGES else MAX_DOCUMENT
    if entry.file_size > most or entry.file_size > MAX_RATIO * max(entry.compress_size, 64):
        raise BundleUnsafe(f"{name} unpacks to {entry.file_size} bytes: no bundle holds that.")
