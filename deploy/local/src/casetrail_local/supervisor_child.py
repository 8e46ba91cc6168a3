"""supervisord as a child that never outlives the program that started it.

`python -m casetrail_local.supervisor_child CONFIG PARENT_PID`. On Linux the kernel tells it when
its parent dies, however suddenly; supervisord then stops its programs in order. Elsewhere the next
start of the stack ends what was left.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from supervisor import supervisord

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Runs supervisord in the foreground until it is told to stop."""
    config, parent = sys.argv[1], int(sys.argv[2])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    supervisord.main(["-n", "-c", config])  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
