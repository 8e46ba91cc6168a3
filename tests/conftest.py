"""Every test can ask for the fixtures of `tests/support`."""

pytest_plugins = ["tests.support.fixtures", "tests.support.office"]
