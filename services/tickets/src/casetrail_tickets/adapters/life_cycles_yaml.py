"""Life cycles from a YAML file, or every fault of the file with its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text, shipped_text

from casetrail_tickets.domain.life_cycle import (
    ACTIONS,
    KINDS,
    NEEDS,
    OPEN,
    Action,
    Guard,
    Kind,
    LifeCycle,
    faults,
)

SHIPPED: Final = "life_cycles.yaml"
DEFAULT: Final = "default"
ROLES: Final = ("agent", "lead", "admin")
"""Roles that may act on tickets at all."""
_STATE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MARKS: Final = ("outside", "reopened")
_SINGLE: Final[tuple[Kind, ...]] = ("new", "resolved", "closed")
_PASSABLE: Final = frozenset({"new", "working"})


@dataclass(frozen=True)
class LifeCycles:
    """The life cycles of a file, and which workspace follows which."""

    by_name: Mapping[str, LifeCycle]
    workspaces: Mapping[str, str]

    @property
    def states(self) -> frozenset[str]:
        """Every state of every life cycle."""
        return frozenset(state for cycle in self.by_name.values() for state in cycle.kinds)

    def of(self, workspace: str) -> LifeCycle:
        """The life cycle of a workspace; `default` when the file does not name it."""
        return self.by_name[self.workspaces.get(workspace, DEFAULT)]


def load_life_cycles(path: Path | None) -> LifeCycles:
    """The life cycles of the file, or the one that ships with tickets when `path` is None.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    if path is None:
        return parse_life_cycles(shipped_text("casetrail_tickets", SHIPPED), SHIPPED)
    return parse_life_cycles(read_text(path), path.name)


def parse_life_cycles(text: str, name: str) -> LifeCycles:
    """The life cycles of a YAML text; `name` stands before each fault."""
    reader = _Reader()
    found = reader.life_cycles(compose(text, name))
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return found


