"""What became of the database of audit from version to version (ADR 39)."""

from collections.abc import Sequence
from typing import Final

from casetrail_runtime import migrations
from casetrail_runtime.migrations import Migration, backfill

from casetrail_audit.settings import AuditSettings

MIGRATIONS: Final[tuple[Migration, ...]] = (
    backfill(
        "0001-links-of-conversations",
        "views of conversations say with whom they are led together, also when with nobody",
        collection="conversations",
        fields={"linked_to": None, "linked": []},
    ),
)


async def migrate(settings: AuditSettings, arguments: Sequence[str]) -> int:
    """The exit code of `python -m casetrail_audit migrate`."""
    return await migrations.migrate(settings, "audit", MIGRATIONS, arguments)
