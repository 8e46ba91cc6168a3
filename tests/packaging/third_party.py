"""Third-party distributions of this environment, lent to another one file by file.

A test of our wheels is about our wheels: it need not fetch what is here already. Only what a wheel
declares to need, and what that needs, is lent: an undeclared import fails as it would elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "casetrail"


def lend(requirements: Iterable[Requirement], site_packages: Path) -> None:
    """Links the distributions of `requirements`, and all they need, into `site_packages`."""
    for distribution in _closure(requirements):
        for file in distribution.files or []:
            # Scripts lie outside site-packages; compiled files belong to this environment.
            if file.parts[0] == ".." or file.suffix == ".pyc":
                continue
            link = site_packages / file
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(Path(str(file.locate())))


def _closure(requirements: Iterable[Requirement]) -> list[metadata.Distribution]:
    waiting, found = list(requirements), dict[tuple[str, frozenset[str]], metadata.Distribution]()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if name.startswith(OURS) or key in found:
            continue
        found[key] = metadata.distribution(name)
        for line in found[key].requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in (*requirement.extras, "")
            ):
                waiting.append(needed)
    return list(found.values())
