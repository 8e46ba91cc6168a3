"""What the gateway needs to be told; every variable begins with `GATEWAY_`."""

from pathlib import Path

from casetrail_runtime.settings import MongoServiceSettings, Port, WorkspaceKey
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict


class GatewaySettings(MongoServiceSettings):
    """Settings of the gateway. `mongo_url` is the audit database; a read-only user is enough."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    port: Port = Field(default=8080, description="port of the HTTP server")
    tokens_file: Path = Field(
        description="JSON list of API tokens by their SHA-256; read again when it changes"
    )
    session_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="signs the console's sessions, 32 characters or more; the same for every "
        "replica. Without it sessions end with the process and one replica does not know another's",
    )
    workspace_key: WorkspaceKey | None = Field(
        default=None,
        description="the secret that ingest and audit have; without it customers cannot be looked "
        "up by their number",
    )
    record_timeout: float = Field(
        default=3.0, gt=0, le=30, description="seconds until an unrecorded look is answered 503"
    )
    command_timeout: float = Field(
        default=5.0, gt=0, le=60, description="seconds until an unanswered command is answered 504"
    )
