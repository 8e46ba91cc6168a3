"""The states of a ticket and the ways between them, as a workspace has laid them down.

The one that ships (`data/life_cycles.yaml`):

```
new ─▶ in_progress ◀──▶ awaiting_customer ┐
           ▲ │  ◀──────▶ awaiting_courier ├─▶ resolved ─▶ closed
           │ └────────────────────────────┘       │          │
           └─────────────── reopened ◀────────────┴──────────┘
```
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, get_args

Kind = Literal["new", "working", "resolved", "closed"]
Action = Literal["resolve", "close", "reopen", "hand_off"]
Need = Literal["reason", "owner"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
NEEDS: Final[tuple[Need, ...]] = get_args(Need)


def title_of(state: str) -> str:
    """The name people know: "Awaiting Courier"."""
    return state.replace("_", " ").title()


@dataclass(frozen=True)
class Guard:
    """What a way asks for beside being there; empty `roles` are everybody's."""

    needs: frozenset[Need] = frozenset()
    roles: frozenset[str] = frozenset()

    def plain(self) -> dict[str, list[str]]:
        """The same, as plain lists."""
        return {"needs": sorted(self.needs), "roles": sorted(self.roles)}


OPEN: Final = Guard()


@dataclass(frozen=True)
class LifeCycle:
    """One life cycle; `faults` says whether it holds together."""

    name: str
    kinds: Mapping[str, Kind]
    """State → its kind, in the order of the file."""
    outside: str
    """The state of tickets that are with somebody outside."""
    reopened: str
    """The state a resolved or closed ticket comes back to."""
    moves: Mapping[str, Mapping[str, Guard]]
    actions: Mapping[Action, Guard] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """`sha256:` of the life cycle as canonical JSON: comments and order do not count."""
        text = json.dumps(
            {
                "states": dict(self.kinds),
                "outside": self.outside,
                "reopened": self.reopened,
                "moves": {
                    state: {to: guard.plain() for to, guard in ways.items()}
                    for state, ways in self.moves.items()
                },
                "actions": {action: guard.plain() for action, guard in self.actions.items()},
            },
            sort_keys=True,
            separators=(",", ":"),
        )
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def initial(self) -> str:
        """Where a ticket begins."""
        return self.only("new")

    def only(self, kind: Kind) -> str:
        """The state of a kind that has just one."""
        return next(state for state, its in self.kinds.items() if its == kind)

    def kind(self, state: str) -> Kind:
        """The kind; a state that an earlier file had and this one has not counts as working."""
        return self.kinds.get(state, "working")

    def ways(self, state: str) -> Mapping[str, Guard]:
        """Where the status command leads from here; from a state of an earlier file, to work."""
        if state not in self.kinds:
            return {other: OPEN for other, its in self.kinds.items() if its == "working"}
        return self.moves.get(state, {})

    def guard(self, action: Action) -> Guard:
        """What an action asks for."""
        return self.actions.get(action, OPEN)


def faults(cycle: LifeCycle) -> list[str]:
    """What no single line shows: states nobody reaches, and states with no way to the end."""
    forward = {state: set(_ways(cycle, state)) for state in cycle.kinds}
    backward: dict[str, set[str]] = {state: set() for state in cycle.kinds}
    for state, ways in forward.items():
        for way in ways:
            backward[way].add(state)
    reached = _closure([cycle.initial], forward)
    ending = _closure([cycle.only("closed")], backward)
    return [
        *(f"no way leads to {state}" for state in cycle.kinds if state not in reached),
        *(
            f"{state} is a dead end: no way to closed"
            for state in cycle.kinds
            if state not in ending
        ),
    ]


def _ways(cycle: LifeCycle, state: str) -> Iterable[str]:
    yield from cycle.ways(state)
    match cycle.kinds[state]:
        case "working":
            yield cycle.only("resolved")
            yield cycle.outside
        case "resolved":
            yield cycle.only("closed")
            yield cycle.reopened
        case "closed":
            yield cycle.reopened
        case "new":
            pass


def _closure(start: Iterable[str], ways: Mapping[str, set[str]]) -> set[str]:
    reached = set(start)
    todo = list(reached)
    while todo:
        found = ways[todo.pop()] - reached
        reached |= found
        todo += found
    return reached
