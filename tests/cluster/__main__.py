"""`make cluster`: three nats-servers and three mongods, a fault at a time, while events arrive.

FAULTS="leaders killed,disk full" chooses; SEED (1) is what the events are made from. The hosts are
network namespaces, so it has to be root. One JSON object a fault; exit code 1 when anything did not
hold, and then its folder is kept; 2 when this machine cannot do it.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import structlog

from tests.cluster.faults import IN_NAMESPACES, ON_LOOPBACK
from tests.cluster.network import Network, NoNamespaces, enter
from tests.cluster.play import played

CLOCK_LIBRARIES: Final = "/usr/lib/*/faketime/libfaketimeMT.so.1"
MOVES_CLOCKS: Final = "clocks stepped"


def clock_library() -> Path | None:
    """The library that moves the clocks of programs; the package faketime has it."""
    return next(iter(Path("/").glob(CLOCK_LIBRARIES.lstrip("/"))), None)


async def one(name: str, seed: int, network: Network) -> bool:
    """True when everything held."""
    fault = {**ON_LOOPBACK, **IN_NAMESPACES}[name]
    library = clock_library() if name == MOVES_CLOCKS else None
    if name == MOVES_CLOCKS and library is None:
        print("cluster: no clock can be moved: install the package faketime", file=sys.stderr)
        return False
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    print(f"cluster: {name}; data in {folder}", file=sys.stderr, flush=True)
    seen = await played(folder, fault, seed, network, library)
    line = {
        "fault": name,
        "acknowledged": seen.verdict.acknowledged,
        "records": seen.verdict.records,
        "sealed": seen.verdict.sealed,
        "repeated": seen.refused,
        "longest pause s": round(seen.longest_pause, 1),
        "seconds": round(seen.seconds),
        "held": not seen.verdict.faults,
    }
    print(json.dumps(line), flush=True)
    for broken in seen.verdict.faults:
        print(f"cluster: {name}: {broken} (see {folder})", file=sys.stderr, flush=True)
    if not seen.verdict.faults:
        shutil.rmtree(folder, ignore_errors=True)
    return not seen.verdict.faults


async def main(names: list[str], seed: int) -> int:
    """The exit code."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("critical"),
    )
    network = Network(f"host-{n}" for n in range(3))
    held = []
    for name in names:
        held.append(await one(name, seed, network))
        network.heal()
    return 0 if all(held) else 1


if __name__ == "__main__":
    known = [*ON_LOOPBACK, *IN_NAMESPACES]
    given = os.environ.get("FAULTS")
    chosen = known if not given else [part.strip() for part in given.split(",")]
    if unknown := set(chosen) - set(known):
        sys.exit(f"cluster: no fault {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    try:
        enter("tests.cluster", sys.argv[1:])
    except NoNamespaces as reason:
        print(f"cluster: {reason}", file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(main(chosen, int(os.environ.get("SEED", "1")))))
