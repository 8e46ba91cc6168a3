"""What routing needs to be told; every variable begins with `ROUTING_`."""

from pathlib import Path

from casetrail_runtime.settings import MongoServiceSettings, Port
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class RoutingSettings(MongoServiceSettings):
    """Settings of the routing service."""

    model_config = SettingsConfigDict(env_prefix="ROUTING_")

    port: Port = Field(default=8082, description="port of health, metrics and /asyncapi.json")
    rules_file: Path | None = Field(
        default=None, description="YAML file of complaint rules; unset: the rules that ship"
    )
    custody_file: Path | None = Field(
        default=None,
        description="YAML file of custody policies by workspace: whether the queue offers or "
        "assigns, accept timers, shift ends, idle cases; unset: cases are assigned and stay",
    )
    assignment_file: Path | None = Field(
        default=None,
        description="YAML file of assignment plans; unset: the least loaded for every case",
    )
    rules_poll_seconds: float = Field(
        default=2.0, gt=0, description="seconds between two looks at the rule files for an edit"
    )
    waiting_seconds: float = Field(
        default=15.0, gt=0, description="seconds between two looks for customers who wait too long"
    )
    reopen_hours: float = Field(
        default=24.0,
        ge=0,
        le=24 * 365,
        description="hours after a close within which a customer's message reopens the case",
    )
    queue: str = Field(
        default="shared-inbox",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="name of the queue in which new cases wait",
    )
    sweep_seconds: float = Field(
        default=2.0, gt=0, description="seconds between two looks for cases that wait"
    )
    reconcile_seconds: float = Field(
        default=10.0, gt=0, description="seconds between two comparisons of slots and custody"
    )
    slot_grace_seconds: float = Field(
        default=5.0, gt=0, description="age in seconds below which a reserved slot is left alone"
    )
    concurrency: int = Field(
        default=32, ge=1, le=256, description="conversations handled at once by one process"
    )
