"""Scorecards from a YAML file, or every fault of the file with its line."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from casetrail_contracts.registry.review import Criterion, Scorecard
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text, shipped_text

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MOST: Final = 100
_INT: Final = "tag:yaml.org,2002:int"


def load_scorecards(path: Path | None) -> Mapping[str, Scorecard]:
    """The scorecards of the file by name; those that ship without one.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    if path is None:
        return parse_scorecards(shipped_text("casetrail_gateway", "scorecards.yaml"), "scorecards")
    return parse_scorecards(read_text(path), path.name)


def parse_scorecards(text: str, name: str) -> Mapping[str, Scorecard]:
    """The scorecards of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    reader = _Reader()
    if root is None:
        raise FileInvalid(name, ["line 1: the file is empty; it needs 'scorecards'"])
    cards = reader.cards(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return cards


class _Reader(YamlReader):
    """The scorecards of one file."""

    def cards(self, root: yaml.Node) -> dict[str, Scorecard]:
        top = self.fields(root, "the file", required=("scorecards",), optional=())
        cards: dict[str, Scorecard] = {}
        for node in self.items(top["scorecards"], "scorecards") if top else ():
            fields = self.fields(
                node, "a scorecard", required=("name", "title", "criteria"), optional=()
            )
            if len(fields) < 3:  # noqa: PLR2004 - the three that are required
                continue
            name, title = self._name(fields["name"]), self.text(fields["title"], "title")
            criteria = self._criteria(fields["criteria"])
            if name is None or title is None or not criteria:
                continue
            if name in cards:
                self.fault(node, f"the scorecard {name!r} stands here twice")
            cards[name] = _card(name, title, criteria)
        return cards

    def _criteria(self, node: yaml.Node) -> list[Criterion]:
        criteria: dict[str, Criterion] = {}
        for item in self.items(node, "criteria"):
            fields = self.fields(
                item,
                "a criterion",
                required=("id", "title", "points"),
                optional=("weight", "critical", "help"),
            )
            id_ = self._name(fields["id"]) if "id" in fields else None
            title = self.text(fields["title"], "title") if "title" in fields else None
            points = self._number(fields["points"], "points") if "points" in fields else None
            weight = self._number(fields["weight"], "weight") if "weight" in fields else 1
            critical = "critical" in fields and self.truth(fields["critical"], "critical")
            help_ = self.text(fields["help"], "help") if "help" in fields else None
            if id_ is None or title is None or points is None or weight is None:
                continue
            if id_ in criteria:
                self.fault(item, f"the criterion {id_!r} stands here twice")
            criteria[id_] = Criterion(
                id=id_, title=title, weight=weight, points=points, critical=critical, help=help_
            )
        return list(criteria.values())

    def _name(self, node: yaml.Node) -> str | None:
        name = self.text(node, "a name")
        if name is not None and _NAME.fullmatch(name) is None:
            self.fault(node, f"{name!r} is no name: use a-z, 0-9, _ and -, at most 40 of them")
            return None
        return name

    def _number(self, node: yaml.Node, what: str) -> int | None:
        text = str(getattr(node, "value", ""))
        if node.tag == _INT and text.isdecimal() and 1 <= int(text) <= _MOST:
            return int(text)
        self.fault(node, f"{what} must be a whole number from 1 to {_MOST}")
        return None


def _card(name: str, title: str, criteria: list[Criterion]) -> Scorecard:
    asked: list[dict[str, Any]] = [criterion.model_dump() for criterion in criteria]
    text = json.dumps([name, title, asked], sort_keys=True, separators=(",", ":"))
    version = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return Scorecard(name=name, version=version, title=title, criteria=criteria)
