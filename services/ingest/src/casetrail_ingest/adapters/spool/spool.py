"""A durable queue on disk, in order, capped, that never drops anything.

`append` returns when the messages are synced. Callers at the same time share one sync: while one
is under way the next ones gather. What is over the cap is refused; nothing makes room by throwing
something away. `oldest` and `done` empty it from the other end.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from casetrail_ingest.adapters.spool.folder import Folder, Segment, append
from casetrail_ingest.adapters.spool.frames import framed
from casetrail_ingest.domain.outgoing import Outgoing
from casetrail_ingest.ports import SpoolFull

log: Final = structlog.get_logger()
SEGMENT_BYTES: Final = 8 * 1024 * 1024


class DiskSpool:
    """A spool in a folder; `events` and `size` (bytes of its files) say how full it is."""

    def __init__(self, folder: Path, max_bytes: int, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Opens the folder and recovers what is there; raises `SpoolInUse`."""
        self.max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self._folder = Folder(folder)
        found = self._folder.recover()
        self._segments: list[Segment] = found.segments
        self._number = found.segments[-1].number if found.segments else time.time_ns() // 1000
        self.events = found.events
        self.set_aside = len(found.damaged)
        self._waiting: list[tuple[bytes, int, asyncio.Future[None]]] = []
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._ends: list[int] = []
        self._files = asyncio.Lock()
        self._filled = asyncio.Event()
        if found.events:
            self._filled.set()
            log.warning("spool_found", events=found.events, bytes=self.size)
        if found.torn:
            log.warning("spool_torn_end_cut", bytes=found.torn)
        for name in found.damaged:
            log.error("spool_damaged_stretch_set_aside", file=name)

    @property
    def size(self) -> int:
        """Bytes of the files, with what is about to be written."""
        return sum(segment.length for segment in self._segments) + self._waiting_bytes

    @property
    def empty(self) -> bool:
        """True when nothing waits here for the stream, nor is about to."""
        return self.events == 0 and not self._waiting_bytes

    @property
    def has_room(self) -> bool:
        """True while a webhook of the usual size finds room."""
        return self.size + 64 * 1024 <= self.max_bytes

    async def append(self, messages: Sequence[Outgoing]) -> None:
        """Returns when all of them are on disk; raises `SpoolFull` when they are not."""
        blob = b"".join(framed(message) for message in messages)
        if self.size + len(blob) > self.max_bytes:
            raise SpoolFull(f"the spool holds {self.size} of {self.max_bytes} bytes")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((blob, len(messages), done))
        self._waiting_bytes += len(blob)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all(), name="spool writer")
        await asyncio.shield(done)

    async def wait_until_filled(self) -> None:
        """Returns when something is here."""
        await self._filled.wait()

    async def oldest(self, most: int) -> list[Outgoing]:
        """The messages to be published next, in order; the same ones until `done` is told."""
        async with self._files:
            while self._segments:
                segment = self._segments[0]
                frames = await asyncio.to_thread(self._folder.frames, segment, most)
                if frames:
                    self._ends = [frame.end for frame in frames]
                    return [frame.message for frame in frames]
                await self._drop(segment)
        return []

    async def done(self, count: int) -> None:
        """The first `count` of what `oldest` gave are in the stream."""
        if count == 0:
            return
        async with self._files:
            segment = self._segments[0]
            segment.read = self._ends[count - 1]
            self._ends = self._ends[count:]
            self.events -= count
            if segment.read == segment.length:
                await self._drop(segment)
        if self.events == 0:
            self._filled.clear()

    async def refuse(self, message: Outgoing) -> None:
        """Sets the first of `oldest` aside: the stream will never take it."""
        await asyncio.to_thread(self._folder.set_aside_frame, framed(message))
        self.set_aside += 1
        await self.done(1)

    async def close(self) -> None:
        """Ends after what is being written is written."""
        if self._writer is not None:
            await asyncio.wait({self._writer})
        self._folder.close()

    async def _drop(self, segment: Segment) -> None:
        self._segments.remove(segment)
        await asyncio.to_thread(self._folder.remove, segment)

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            blob = b"".join(part for part, _, _ in group)
            fault: OSError | None = None
            async with self._files:
                try:
                    segment = await self._open_segment()
                    await asyncio.to_thread(append, segment, blob)
                except OSError as error:
                    fault = error
            self._waiting_bytes -= len(blob)
            self._tell(group, fault)

    async def _open_segment(self) -> Segment:
        """The segment to write to: the last one, or a new one after a full or broken one."""
        last = self._segments[-1] if self._segments else None
        if last is None or last.sealed or last.length >= self._segment_bytes:
            self._number += 1
            last = await asyncio.to_thread(self._folder.new_segment, self._number)
            self._segments.append(last)
        return last

    def _tell(
        self, group: list[tuple[bytes, int, asyncio.Future[None]]], fault: OSError | None
    ) -> None:
        """Ends the calls whose messages were written together."""
        if fault is not None:
            log.error("spool_not_written", reason=str(fault.strerror))
        else:
            self.events += sum(count for _, count, _ in group)
            self._filled.set()
        for _, _, done in group:
            if done.done():
                continue
            if fault is None:
                done.set_result(None)
            else:
                done.set_exception(SpoolFull(f"the spool cannot be written: {fault.strerror}"))
