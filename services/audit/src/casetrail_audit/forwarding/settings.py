"""What the forwarder needs to be told; every variable begins with `AUDIT_WEBHOOKS_`."""

from ipaddress import ip_network
from pathlib import Path
from typing import Self

from casetrail_runtime.settings import MongoServiceSettings, Port, TextList
from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from casetrail_audit.forwarding.addresses import Network
from casetrail_audit.forwarding.forward import Patience


class WebhooksSettings(MongoServiceSettings):
    """Settings of the webhook forwarder; secrets stand where the file says, never in it."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_WEBHOOKS_")

    file: Path = Field(
        description="YAML file of the endpoints (docs/how-to/forward-to-a-webhook.md)"
    )
    port: Port = Field(default=8085, description="port of the HTTP server (health, metrics)")
    allow: TextList = Field(
        default_factory=list,
        description="networks beyond the public ones that records may go to, without TLS too, "
        "comma separated: 10.1.0.0/16,127.0.0.0/8",
    )
    timeout: float = Field(default=15.0, gt=0, le=300, description="seconds an attempt may take")
    retry_first: float = Field(
        default=1.0, gt=0, description="seconds before the second attempt; then twice as long"
    )
    retry_most: float = Field(default=300.0, gt=0, description="most seconds between two attempts")
    give_up: float = Field(
        default=86400.0, gt=0, description="seconds after which a message is set aside"
    )
    ack_wait: float = Field(
        default=30.0,
        gt=0,
        description="seconds after which the message of a forwarder that died is handed out again",
    )

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for text in value:
            ip_network(text)
        return value

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.ack_wait <= self.timeout:
            raise ValueError("ACK_WAIT must be longer than TIMEOUT: an attempt would be made twice")
        return self

    @property
    def networks(self) -> list[Network]:
        """`allow` as networks."""
        return [ip_network(text) for text in self.allow]

    @property
    def patience(self) -> Patience:
        """How long to wait between attempts, and when to give up."""
        return Patience(self.retry_first, self.retry_most, self.give_up, self.ack_wait / 3)
