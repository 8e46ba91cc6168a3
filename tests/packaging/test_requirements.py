"""The pinned requirements: complete, hashed, in step with what the members declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.workspace import CHECKOUT, Member, members

REQUIREMENTS = CHECKOUT / "requirements"
PINNED = ["runtime.txt", "dev.txt"]
OURS = {member.name for member in members()}


def _entries(file: str) -> list[str]:
    """Each requirement of a pinned file as one line, its hashes included."""
    text = re.sub(r"\\\n", " ", (REQUIREMENTS / file).read_text())
    return [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


def _versions(file: str) -> dict[str, str]:
    found = dict[str, str]()
    for entry in _entries(file):
        requirement = Requirement(entry.split(" --hash")[0])
        (exact,) = requirement.specifier
        found[canonicalize_name(requirement.name)] = exact.version
    return found


@pytest.mark.parametrize("file", PINNED)
def test_every_requirement_is_exact_and_hashed(file: str) -> None:
    """A requirement is one version with the hashes of its files, and the file has nothing else."""
    for entry in _entries(file):
        assert re.match(r"[a-z0-9.-]+==[^ ]+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("member", members(), ids=lambda member: member.name)
def test_what_a_member_declares_is_pinned_within_its_range(member: Member) -> None:
    """Whoever changes a pyproject.toml pins again: each declared range holds the pinned version."""
    pinned = _versions("dev.txt")
    declared = [need for need in member.requirements if canonicalize_name(need.name) not in OURS]
    for need in declared:
        name = canonicalize_name(need.name)
        assert name in pinned, f"{member.name} needs {need}: type `make requirements`"
        assert need.specifier.contains(pinned[name]), f"{need}, but {pinned[name]} is pinned"


def test_a_service_runs_on_the_versions_it_is_tested_with() -> None:
    """runtime.txt is a part of dev.txt: production gets the very versions the tests ran on."""
    runtime, everything = _versions("runtime.txt"), _versions("dev.txt")
    assert runtime.items() <= everything.items()


def test_members_txt_names_every_member_once() -> None:
    """`make setup` installs exactly the members there are."""
    listed = (REQUIREMENTS / "members.txt").read_text().split("-e ")[1:]
    folders = [Path(line.strip()) for line in listed]
    assert sorted(folders) == sorted(member.folder.relative_to(CHECKOUT) for member in members())
