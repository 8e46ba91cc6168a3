"""What `make lint` uses to see that no file names a package host or a folder of one machine."""

from __future__ import annotations

from pathlib import Path

from tests.packaging.hosts import findings, machine_folders, package_hosts


def test_the_clients_tell_at_least_the_host_pip_installs_from() -> None:
    """The list cannot be empty: pip has a default of its own."""
    assert len(package_hosts()) >= 1


def test_a_named_host_is_found_with_its_line(tmp_path: Path) -> None:
    """A host is found in a link, alone and behind a user name, and its line is told."""
    file = tmp_path / "requirements.txt"
    file.write_text(
        "nats-py==2.16.0\n--index-url https://packages.example/simple\n"
        "see packages.example.\nuser@packages.example\n"
    )
    found = findings([file], {"packages.example"}, set())
    assert [finding.line for finding in found] == [2, 3, 4]


def test_a_longer_name_is_another_host(tmp_path: Path) -> None:
    """A host that only ends or begins like a forbidden one is another host."""
    file = tmp_path / "notes.md"
    file.write_text("my-packages.example and packages.example-of-mine\n")
    assert findings([file], {"packages.example"}, set()) == []


def test_a_path_into_this_checkout_is_found(tmp_path: Path) -> None:
    """A path that exists on one machine only is as wrong as a host."""
    file = tmp_path / "notes.md"
    file.write_text("open /home/ann/casetrail/README.md\nnot /home/anna/casetrail\n")
    found = findings([file], set(), machine_folders(Path("/home/ann/casetrail")))
    assert [(finding.line, finding.name) for finding in found] == [(1, "/home/ann/casetrail")]


def test_binary_files_are_left_alone(tmp_path: Path) -> None:
    """Bytes that happen to spell a host are no reference to it."""
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\0packages.example\n")
    assert findings([file], {"packages.example"}, set()) == []
