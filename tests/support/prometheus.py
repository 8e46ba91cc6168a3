"""The programs of Prometheus, where a machine has them."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; without it CI fails, and another machine skips."""
    found = shutil.which(name)
    if found is None:
        reason = f"needs {name} (Debian: prometheus)"
        if os.environ.get("CASETRAIL_REQUIRE_PROMETHEUS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
