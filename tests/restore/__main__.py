"""`make restore-drill`: a backup under load, everything lost, everything back; with its times.

BEFORE (30) seconds of load until the backup, AFTER (30) it until the loss. One JSON object; exit
code 1 when anything did not hold, and then its folder is kept.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.restore.drill import drilled


def main() -> int:
    """The exit code."""
    folder = Path(tempfile.mkdtemp(prefix="restore-"))
    before, after = (float(os.environ.get(name, "30")) for name in ("BEFORE", "AFTER"))
    print(f"restore: data in {folder}", file=sys.stderr, flush=True)
    drill = asyncio.run(drilled(folder, before=before, after=after))
    figures = {k: round(v, 2) if isinstance(v, float) else v for k, v in asdict(drill).items()}
    print(json.dumps({**figures, "held": not drill.faults}), flush=True)
    for fault in drill.faults:
        print(f"restore: {fault} (see {folder})", file=sys.stderr, flush=True)
    if not drill.faults:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if drill.faults else 0


if __name__ == "__main__":
    sys.exit(main())
