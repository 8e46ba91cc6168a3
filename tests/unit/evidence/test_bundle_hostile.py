"""Archives made to harm whoever opens them."""

import io
import stat
import zipfile
from collections.abc import Callable
from functools import partial

import pytest
from casetrail_evidence.bundle import archive as limits
from casetrail_evidence.bundle.archive import Archive
from casetrail_evidence.bundle.checking import check_bundle
from casetrail_evidence.bundle.faults import BundleExtra, BundleUnreadable, BundleUnsafe

from tests.unit.evidence.bundles import LOG, CaseLog, packed, story, unpacked


def zipped(fill: Callable[[zipfile.ZipFile], None]) -> io.BytesIO:
    """An archive as somebody fills it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    out.seek(0)
    return out


@pytest.mark.parametrize(
    "name",
    [
        "../key",
        "/etc/passwd",
        "records/../../key",
        "C:\\key",
        "records\\0001.json",
        "./key",
        "records//0001.json",
        "кey",
        "",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    """Nothing of an archive is read when one of its names is not a plain one."""
    with pytest.raises(BundleUnsafe):
        Archive(zipped(lambda archive: archive.writestr(zipfile.ZipInfo(name), b"x")))


def test_a_name_with_an_end_inside_is_refused() -> None:
    """What one program reads as `key` and another as something else is nothing."""
    data = zipped(lambda archive: archive.writestr("keyX.json", b"x")).getvalue()
    with pytest.raises(BundleUnsafe):
        Archive(io.BytesIO(data.replace(b"keyX", b"key\x00")))


@pytest.mark.parametrize("name", ["evil.html", "records/1.json", "records/00001.json", "key.txt"])
def test_a_name_that_no_bundle_has_is_refused(name: str) -> None:
    """The names of a bundle are a closed list."""
    with pytest.raises(BundleExtra, match="does not belong to a bundle"):
        Archive(zipped(lambda archive: archive.writestr(name, b"x")))


def test_two_files_of_one_name_are_refused() -> None:
    """One reader would see the first and another the last."""

    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("key", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("key", b"other")

    with pytest.raises(BundleUnsafe, match="two files of one name"):
        Archive(zipped(fill))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A file that unpacks to a thousand times its size is nobody's record."""
    bomb = zipped(lambda archive: archive.writestr("versions.json", b"0" * 12_000_000))
    with pytest.raises(BundleUnsafe, match="unpacks to 12000000 bytes"):
        Archive(bomb)


def test_sizes_and_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More files, more bytes or a larger file than any bundle has are refused."""
    data = packed(unpacked(CaseLog(story()).bundle()))
    for limit, value, message in (
        ("MAX_FILES", 5, "holds 14 files"),
        ("MAX_TOTAL", 5000, "unpacks to more than any bundle"),
        ("MAX_DOCUMENT", 100, "unpacks to|is larger than"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(limits, limit, value)
            with pytest.raises(BundleUnsafe, match=message):
                check_bundle(data, [LOG.verifier])


def test_links_folders_and_ciphers_are_refused() -> None:
    """Only plain files, packed as every program can unpack them."""
    link = zipfile.ZipInfo("key")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    packed_oddly = zipfile.ZipInfo("key")
    packed_oddly.compress_type = zipfile.ZIP_BZIP2
    for entry in (link, packed_oddly):
        with pytest.raises(BundleUnsafe):
            Archive(zipped(partial(zipfile.ZipFile.writestr, zinfo_or_arcname=entry, data=b"x")))
    with pytest.raises(BundleUnsafe):
        Archive(zipped(lambda archive: archive.mkdir("records")))


def test_nothing_stands_before_or_behind_the_archive() -> None:
    """A file that is two things at once shows one person this and another that."""
    data = packed(unpacked(CaseLog(story()).bundle())).getvalue()
    with pytest.raises(BundleUnsafe, match="in front of the archive or behind it"):
        check_bundle(io.BytesIO(b"<html>" + data), [LOG.verifier])
    with pytest.raises(BundleUnsafe, match="in front of the archive or behind it"):
        check_bundle(io.BytesIO(data + b"<html>"), [LOG.verifier])
    commented = zipped(lambda archive: setattr(archive, "comment", b"hello"))
    with pytest.raises(BundleUnsafe, match="behind it"):
        Archive(commented)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_said_to_be_none(data: bytes) -> None:
    """One sentence instead of a traceback."""
    with pytest.raises(BundleUnreadable, match="not a whole zip archive"):
        Archive(io.BytesIO(data))
