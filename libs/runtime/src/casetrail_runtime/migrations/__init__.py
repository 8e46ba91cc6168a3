"""Changes of what a service has stored, each made once, by a job that can be interrupted.

`python -m casetrail_<service> migrate` does those that are open. See docs/adr/0039-migrations.md.
"""

from casetrail_runtime.migrations.backfill import backfill
from casetrail_runtime.migrations.command import migrate
from casetrail_runtime.migrations.migration import Migration, Step
from casetrail_runtime.migrations.running import (
    MigrationRequired,
    Migrations,
    State,
    require_migrations,
)

__all__ = [
    "Migration",
    "MigrationRequired",
    "Migrations",
    "State",
    "Step",
    "backfill",
    "migrate",
    "require_migrations",
]
