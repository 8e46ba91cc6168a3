"""What ingest needs to be told; every variable begins with `INGEST_`."""

from pathlib import Path

from casetrail_runtime.settings import JsonMap, SecretList, ServiceSettings
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict


class IngestSettings(ServiceSettings):
    """Settings of the ingest service; secrets have no defaults."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    port: int = Field(default=8081, description="port of the HTTP server")
    app_secrets: SecretList = Field(
        description="app secrets that sign webhooks, comma separated: list old and new to rotate"
    )
    verify_tokens: SecretList = Field(
        description="verify tokens of the GET handshake, comma separated"
    )
    workspaces: JsonMap = Field(
        description='JSON object phone_number_id → workspace; "*" takes every other number'
    )
    workspace_key: SecretStr = Field(
        description="secret that public ids are made with; the same in every service of a workspace"
    )
    max_body_bytes: int = Field(
        default=3_500_000, ge=1, description="longest body taken; WhatsApp sends up to 3 MB"
    )
    spool_dir: Path | None = Field(
        default=None,
        description="folder that keeps events on disk while NATS is away, one per process; "
        "without it such webhooks are answered 503",
    )
    spool_max_bytes: int = Field(
        default=1_000_000_000,
        ge=1_000_000,
        description="most bytes the spool takes; a full spool is answered 503, nothing is dropped",
    )
    publish_timeout: float = Field(
        default=2.0, gt=0, description="seconds until an unacknowledged webhook is spooled or 503"
    )
