"""`make sim`: a simulated sale day against real processes; CUSTOMERS, ITEMS, AGENTS, SEED.

Prints a table, and with `--charts FOLDER` draws the day as SVG. Exit code 1 when an invariant was
violated; the folder with all data is kept then.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from casetrail_local.progress import Steps
from rich.console import Console

from tests.simulation.day import Told, play
from tests.simulation.plan import Size
from tests.simulation.report import draw, table


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="draw the charts there")
    parser.add_argument("--stride", type=int, default=1, help="simulated minutes at a time")
    options = parser.parse_args()
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="casetrail-sim-"))
    told: Told = asyncio.run(
        play(Size.of_environment(), folder, Steps(console), stride=options.stride)
    )
    console.print(table(told))
    if options.charts is not None:
        draw(told.figures, options.charts)
    for violation in told.verdict.violations[:20]:
        print(f"violated {violation}", file=sys.stderr)
    if told.verdict.violations:
        print(f"its data is in {folder}", file=sys.stderr)
        return os.EX_SOFTWARE
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
