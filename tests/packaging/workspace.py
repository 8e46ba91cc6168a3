"""The members of this workspace, found by looking: a new one is tested without being named here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Member:
    """One distribution of ours: its folder, its name and what it says it needs."""

    folder: Path

    @cached_property
    def project(self) -> dict[str, Any]:
        """The `[project]` table of its pyproject.toml."""
        with (self.folder / "pyproject.toml").open("rb") as file:
            project: dict[str, Any] = tomllib.load(file)["project"]
        return project

    @property
    def name(self) -> str:
        """The distribution's name, e.g. `casetrail-routing`."""
        return canonicalize_name(self.project["name"])

    @property
    def package(self) -> str:
        """The package it brings, e.g. `casetrail_routing`."""
        (package,) = [path.name for path in (self.folder / "src").iterdir() if path.is_dir()]
        return package

    @property
    def is_service(self) -> bool:
        """Whether it is one of the services."""
        return self.folder.parent.name == "services"

    @property
    def requirements(self) -> list[Requirement]:
        """What it declares to need."""
        return [Requirement(line) for line in self.project.get("dependencies", [])]


def members() -> list[Member]:
    """Every member of the workspace, libs first."""
    patterns = ("libs/*/pyproject.toml", "services/*/pyproject.toml", "deploy/*/pyproject.toml")
    return [Member(path.parent) for pattern in patterns for path in sorted(CHECKOUT.glob(pattern))]


def brought_by(member: Member) -> set[str]:
    """The names of our distributions that installing `member` brings, itself included."""
    by_name = {other.name: other for other in members()}
    waiting, found = [member], set[str]()
    while waiting:
        current = waiting.pop()
        found.add(current.name)
        needed = {canonicalize_name(requirement.name) for requirement in current.requirements}
        waiting += [by_name[name] for name in needed - found if name in by_name]
    return found
