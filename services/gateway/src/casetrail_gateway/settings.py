"""What the gateway needs to be told; every variable begins with `GATEWAY_`."""

from pathlib import Path

from casetrail_runtime.settings import MongoServiceSettings, Port, TextList, WorkspaceKey
from pydantic import Field, SecretStr, model_validator
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
    oidc_issuer: str | None = Field(
        default=None,
        description="URL of an OpenID Connect issuer whose tokens are taken beside the tokens file",
    )
    oidc_audience: str | None = Field(
        default=None, description="what `aud` of its tokens has to name; needed with an issuer"
    )
    oidc_algorithms: TextList = Field(
        default_factory=lambda: ["RS256", "ES256", "EdDSA"],
        description="signature algorithms that are taken, of RS256, ES256 and EdDSA",
    )
    oidc_id_claim: str = Field(default="sub", description="the claim that holds the user's id")
    oidc_role_claim: str = Field(default="roles", description="the claim that holds the role")
    oidc_workspace_claim: str = Field(
        default="workspace", description="the claim that holds the workspace"
    )
    archive_dir: Path | None = Field(
        default=None,
        description="the folder of audit's archives, to read: bundles of evidence hold archived "
        "records as well then. Without it a case with archived records gets no bundle",
    )
    scorecards_file: Path | None = Field(
        default=None,
        description="YAML file of the scorecards of quality reviews; two ship for a start",
    )
    rate_limit: int = Field(
        default=6000,
        ge=0,
        description="requests a minute for each token, ten seconds' worth at once; 0: no limit",
    )
    cors_origins: TextList = Field(
        default_factory=list,
        description="origins of other sites whose scripts may read, comma separated",
    )
    record_timeout: float = Field(
        default=3.0, gt=0, le=30, description="seconds until an unrecorded look is answered 503"
    )
    command_timeout: float = Field(
        default=5.0, gt=0, le=60, description="seconds until an unanswered command is answered 504"
    )

    @model_validator(mode="after")
    def _issuer_with_audience(self) -> "GatewaySettings":
        if self.oidc_issuer is not None and not self.oidc_audience:
            raise ValueError("GATEWAY_OIDC_ISSUER needs GATEWAY_OIDC_AUDIENCE")
        unknown = sorted(set(self.oidc_algorithms) - {"RS256", "ES256", "EdDSA"})
        if unknown or not self.oidc_algorithms:
            raise ValueError("GATEWAY_OIDC_ALGORITHMS takes RS256, ES256 and EdDSA only")
        return self
