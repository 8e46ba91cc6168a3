"""What ingest needs to be told; every variable begins with `INGEST_`."""

from pathlib import Path
from typing import Self

from casetrail_runtime.settings import HttpUrl, JsonMap, MongoUrl, SecretList, ServiceSettings
from pydantic import Field, SecretStr, model_validator
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
    graph_url: HttpUrl | None = Field(
        default=None,
        description="base URL of WhatsApp's Graph API with its version, e.g. "
        "https://graph.facebook.com/v24.0; without it nothing is sent to customers",
    )
    graph_token: SecretStr | None = Field(
        default=None, description="access token that may send for the business numbers"
    )
    graph_timeout: float = Field(
        default=20.0, gt=0, le=60, description="seconds until an unanswered sending is unknown"
    )
    mongo_url: MongoUrl | None = Field(
        default=None,
        description="MongoDB URL with this service's database; needed for sending only, to send "
        "once for each command",
    )

    @model_validator(mode="after")
    def _all_of_sending(self) -> Self:
        given = {
            "INGEST_GRAPH_URL": self.graph_url,
            "INGEST_GRAPH_TOKEN": self.graph_token,
            "INGEST_MONGO_URL": self.mongo_url,
        }
        lacking = [name for name, value in given.items() if value is None]
        if lacking and self.graph_url is not None:
            raise ValueError(f"INGEST_GRAPH_URL is set, so {' and '.join(lacking)} must be, too")
        return self
