"""Every command the documentation names is there, with the options it names."""

import functools
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/*/README.md"))
    if ".venv" not in path.parts
)
PROGRAMS = ("casetrail ", "casetrail-verify ", "python -m casetrail_", "make ", "docker compose ")


def commands_of(text: str) -> set[str]:
    """Command lines in code of a page: indented, fenced, or between backticks."""
    fences = re.findall(r"^ *```[a-z]*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^ *```[a-z]*\n.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for fence in fences for line in fence.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose)
    lines += re.findall(r"^ {4}(\S.*)$", prose, re.MULTILINE)
    plain = {re.split(r"\s+#|\s+[>|]|[;\\]| && ", line.strip())[0].strip() for line in lines}
    return {line for line in plain if line.startswith(PROGRAMS)}


FOUND = sorted(
    {
        (command, path.relative_to(ROOT))
        for path in PAGES
        for command in commands_of(path.read_text())
    }
)
BY_COMMAND = dict(FOUND)


def test_commands_are_found() -> None:
    """The list is not empty by mistake, and has one of each kind."""
    assert len(BY_COMMAND) > 40
    for program in PROGRAMS:
        assert any(command.startswith(program) for command in BY_COMMAND), program


@pytest.mark.parametrize("command", [c for c in BY_COMMAND if c.startswith("make ")])
def test_a_target_of_make_is_there(command: str) -> None:
    """And what it is given is a variable that something reads."""
    words = shlex.split(command)[1:]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for word in words if "=" not in word} <= targets, BY_COMMAND[command]
    for variable in (word.partition("=")[0] for word in words if "=" in word):
        assert variable in read_variables(), f"{variable} in {BY_COMMAND[command]}"


@pytest.mark.parametrize("command", [c for c in BY_COMMAND if c.startswith("python -m ")])
def test_a_module_is_there(command: str) -> None:
    """It can be run; what it takes is shown by its usage."""
    module = shlex.split(command)[2]
    assert importlib.util.find_spec(f"{module}.__main__") is not None, BY_COMMAND[command]


@pytest.mark.parametrize(
    "command", [c for c in BY_COMMAND if c.startswith(("casetrail ", "casetrail-verify "))]
)
def test_a_program_takes_what_is_written(command: str) -> None:
    """Its own help knows the subcommand and each option."""
    words = shlex.split(command.replace("…", ""))
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    path = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
    helped = help_of(tuple(path[: _depth(path)]))
    assert helped is not None, f"{command} in {BY_COMMAND[command]}"
    for option in options:
        assert option in helped, f"{option} of {command} in {BY_COMMAND[command]}"


def _depth(path: list[str]) -> int:
    """How many words name the command; what follows is a file or a value."""
    deepest = 1
    for depth in range(2, min(len(path), 3) + 1):
        before, after = help_of(tuple(path[: depth - 1])), help_of(tuple(path[:depth]))
        if after is None or after == before:
            break
        deepest = depth
    return deepest


@functools.cache
def help_of(path: tuple[str, ...]) -> str | None:
    """What `--help` says of a command; None when there is no such command."""
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(
        [str(bin_folder / path[0]), *path[1:], "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PATH": str(bin_folder)},
    )
    return done.stdout if done.returncode == 0 else None


@functools.cache
def read_variables() -> frozenset[str]:
    """Variables that stand in the Makefile, or as a name in a module behind it."""
    found = re.findall(r"\b[A-Z_]+\b", (ROOT / "Makefile").read_text())
    for folder in ("tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            found += re.findall(r'"([A-Z_]+)"', path.read_text())
    return frozenset(found)
