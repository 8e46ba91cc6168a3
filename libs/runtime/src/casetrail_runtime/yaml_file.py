"""Settings files in YAML, read as a tree of nodes: only nodes know their line.

A reader subclasses `YamlReader`, walks the nodes with its methods, and notes what is wrong; the
person who wrote the file gets every fault at once, each with its line.
"""

from importlib import resources
from pathlib import Path
from typing import Final

import yaml

__all__ = ["FileInvalid", "YamlReader", "compose", "line_of", "read_text", "shipped_text"]

_TEXT: Final = "tag:yaml.org,2002:str"
_TRUTH: Final = "tag:yaml.org,2002:bool"


class FileInvalid(ValueError):
    """The file cannot be used; `problems` has one sentence per fault, with its line."""

    def __init__(self, name: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{name}: {problem}" for problem in problems))
        self.problems = problems


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        FileInvalid: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileInvalid(str(path), [f"cannot be read as UTF-8 text: {error}"]) from error


def shipped_text(package: str, name: str) -> str:
    """The text of a file in the `data` folder of a package."""
    return resources.files(package).joinpath("data", name).read_text("utf-8")


def compose(text: str, name: str) -> yaml.Node | None:
    """The root node of a YAML text, None when it is empty.

    Raises:
        FileInvalid: the text is no YAML.
    """
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise FileInvalid(name, [f"line {line}: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise FileInvalid(name, [f"line 1: {error}"]) from error
    return root


class YamlReader:
    """Walks the nodes of one file and notes what is wrong with each."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def fault(self, node: yaml.Node, problem: str) -> None:
        """Notes a fault with the line of the node."""
        self.problems.append(f"line {line_of(node)}: {problem}")

    def pairs(self, node: yaml.Node, what: str) -> list[tuple[str, yaml.Node, yaml.Node]]:
        """Name, its node and its value of each line of a mapping; a second use is a fault."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{what} must be `name: value` lines")
            return []
        found: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(getattr(key, "value", ""))
            if name in found:
                self.fault(key, f"{what} has {name!r} twice")
            else:
                found[name] = (name, key, value)
        return list(found.values())

    def fields(
        self, node: yaml.Node, what: str, *, required: tuple[str, ...], optional: tuple[str, ...]
    ) -> dict[str, yaml.Node]:
        """The values by name; an unknown or missing name is a fault that lists the known ones."""
        known = required + optional
        fields: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{what} must be `name: value` lines")
            return fields
        for name, key, value in self.pairs(node, what):
            if name in known:
                fields[name] = value
            else:
                self.fault(key, f"{what} has no {name!r}; it may have {', '.join(known)}")
        for name in required:
            if name not in fields:
                self.fault(node, f"{what} needs {name!r}")
        return fields

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The entries of a list that is not empty."""
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.fault(node, f"{what!r} must be a list with at least one entry")
            return []
        return list(node.value)

    def text(self, node: yaml.Node, what: str) -> str | None:
        """The text, without white space around it; None (and a fault) when there is none."""
        if isinstance(node, yaml.ScalarNode) and node.tag == _TEXT:
            text = str(node.value).strip()
            if text:
                return text
        value = getattr(node, "value", "")
        shown = f"{value!r} is not" if isinstance(value, str) and value else "this is not"
        self.fault(node, f"{what} must be text; {shown} (put it in quotes)")
        return None

    def truth(self, node: yaml.Node, what: str) -> bool:
        """Whether the value is `true`; anything but true and false is a fault."""
        if isinstance(node, yaml.ScalarNode) and node.tag == _TRUTH:
            return str(node.value).lower() in {"true", "yes", "on"}
        self.fault(node, f"{what} must be true or false")
        return False


def line_of(node: yaml.Node) -> int:
    """The line of the file, from 1."""
    return int(node.start_mark.line) + 1
