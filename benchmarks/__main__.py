"""`python -m benchmarks [NAME…]`: one JSON object a line, `{name, value, unit, vs, ratio}`.

`vs` says what the value is compared with, `ratio` is the value divided by that. `--document FILE`
also writes them down, with the machine and the versions they were measured on.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import commands, escalation, gateway, growth, ingest, live, recorder, seal, soak
from benchmarks.document import Recording

BENCHMARKS: dict[str, Callable[..., None]] = {
    "ingest": ingest.run,
    "recorder": recorder.run,
    "seal": seal.run,
    "growth": growth.run,
    "escalation": escalation.run,
    "commands": commands.run,
    "gateway": gateway.run,
    "live": live.run,
    "soak": soak.run,
}
LONG = {"soak"}
"""Only when it is named."""


def main() -> int:
    """Runs the benchmarks that are named, all of them without a name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *BENCHMARKS], help="which; default all but soak"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--document", type=Path, metavar="FILE", help="write the figures here")
    options = parser.parse_args()
    recording = Recording(sys.stdout)
    with contextlib.redirect_stdout(recording):
        for name in options.names or [each for each in BENCHMARKS if each not in LONG]:
            recording.begin(name)
            BENCHMARKS[name](quick=options.quick)
    if options.document is not None:
        options.document.write_text(recording.document(quick=options.quick), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
