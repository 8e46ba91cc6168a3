"""Every test can ask for the fixtures of `tests/support`."""

from hypothesis import settings

pytest_plugins = ["tests.support.fixtures", "tests.support.office"]

# A busy machine is no fault of the code: nothing here asserts how long an example takes.
settings.register_profile("casetrail", deadline=None)
settings.load_profile("casetrail")
