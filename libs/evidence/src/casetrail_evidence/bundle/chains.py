"""The chains of versions in a case: what shows that nothing was left out, and what cannot.

Every conversation and ticket counts its events 1, 2, 3 …; the number is inside the leaf, so it is
signed. A number that is not there is a record that was left out or never reached the log.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from casetrail_evidence.canonical import canonical_json

STATEMENT: Final = (
    "Messages, WhatsApp's reports on them, and looks at the case are not numbered. Each of them is "
    "proven to be in the log, but no numbering shows that none was left out. Only a check of the "
    "whole log (casetrail-verify fsck) can."
)
_AGGREGATE: Final = re.compile(r"(conversation|ticket)/[A-Za-z0-9_-]{1,200}")
_OURS: Final = re.compile(r"casetrail\.([a-z0-9_-]+\.[a-z0-9_-]+)\.v[0-9]+")
_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,15}")
_BEGINNINGS: Final = frozenset({"conversation.opened", "conversation.reopened"})


@dataclass(frozen=True, slots=True)
class Chain:
    """The versions of one conversation or ticket that the bundle holds."""

    subject: str
    records: Mapping[int, tuple[str, ...]]
    begins: int
    """Where it has to begin: 1, or the version with which this case took over a conversation."""

    @property
    def last(self) -> int:
        """The highest version here."""
        return max(self.records)

    @property
    def missing(self) -> list[tuple[int, int]]:
        """The holes, as first and last version that is not here."""
        holes = []
        expected = self.begins
        for version in sorted(self.records):
            if version > expected:
                holes.append((expected, version - 1))
            expected = version + 1
        return holes

    @property
    def repeated(self) -> list[int]:
        """Versions that more than one record carries."""
        return sorted(version for version, names in self.records.items() if len(names) > 1)

    @property
    def sentence(self) -> str:
        """The chain in words."""
        span = _span(self.begins, self.last)
        holes = ", ".join(_span(*hole).removeprefix("versions ") for hole in self.missing)
        said = f"{span}, none missing" if not holes else f"{span}; MISSING: {holes}"
        if self.begins > 1:
            said += f"; versions before {self.begins} belong to earlier cases of the conversation"
        return f"{self.subject}: {said}."


@dataclass(slots=True)
class History:
    """What the records of a case say of its completeness; `add` them in order."""

    _versions: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    _beginnings: dict[str, int] = field(default_factory=dict)
    _loose: list[str] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _causes: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, leaf: Mapping[str, Any]) -> None:
        """One record: the name of its file, and what its leaf says."""
        event: Mapping[str, Any] = leaf["event"]
        if isinstance(event_id := event.get("id"), str):
            self._ids.add(event_id)
        if isinstance(cause := event.get("causationid"), str):
            self._causes.append((name, cause))
        action = action_of(leaf)
        subject, version = event.get("subject"), version_of(event)
        ours = action is not None and str(leaf.get("subject")).startswith("support.")
        if version is None or not ours or not _is_aggregate(subject):
            self._loose.append(name)
        else:
            self._versions.setdefault(subject, {}).setdefault(version, []).append(name)
            if action in _BEGINNINGS:
                earliest = self._beginnings.get(subject, version)
                self._beginnings[subject] = min(earliest, version)

    @property
    def chains(self) -> list[Chain]:
        """The chains, by subject."""
        return [
            Chain(
                subject,
                {version: tuple(names) for version, names in sorted(versions.items())},
                self._begins(subject, min(versions)),
            )
            for subject, versions in sorted(self._versions.items())
        ]

    @property
    def loose(self) -> int:
        """How many records carry no version."""
        return len(self._loose)

    @property
    def data(self) -> bytes:
        """The bytes of versions.json."""
        chains = [
            {
                "begins": chain.begins,
                "last": chain.last,
                "missing": [list(hole) for hole in chain.missing],
                "records": {str(v): list(names) for v, names in chain.records.items()},
                "repeated": chain.repeated,
                "sentence": chain.sentence,
                "subject": chain.subject,
            }
            for chain in self.chains
        ]
        unversioned = {"records": self._loose, "statement": STATEMENT}
        elsewhere = [{"cause": c, "record": n} for n, c in self._causes if c not in self._ids]
        return canonical_json(
            {"causes_elsewhere": elsewhere, "chains": chains, "unversioned": unversioned}
        )

    def _begins(self, subject: str, lowest: int) -> int:
        """A conversation may begin later than 1, with the event that opened this case."""
        return lowest if self._beginnings.get(subject) == lowest else 1


def action_of(leaf: Mapping[str, Any]) -> str | None:
    """`conversation.assigned` for an event of ours, else None."""
    match = _OURS.fullmatch(str(leaf["event"].get("type")))
    return None if match is None else match.group(1)


def version_of(event: Mapping[str, Any]) -> int | None:
    """The version that the event gives its conversation or ticket."""
    text = event.get("sequence")
    return int(text) if isinstance(text, str) and _DECIMAL.fullmatch(text) else None


def _is_aggregate(subject: object) -> TypeGuard[str]:
    return isinstance(subject, str) and _AGGREGATE.fullmatch(subject) is not None


def holes(chains: Iterable[Chain]) -> list[str]:
    """The sentences of the chains that have a hole."""
    return [chain.sentence for chain in chains if chain.missing]


def _span(first: int, last: int) -> str:
    return f"version {first}" if first == last else f"versions {first}-{last}"
