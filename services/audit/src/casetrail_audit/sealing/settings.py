"""What the sealer needs to be told."""

from pathlib import Path
from typing import Annotated

from casetrail_runtime.settings import MongoServiceSettings, SecretList
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from casetrail_audit.sealing.signing import LogKeys, signer_key


class SealingSettings(MongoServiceSettings):
    """The keys and the name of the log, and how often its head is signed."""

    origin: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="name of the log in its checkpoints, as HOST/NAME; unset: the name in the "
        "signing key, for a bare seed casetrail.local/support",
    )
    signing_key: SecretStr = Field(
        description="signs the checkpoints: a signer key (PRIVATE+KEY+...) or a 32-byte seed in "
        "hex or base64; make one with: casetrail-verify keygen NAME"
    )
    retiring_keys: SecretList | tuple[()] = Field(
        default=(),
        description="keys that signed before, comma separated: they sign the change to the "
        "signing key, and beside it as long as they stand here",
    )
    seal_every: float = Field(
        default=1.0, gt=0, le=3600, description="seconds between two signed checkpoints at least"
    )

    kept_checkpoint_file: Path | None = Field(
        default=None,
        description="file in which the newest checkpoint is kept before anybody sees it, on a disk "
        "that a restore of the databases does not touch; unset: none is kept",
    )
    witnesses_file: Path | None = Field(
        default=None,
        description="YAML file of the witnesses that are asked to cosign the checkpoints, and how "
        "many must (docs/how-to/verify-the-log.md); unset: none is asked",
    )
    witness_every: float = Field(
        default=5.0, gt=0, le=86400, description="seconds between two rounds of asking witnesses"
    )

    @field_validator("signing_key")
    @classmethod
    def _signs(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        signer_key(value.get_secret_value(), info.data.get("origin"))
        return value

    @field_validator("retiring_keys")
    @classmethod
    def _sign_too(cls, value: list[SecretStr], info: ValidationInfo) -> list[SecretStr]:
        signing: SecretStr | None = info.data.get("signing_key")
        name: str | None = info.data.get("origin")
        if signing is not None:
            name = signer_key(signing.get_secret_value(), name).name
        for key in value:
            signer_key(key.get_secret_value(), name)
        return value

    @property
    def log_keys(self) -> LogKeys:
        """The keys the log signs with."""
        retiring = [key.get_secret_value() for key in self.retiring_keys]
        return LogKeys.of(self.signing_key.get_secret_value(), retiring, self.origin)
