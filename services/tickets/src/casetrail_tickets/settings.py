"""What tickets needs to be told; every variable begins with `TICKETS_`."""

from pathlib import Path

from casetrail_runtime.settings import MongoServiceSettings, Port
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class TicketsSettings(MongoServiceSettings):
    """Settings of the tickets service."""

    model_config = SettingsConfigDict(env_prefix="TICKETS_")

    port: Port = Field(default=8083, description="port of the HTTP server (health, metrics)")
    life_cycles_file: Path | None = Field(
        default=None, description="YAML file of life cycles; unset: the one that ships"
    )
    service_levels_file: Path | None = Field(
        default=None, description="YAML file of service levels; unset: nothing is promised"
    )
    due_every: float = Field(
        default=1.0, gt=0, le=60, description="seconds between two looks at what has fallen due"
    )
    context_messages: int = Field(
        default=20, ge=1, le=200, description="newest messages attached to a new ticket"
    )
