"""A program that runs the embedded stack with stand-in services until it is told to stop."""

import sys
from pathlib import Path

from casetrail_local.errors import StackError
from casetrail_local.progress import Steps
from casetrail_local.running import StopSignals
from casetrail_local.services import SERVICES
from casetrail_local.stack import Stack, StackOptions
from rich.console import Console


def main() -> int:
    """`run_standins.py DATA PORT_BASE`."""
    options = StackOptions(Path(sys.argv[1]), int(sys.argv[2]))
    modules = ("standin_service",) * len(SERVICES)
    stack = Stack(options, Steps(Console()), modules=modules, streams_module=None)
    try:
        with StopSignals(), stack:
            stack.wait()
    except KeyboardInterrupt:
        return 0
    except StackError as fault:
        print(f"FAULT {fault}")
        return 1
    return 3


if __name__ == "__main__":
    sys.exit(main())
