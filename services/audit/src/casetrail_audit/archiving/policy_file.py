"""The retention policy: a YAML file.

name: support-log
keep_at_least: 30 days
rules:
  - name: looks
    types: ["access.*"]
    after: 400 days
  - name: messages
    types: ["message.*", "webhook.*"]
    after: 730 days
  - name: copies
    kinds: [duplicate, poison]
    after: 400 days
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import yaml
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text

from casetrail_audit.archiving.policy import KINDS, NEVER, RetentionPolicy, Rule

NEVER_LEAVES: Final = "never"
_AGE: Final = re.compile(r"([1-9]\d{0,6}|0) (second|minute|hour|day|week|year)s?")
_PATTERN: Final = re.compile(r"[A-Za-z0-9_.*?/-]+")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LONGEST: Final = timedelta(days=365_000)
_UNITS: Final = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "year": timedelta(days=365),
}


def load_policy(path: Path | None) -> RetentionPolicy | None:
    """The policy of the file; None when `path` is None: then everything stays for ever.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    return None if path is None else parse_policy(read_text(path), path.name)


def parse_policy(text: str, name: str) -> RetentionPolicy:
    """The policy of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    if root is None:
        raise FileInvalid(name, ["line 1: the file is empty; it needs name, keep_at_least, rules"])
    reader = _Reader()
    found = reader.whole(root, text)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return found


class _Reader(YamlReader):
    def whole(self, root: yaml.Node, text: str) -> RetentionPolicy:
        fields = self.fields(
            root, "the file", required=("name", "keep_at_least", "rules"), optional=()
        )
        name = self._name(fields["name"]) if "name" in fields else ""
        least = timedelta()
        if "keep_at_least" in fields:
            least = self._age(fields["keep_at_least"], "keep_at_least") or least
        rules: list[Rule] = []
        for node in self.items(fields["rules"], "rules") if "rules" in fields else []:
            rule = self._rule(node, least, rules)
            if rule is not None:
                rules.append(rule)
        return RetentionPolicy(name, least, tuple(rules), text)

    def _rule(self, node: yaml.Node, least: timedelta, before: list[Rule]) -> Rule | None:
        fields = self.fields(
            node, "a rule", required=("name", "after"), optional=("types", "kinds")
        )
        if "name" not in fields or "after" not in fields:
            return None
        name = self._name(fields["name"])
        if any(name == rule.name for rule in before):
            self.fault(fields["name"], f"the rule {name!r} is there twice")
        if ("types" in fields) == ("kinds" in fields):
            self.fault(node, f"the rule {name!r} needs types or kinds, one of the two")
            return None
        types = self._types(fields["types"], before) if "types" in fields else ()
        kinds = self._kinds(fields["kinds"]) if "kinds" in fields else ()
        after = self._after(fields["after"], least)
        return Rule(name, types, kinds, after)

    def _after(self, node: yaml.Node, least: timedelta) -> timedelta | None:
        if getattr(node, "value", None) == NEVER_LEAVES:
            return None
        after = self._age(node, "after", "or never")
        if after is not None and after < least:
            self.fault(node, "after is less than keep_at_least, which wins: make it as long")
        return after

    def _types(self, node: yaml.Node, before: list[Rule]) -> tuple[str, ...]:
        found: list[str] = []
        for each in self.items(node, "types"):
            pattern = self.text(each, "a type")
            if pattern is None:
                continue
            if _PATTERN.fullmatch(pattern) is None:
                self.fault(each, f"{pattern!r} is no type: write noun.verb, noun.* or *")
            elif pattern.startswith(NEVER):
                self.fault(each, f"{pattern!r} never leaves: it says what was erased or archived")
            elif any(pattern in rule.types for rule in before):
                self.fault(each, f"{pattern!r} stands in a rule above, which decides already")
            found.append(pattern)
        return tuple(found)

    def _kinds(self, node: yaml.Node) -> tuple[str, ...]:
        found: list[str] = []
        for each in self.items(node, "kinds"):
            kind = self.text(each, "a kind")
            if kind is None:
                continue
            if kind not in KINDS:
                self.fault(each, f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
            found.append(kind)
        return tuple(found)

    def _name(self, node: yaml.Node) -> str:
        name = self.text(node, "name") or ""
        if name and _NAME.fullmatch(name) is None:
            self.fault(node, f"{name!r} is no name: use a-z, 0-9, - and _")
        return name

    def _age(self, node: yaml.Node, what: str, other: str = "") -> timedelta | None:
        match = _AGE.fullmatch(str(getattr(node, "value", "")))
        if match is None:
            self.fault(node, " ".join((f"{what} is a number and a unit: 400 days", other)).strip())
            return None
        if int(match[1]) > _LONGEST // _UNITS[match[2]]:
            self.fault(node, f"{what} is longer than 1000 years")
            return None
        return int(match[1]) * _UNITS[match[2]]
