"""Assignment plans from a YAML file, or every fault of the file with its line."""

import re
from pathlib import Path
from typing import Final

import yaml
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, line_of, read_text

from casetrail_routing.domain.strategies import (
    DEFAULT_PLANS,
    WORDS,
    First,
    Kind,
    Plan,
    Plans,
    Strategy,
)

_ENDS: Final = frozenset({"least-loaded", "round-robin"})
_FIRST: Final[tuple[First, ...]] = ("least-loaded", "longest-idle")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MATCHING: Final = ("language", "skills", "first")


def load_plans(path: Path | None) -> Plans:
    """The plans of the file; without one, least loaded for every case.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    return DEFAULT_PLANS if path is None else parse_plans(read_text(path), path.name)


def parse_plans(text: str, name: str) -> Plans:
    """The plans of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    reader = _Reader()
    plans = reader.plans(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return Plans(plans)


class _Reader(YamlReader):
    """The plans of one file."""

    def plans(self, root: yaml.Node | None) -> tuple[Plan, ...]:
        if root is None:
            self.problems.append("line 1: the file is empty; it needs `plans:`")
            return ()
        top = self.fields(root, "the file", required=("plans",), optional=())
        plans: list[Plan] = []
        lines: list[int] = []
        for node in self.items(top["plans"], "plans") if "plans" in top else ():
            plan = self._plan(node)
            if plan is None:
                continue
            for earlier, line in zip(plans, lines, strict=True):
                if _hides(earlier, plan):
                    self.fault(node, f"never used: the plan in line {line} covers all of its cases")
                    break
            plans.append(plan)
            lines.append(line_of(node))
        return tuple(plans)

    def _plan(self, node: yaml.Node) -> Plan | None:
        fields = self.fields(node, "a plan", required=("choose",), optional=("workspace", "queue"))
        workspace = self._name(fields.get("workspace"), "workspace")
        queue = self._name(fields.get("queue"), "queue")
        if "choose" not in fields:
            return None
        steps: list[Strategy] = []
        for item in self.items(fields["choose"], "choose"):
            if steps and steps[-1].kind in _ENDS:
                self.fault(item, f"never tried: {steps[-1].kind} before it takes whoever is free")
                break
            step = self._step(item)
            if step is not None:
                steps.append(step)
        return Plan(workspace, queue, tuple(steps)) if steps else None

    def _name(self, node: yaml.Node | None, what: str) -> str | None:
        if node is None:
            return None
        text = self.text(node, what)
        if text is not None and _NAME.fullmatch(text) is None:
            self.fault(node, f"{what} {text!r} is no name: use a-z, 0-9, - and _")
        return text

    def _step(self, node: yaml.Node) -> Strategy | None:
        """A strategy by its name alone, or with its parameters."""
        if isinstance(node, yaml.ScalarNode):
            kind = self._kind(node)
            if kind == "match":
                self.fault(node, "match needs `language: true`, `skills:`, or both")
            return None if kind is None else Strategy(kind)
        fields = self.fields(node, "a strategy", required=("strategy",), optional=_MATCHING)
        if "strategy" not in fields:
            return None
        kind = self._kind(fields["strategy"])
        if kind is None:
            return None
        if kind != "match":
            for name in _MATCHING:
                if name in fields:
                    self.fault(fields[name], f"{kind} has no {name!r}")
            return Strategy(kind)
        language = self.truth(fields["language"], "language") if "language" in fields else False
        skills = self._skills(fields["skills"]) if "skills" in fields else {}
        if not language and not skills:
            self.fault(node, "match needs `language: true`, `skills:`, or both")
        return Strategy(kind, language, skills, self._first(fields.get("first")))

    def _kind(self, node: yaml.Node) -> Kind | None:
        text = self.text(node, "a strategy")
        found = next((kind for kind in WORDS if kind == text), None)
        if text is not None and found is None:
            self.fault(node, f"there is no strategy {text!r}; there are {', '.join(WORDS)}")
        return found

    def _first(self, node: yaml.Node | None) -> First:
        if node is None:
            return "least-loaded"
        text = self.text(node, "first")
        for first in _FIRST:
            if text == first:
                return first
        if text is not None:
            self.fault(node, f"first is {' or '.join(_FIRST)}, not {text!r}")
        return "least-loaded"

    def _skills(self, node: yaml.Node) -> dict[str, tuple[str, ...]]:
        skills = {}
        for name, _, value in self.pairs(node, "skills"):
            texts = [self.text(item, "a skill") for item in self.items(value, name)]
            skills[name] = tuple(text for text in texts if text is not None)
        return skills


def _hides(earlier: Plan, later: Plan) -> bool:
    return earlier.workspace in {None, later.workspace} and earlier.queue in {None, later.queue}