class _Reader(YamlReader):
    """The life cycles of one file."""

    def life_cycles(self, root: yaml.Node | None) -> LifeCycles:
        if root is None:
            self.problems.append("line 1: the file is empty; it needs `life_cycles:`")
            return LifeCycles({}, {})
        top = self.fields(root, "the file", required=("life_cycles",), optional=("workspaces",))
        cycles: dict[str, LifeCycle] = {}
        if "life_cycles" in top:
            for name, _, node in self.pairs(top["life_cycles"], "life_cycles"):
                cycle = self._cycle(name, node)
                if cycle is not None:
                    cycles[name] = cycle
            if not self.problems and DEFAULT not in cycles:
                self.fault(top["life_cycles"], f"life_cycles needs one that is named {DEFAULT!r}")
        followed: dict[str, str] = {}
        if "workspaces" in top:
            for workspace, _, node in self.pairs(top["workspaces"], "workspaces"):
                name = self.text(node, f"the life cycle of {workspace}") or DEFAULT
                if name not in cycles and not self.problems:
                    self.fault(node, f"{name!r} is none of {', '.join(cycles)}")
                followed[workspace] = name
        return LifeCycles(cycles, followed)

    def _cycle(self, name: str, node: yaml.Node) -> LifeCycle | None:
        before = len(self.problems)
        what = f"life cycle {name!r}"
        top = self.fields(node, what, required=("states", "moves"), optional=("actions",))
        if not {"states", "moves"} <= top.keys():
            return None
        kinds, outside, reopened = self._states(top["states"], what)
        moves = self._moves(top["moves"], kinds)
        actions = self._actions(top["actions"]) if "actions" in top else {}
        if len(self.problems) > before:
            return None
        cycle = LifeCycle(name, kinds, outside, reopened, moves, actions)
        for fault in faults(cycle):
            self.fault(top["moves"], f"{what}: {fault}")
        return cycle

    def _states(self, node: yaml.Node, what: str) -> tuple[dict[str, Kind], str, str]:
        kinds: dict[str, Kind] = {}
        marked: dict[str, list[str]] = {mark: [] for mark in _MARKS}
        for state, key, value in self.pairs(node, "states"):
            if _STATE.fullmatch(state) is None:
                self.fault(key, f"state {state!r} must be of a-z, 0-9 and _, a letter first")
            fields = self.fields(value, f"state {state}", required=("kind",), optional=_MARKS)
            kind = self._kind(fields["kind"]) if "kind" in fields else None
            if kind is None:
                continue
            kinds[state] = kind
            for mark in _MARKS:
                if mark in fields and self.truth(fields[mark], mark):
                    marked[mark].append(state)
                    if kind != "working":
                        self.fault(fields[mark], f"a state that is {mark} is of the kind working")
        self._count(node, what, kinds, marked)
        outside, reopened = (states[0] if states else "" for states in marked.values())
        return kinds, outside, reopened

    def _count(
        self, node: yaml.Node, what: str, kinds: Mapping[str, Kind], marked: Mapping[str, list[str]]
    ) -> None:
        """Faults for what there must be exactly one of."""
        listed = list(kinds.values())
        counts = {f"of the kind {its}": listed.count(its) for its in _SINGLE}
        counts |= {f"that is {mark}": len(states) for mark, states in marked.items()}
        for which, count in counts.items():
            if count != 1:
                self.fault(node, f"{what} needs one state {which}, and has {count}")

    def _kind(self, node: yaml.Node) -> Kind | None:
        said = self.text(node, "kind")
        for kind in KINDS:
            if kind == said:
                return kind
        self.fault(node, f"kind {said!r} is none of {', '.join(KINDS)}")
        return None

    def _moves(self, node: yaml.Node, kinds: Mapping[str, Kind]) -> dict[str, dict[str, Guard]]:
        moves: dict[str, dict[str, Guard]] = {}
        passable = [state for state, kind in kinds.items() if kind in _PASSABLE]
        for state, key, value in self.pairs(node, "moves"):
            if state not in passable:
                self.fault(key, f"moves lead from {', '.join(passable)}; {state!r} is none of them")
            ways = moves.setdefault(state, {})
            for item in self.items(value, f"moves from {state}"):
                to, guard = self._way(item)
                if to is None:
                    continue
                if kinds.get(to) != "working":
                    self.fault(
                        item,
                        f"a move leads to a working state, which {to!r} is not: resolving, closing "
                        "and reopening are actions of their own",
                    )
                elif to in ways or to == state:
                    self.fault(item, f"the move from {state} to {to} is there already")
                ways[to] = guard
        return moves

    def _way(self, node: yaml.Node) -> tuple[str | None, Guard]:
        if not isinstance(node, yaml.MappingNode):
            return self.text(node, "a state"), OPEN
        fields = self.fields(node, "a move", required=("to",), optional=("needs", "roles"))
        to = self.text(fields["to"], "to") if "to" in fields else None
        return to, self._guard(fields)

    def _actions(self, node: yaml.Node) -> dict[Action, Guard]:
        guards: dict[Action, Guard] = {}
        for name, key, value in self.pairs(node, "actions"):
            action = next((each for each in ACTIONS if each == name), None)
            if action is None:
                self.fault(key, f"action {name!r} is none of {', '.join(ACTIONS)}")
                continue
            fields = self.fields(value, name, required=(), optional=("needs", "roles"))
            guards[action] = self._guard(fields)
        return guards

    def _guard(self, fields: Mapping[str, yaml.Node]) -> Guard:
        needs = self._words(fields, "needs", NEEDS)
        roles = self._words(fields, "roles", ROLES)
        return Guard(frozenset(each for each in NEEDS if each in needs), frozenset(roles))

    def _words(
        self, fields: Mapping[str, yaml.Node], what: str, known: tuple[str, ...]
    ) -> list[str]:
        words: list[str] = []
        for item in self.items(fields[what], what) if what in fields else ():
            word = self.text(item, what)
            if word in known:
                words.append(word)
            elif word is not None:
                self.fault(item, f"{what}: {word!r} is none of {', '.join(known)}")
        return words
