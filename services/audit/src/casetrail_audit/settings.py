"""What audit needs to be told; every variable begins with `AUDIT_`."""

from urllib.parse import urlsplit

from casetrail_runtime.settings import MongoUrl, Port, TextList, WorkspaceKey
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from casetrail_audit.archiving.settings import ArchivingSettings


class AuditSettings(ArchivingSettings):
    """Settings of the audit service; secrets have no defaults."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_")

    port: Port = Field(default=8084, description="port of the HTTP server (health, metrics)")
    workspace_key: WorkspaceKey = Field(
        description="secret that salts are derived with where a message brings none; never changes"
    )
    changes_mongo_url: MongoUrl | None = Field(
        default=None,
        description="the same database for the user who may change records: to settle copies, to "
        "erase and to archive; unset: the user of AUDIT_MONGO_URL does that as well",
    )
    extra_subjects: TextList = Field(
        default_factory=list,
        description="further subjects to record, comma separated; the stream must take them",
    )
    record_missing_as_gaps: bool = Field(
        default=False,
        description="true: start although the stream has lost messages that were never recorded, "
        "and record each of them as a gap",
    )
    batch: int = Field(default=500, ge=1, le=5000, description="most messages in one write")
    concurrency: int = Field(default=4, ge=1, le=16, description="writes under way at once")
    gap_after: float = Field(
        default=2.0,
        gt=0,
        description="seconds a sequence may be missing before the stream is asked for it",
    )
    lease_seconds: float = Field(
        default=10.0,
        ge=1,
        description="seconds until another replica follows when the one that did is gone",
    )

    @model_validator(mode="after")
    def _one_database(self) -> "AuditSettings":
        changes = self.changes_mongo_url
        if changes is not None and _database(changes.get_secret_value()) != self.mongo_database:
            raise ValueError(
                "AUDIT_CHANGES_MONGO_URL names another database than AUDIT_MONGO_URL: they are two "
                "users of one"
            )
        return self


def _database(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
