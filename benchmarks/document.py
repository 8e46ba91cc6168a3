"""The figures of one run written down."""

import io
import json
import os
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TextIO

from casetrail_local.binaries import find_mongod, find_nats_server

from benchmarks.load import machine

LIBRARIES = ("nats-py", "faststream", "motor", "pymongo", "orjson")
HEAD = """# Measured

Written by `make bench ARGS="--document docs/reference/benchmarks.md"`; do not edit. What each
figure measures is told by the module of its name in `benchmarks/`. Servers are the embedded ones,
started for the run on the machine that is measured: NATS with `sync_interval: always`, MongoDB as a
replica set of one, every write `w: majority, j: true`. Figures and ratios are lower on a machine
that does something else at the same time: see the load average.
"""


class Recording(io.TextIOBase):
    """Passes lines on, and keeps those that are figures."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._part = ""
        self._name = ""
        self._figures: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._load = os.getloadavg()[0]

    def begin(self, name: str) -> None:
        """What comes now is of this benchmark."""
        self._name = name

    def write(self, text: str) -> int:
        """Text of the benchmark."""
        self._out.write(text)
        *lines, self._part = (self._part + text).split("\n")
        for line in lines:
            if line.startswith("{"):
                self._figures[self._name].append(json.loads(line))
        return len(text)

    def flush(self) -> None:
        """Shows what was written."""
        self._out.flush()

    def document(self, *, quick: bool) -> str:
        """All of it as a page."""
        libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
        servers = [_first_line(str(find_nats_server())), _first_line(str(find_mongod()))]
        page = [
            HEAD,
            f"- **Machine**: {machine()}",
            f"- **Servers**: {', '.join(servers)}",
            f"- **Libraries**: {libraries}",
            f"- **Run**: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC{', --quick' if quick else ''}",
            f"- **Load average** when it began: {self._load:.1f}",
        ]
        for name, figures in self._figures.items():
            page += ["", f"## {name}", "", "| figure | value | compared with | ratio |"]
            page.append("|---|---:|---:|---:|")
            page += [_row(figure) for figure in figures]
        return "\n".join(page) + "\n"


def _row(figure: dict[str, Any]) -> str:
    vs, ratio = figure["vs"], figure["ratio"]
    compared = "" if vs is None else _number(vs) if isinstance(vs, int | float) else str(vs)
    return (
        f"| {figure['name']} | {_number(figure['value'])} {figure['unit']} | {compared} | "
        f"{'' if ratio is None else f'{ratio:g}'} |"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


def _first_line(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (said.stdout or said.stderr).splitlines()[0].strip()
