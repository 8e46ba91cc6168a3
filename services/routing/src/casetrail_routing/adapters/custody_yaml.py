"""Custody policies from a YAML file, or every fault of the file with its line."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text

from casetrail_routing.domain.custody_policy import (
    AT_SHIFT_END,
    GIVING,
    WHILE_OUTSIDE,
    CustodyPolicies,
    CustodyPolicy,
)

_WORKSPACE: Final = re.compile(r"[a-z0-9_-]{1,63}")
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=365)


def load_policies(path: Path | None) -> CustodyPolicies:
    """The policies of the file; without one every case is given outright and stays.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    return CustodyPolicies() if path is None else parse_policies(read_text(path), path.name)


def parse_policies(text: str, name: str) -> CustodyPolicies:
    """The policies of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    reader = _Reader()
    policies = CustodyPolicies() if root is None else reader.policies(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return policies


class _Reader(YamlReader):
    """The policies of one file."""

    def policies(self, root: yaml.Node) -> CustodyPolicies:
        top = self.fields(root, "the file", required=(), optional=("default", "workspaces"))
        default = CustodyPolicy()
        if "default" in top:
            default = self._policy(top["default"], "default", default)
        own: dict[str, CustodyPolicy] = {}
        for name, key, value in (
            self.pairs(top["workspaces"], "workspaces") if "workspaces" in top else ()
        ):
            if _WORKSPACE.fullmatch(name) is None:
                self.fault(key, f"{name!r} is no workspace: use a-z, 0-9, _ and -")
            own[name] = self._policy(value, name, default)
        return CustodyPolicies(default, own)

    def _policy(self, node: yaml.Node, what: str, base: CustodyPolicy) -> CustodyPolicy:
        """The policy; what it leaves out is as in `base`."""
        given = self.fields(
            node,
            what,
            required=(),
            optional=("queue", "accept_within", "shift_end", "close_idle_after", "outside"),
        )
        changes: dict[str, Any] = {}
        for name, choices in (
            ("queue", GIVING),
            ("shift_end", AT_SHIFT_END),
            ("outside", WHILE_OUTSIDE),
        ):
            if name in given:
                changes[name] = self._choice(given[name], name, choices)
        for name in ("accept_within", "close_idle_after"):
            if name in given:
                changes[name] = self._duration(given[name], name)
        return replace(
            base, **{name: value for name, value in changes.items() if value is not None}
        )

    def _choice(self, node: yaml.Node, what: str, choices: tuple[str, ...]) -> str | None:
        text = self.text(node, what)
        if text is None or text in choices:
            return text
        self.fault(node, f"{what} {text!r} is none of {', '.join(choices)}")
        return None

    def _duration(self, node: yaml.Node, what: str) -> timedelta | None:
        text = self.text(node, what)
        found = None if text is None else _DURATION.fullmatch(text)
        if found is None:
            if text is not None:
                self.fault(node, f"{what} {text!r} is no time such as 90s, 3m, 12h or 2d")
            return None
        time = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if time > _LONGEST:
            self.fault(node, f"{what} {text!r} is longer than a year")
        return time
