"""`make upgrade-drill FROM=<revision>`: this code beside an older one, a service at a time.

FROM is what runs first, then comes this checkout, uncommitted changes included. With TO=<older> as
well it is the way back: from FROM to TO. BESIDE (5) seconds each service runs in both. One
JSON object; exit code 1 when anything did not hold, 2 when it cannot be done.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.upgrade.drill import rolled
from tests.upgrade.trees import ROOT, NoRevision, environment_of, tree


def main() -> int:
    """The exit code."""
    first, then = os.environ.get("FROM"), os.environ.get("TO")
    if not first:
        print("upgrade: say from which revision: FROM=<revision>", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="upgrade-"))
    try:
        old = environment_of(tree(first, folder / "from"))
        new = environment_of(tree(then, folder / "to") if then else ROOT)
    except NoRevision as reason:
        print(f"upgrade: {reason}", file=sys.stderr)
        return 2
    print(f"upgrade: {first} to {then or 'this checkout'}; data in {folder}", file=sys.stderr)
    beside = float(os.environ.get("BESIDE", "5"))
    seen = asyncio.run(rolled(folder, old, new, beside=beside, back=bool(then)))
    print(json.dumps({"from": first, "to": then, **asdict(seen), "held": not seen.faults}))
    for fault in seen.faults:
        print(f"upgrade: {fault} (see {folder})", file=sys.stderr)
    if not seen.faults:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if seen.faults else 0


if __name__ == "__main__":
    sys.exit(main())
