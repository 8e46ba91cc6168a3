"""Rule files that may be edited while the service runs: looked at again, taken over when good.

A broken edit changes nothing: the rules that were read last stay in force, and the log, the metrics
and `/readyz` say that they do, until the file is good again. Contents are compared, not times: an
editor's rename, a Kubernetes volume and a clock that was set back all look the same from here.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from casetrail_runtime.yaml_file import FileInvalid, read_text
from prometheus_client import CollectorRegistry, Counter, Gauge

log = structlog.get_logger(__name__)

T = TypeVar("T")


class RuleFile(Generic[T]):
    """What a file says now; the value that ships when there is no path.

    Raises:
        FileInvalid: on construction, when the file has a fault. Later faults are `problem`.
    """

    def __init__(
        self, what: str, path: Path | None, parse: Callable[[str, str], T], shipped: Callable[[], T]
    ) -> None:
        self.what = what
        self.problem: str | None = None
        self.reloads = 0
        self._path = path
        self._parse = parse
        self._seen = None if path is None else read_text(path)
        self._value = shipped() if path is None else parse(self._seen or "", path.name)

    def __call__(self) -> T:
        """The rules in force."""
        return self._value

    async def look(self) -> bool:
        """Whether other rules are in force now than before."""
        if self._path is None:
            return False
        try:
            text = await asyncio.to_thread(read_text, self._path)
        except FileInvalid as fault:
            self._seen = None
            return self._kept(str(fault))
        if text == self._seen:
            return False
        try:
            value = self._parse(text, self._path.name)
        except FileInvalid as fault:
            self._seen = text
            return self._kept(str(fault))
        self._seen, self._value, self.problem = text, value, None
        self.reloads += 1
        log.info("rules taken over from the edited file", rules=self.what, file=self._path.name)
        return True

    def _kept(self, problem: str) -> bool:
        if problem != self.problem:
            self.problem = problem
            log.error("edited rules are broken, the old ones stay", rules=self.what, faults=problem)
        return False


class RuleWatch:
    """Looks after several rule files, and says how they are."""

    def __init__(self, *files: RuleFile[Any], registry: CollectorRegistry | None = None) -> None:
        self._files = files
        self._broken = Gauge(
            "casetrail_rules_broken",
            "1 while the last edit of a rule file is broken and the old rules are in force.",
            ["rules"],
            registry=registry,
        )
        self._reloads = Counter(
            "casetrail_rules_taken_over",
            "Edited rule files that were taken over.",
            ["rules"],
            registry=registry,
        )
        for file in files:
            self._broken.labels(file.what).set(0)
            self._reloads.labels(file.what)

    async def look(self) -> None:
        """Takes over what was edited well."""
        for file in self._files:
            if await file.look():
                self._reloads.labels(file.what).inc()
            self._broken.labels(file.what).set(0 if file.problem is None else 1)

    async def ping(self) -> dict[str, str]:
        """What is wrong with the files, for `/readyz`: the service works, by the old rules."""
        broken = [
            f"{file.what}: the old rules stay in force. {file.problem}"
            for file in self._files
            if file.problem is not None
        ]
        return {"note": " ".join(broken)} if broken else {}
