"""What is on disk stays: torn ends, damage, a cap, a full disk, two processes."""

import asyncio
import os
from pathlib import Path

import pytest
from casetrail_ingest.adapters.spool import DiskSpool, SpoolInUse
from casetrail_ingest.adapters.spool.frames import Damage, Frame, framed, scan
from casetrail_ingest.domain.outgoing import Outgoing
from casetrail_ingest.ports import SpoolFull
from hypothesis import given, settings
from hypothesis import strategies as st


def event(number: int, size: int = 20) -> Outgoing:
    """A message; its bytes may hold line feeds and the magic itself."""
    data = f"{number}\nCTS1".encode().ljust(size, b"x")
    return Outgoing("support.main.message.received", f"id-{number}", data)


def segments(folder: Path) -> int:
    """How many files the spool has."""
    return len(list(folder.glob("*.spool")))


async def all_of(spool: DiskSpool, at_once: int = 7) -> list[str]:
    """The ids of everything in it, emptied from the front."""
    ids: list[str] = []
    while found := await spool.oldest(at_once):
        ids += [message.id for message in found]
        await spool.done(len(found))
    return ids


async def test_what_was_appended_comes_out_in_order(tmp_path: Path) -> None:
    """INVARIANT I2: across segments and restarts, each once."""
    spool = DiskSpool(tmp_path, 1_000_000, segment_bytes=300)
    for n in range(0, 30, 3):
        await spool.append([event(n), event(n + 1), event(n + 2)])
    assert segments(tmp_path) > 3
    assert [message.id for message in await spool.oldest(4)] == [f"id-{n}" for n in range(4)]
    await spool.done(2)
    await spool.close()
    again = DiskSpool(tmp_path, 1_000_000, segment_bytes=300)
    ids = await all_of(again)
    assert ids[-28:] == [f"id-{n}" for n in range(2, 30)]
    assert (again.events, again.size, again.empty) == (0, 0, True)
    assert segments(tmp_path) == 0
    await again.close()


async def test_appends_at_the_same_time_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Group commit: a hundred webhooks cost a few syncs, and all are on disk when answered."""
    synced: list[int] = []
    real = os.fsync

    def counted(fd: int) -> None:
        synced.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fsync", counted)
    spool = DiskSpool(tmp_path, 1_000_000)
    await asyncio.gather(*(spool.append([event(n)]) for n in range(100)))
    assert len(synced) < 10
    assert len(await all_of(spool)) == 100
    await spool.close()


@given(cut=st.integers(1, 400))
@settings(max_examples=60)
def test_a_torn_end_costs_only_the_last_frame(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    """INVARIANT I10: killed inside a write, everything synced before is whole."""
    folder = tmp_path_factory.mktemp("torn")
    frames = [framed(event(n)) for n in range(8)]
    whole = b"".join(frames)
    (folder / "0000000000000001.spool").write_bytes(whole[:-cut])
    left = max(0, len(whole) - cut)
    complete = left // len(frames[0])

    async def open_it() -> None:
        spool = DiskSpool(folder, 1_000_000)
        assert spool.events == complete
        assert spool.set_aside == 0
        assert await all_of(spool) == [f"id-{n}" for n in range(complete)]
        await spool.append([event(99)])
        assert await all_of(spool) == ["id-99"]
        await spool.close()

    asyncio.run(open_it())


@given(at=st.integers(0, 8 * 67 - 1), bit=st.integers(0, 7))
@settings(max_examples=120)
def test_a_flipped_bit_costs_only_its_frame_and_is_kept(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    """INVARIANT I2: damage in the middle is set aside in a file, and told; the rest comes out."""
    folder = tmp_path_factory.mktemp("damaged")
    frames = [framed(event(n)) for n in range(8)]
    data = bytearray(b"".join(frames))
    data[at] ^= 1 << bit
    (folder / "0000000000000001.spool").write_bytes(data)
    size = len(frames[0])
    hit = at // size

    async def open_it() -> None:
        spool = DiskSpool(folder, 1_000_000)
        assert await all_of(spool) == [f"id-{n}" for n in range(8) if n != hit]
        kept = list(folder.glob("*.damaged-*"))
        assert len(kept) == spool.set_aside
        if hit < 7:
            assert kept[0].read_bytes() == bytes(data[hit * size : (hit + 1) * size])
        await spool.close()

    asyncio.run(open_it())


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_the_end(data: bytes) -> None:
    """A file of anything is a list of frames and damage that covers it."""
    at = 0
    for part in scan(data):
        assert part.start == at
        at = part.end
        assert isinstance(part, Frame | Damage)
    assert at == len(data)


async def test_a_full_spool_refuses_and_evicts_nothing(tmp_path: Path) -> None:
    """INVARIANT I2: the cap holds, what is in stays in, and room comes only by emptying."""
    spool = DiskSpool(tmp_path, 1_000)
    await spool.append([event(1, 800)])
    with pytest.raises(SpoolFull, match="of 1000 bytes"):
        await spool.append([event(2, 800)])
    assert not spool.has_room
    assert await all_of(spool) == ["id-1"]
    await spool.append([event(2, 800)])
    assert await all_of(spool) == ["id-2"]
    await spool.close()


async def test_a_disk_that_cannot_write_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT I2: a failed sync is not called stored; later ones go to a new file."""
    spool = DiskSpool(tmp_path, 1_000_000)
    await spool.append([event(1)])

    def broken(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(SpoolFull, match="No space left"):
            await spool.append([event(2)])
    await spool.append([event(3)])
    assert await all_of(spool) == ["id-1", "id-3"]
    await spool.close()


async def test_a_folder_has_one_process(tmp_path: Path) -> None:
    """Two replicas in one folder would publish each other's events: the second one says so."""
    spool = DiskSpool(tmp_path, 1_000)
    with pytest.raises(SpoolInUse, match="give each ingest its own"):
        DiskSpool(tmp_path, 1_000)
    await spool.close()
    await DiskSpool(tmp_path, 1_000).close()


async def test_what_the_stream_never_takes_is_set_aside(tmp_path: Path) -> None:
    """INVARIANT I2: it does not stand in the way, and it is not lost."""
    spool = DiskSpool(tmp_path, 1_000_000)
    await spool.append([event(1), event(2)])
    (first, *_) = await spool.oldest(2)
    await spool.refuse(first)
    assert await all_of(spool) == ["id-2"]
    (kept,) = scan((tmp_path / "refused.frames").read_bytes())
    assert isinstance(kept, Frame)
    assert kept.message == first
    await spool.close()
