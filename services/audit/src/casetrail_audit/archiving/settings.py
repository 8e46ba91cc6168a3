"""What retention needs to be told."""

from pathlib import Path

from pydantic import Field, model_validator

from casetrail_audit.sealing.settings import SealingSettings


class ArchivingSettings(SealingSettings):
    """Where archives go, and when records do."""

    retention_file: Path | None = Field(
        default=None,
        description="YAML file that says which records leave MongoDB and the stream, and after how "
        "long (docs/how-to/keep-and-archive.md); unset: everything stays for ever",
    )
    archive_dir: Path | None = Field(
        default=None,
        description="folder of the archives, which all replicas share; erasures and rebuilds need "
        "it as long as there are archives",
    )
    archive_every: float = Field(
        default=86_400.0, gt=0, description="seconds between two looks at what is due"
    )
    archive_records: int = Field(
        default=5_000, ge=1, le=50_000, description="most records in one archive"
    )

    @model_validator(mode="after")
    def _archives_have_a_place(self) -> "ArchivingSettings":
        if self.retention_file is not None and self.archive_dir is None:
            raise ValueError(
                "AUDIT_RETENTION_FILE lets records leave, but AUDIT_ARCHIVE_DIR says nowhere to: "
                "set it to a folder"
            )
        return self
