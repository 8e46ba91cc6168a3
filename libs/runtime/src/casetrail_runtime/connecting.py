"""How a process comes in at NATS: its address, its key, and the certificate it trusts."""

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

from nats.aio.client import Client
from pydantic import SecretStr

from casetrail_runtime.nats_users.permissions import inbox_prefix
from casetrail_runtime.nkeys import UserKey

UNHEARD: Final = 10.0
"""Seconds."""


class NatsSettings(Protocol):
    """What it takes to come in; `ServiceSettings` has it."""

    @property
    def nats_url(self) -> object:
        """One URL or several separated by commas; a `SecretStr` is opened."""


@dataclass(frozen=True)
class Entrance:
    """Addresses of NATS and what is shown there.

    `user` names the inbox replies come to, which only that user may hear.
    """

    servers: list[str]
    user: str
    nkey: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @classmethod
    def of(cls, settings: NatsSettings, user: str) -> Self:
        """The entrance that a service's settings describe."""
        nkey: SecretStr | None = getattr(settings, "nats_nkey", None)
        return cls(
            servers=addresses(_opened(settings.nats_url)),
            user=user,
            nkey=None if nkey is None else nkey.get_secret_value(),
            ca_file=getattr(settings, "nats_ca_file", None),
        )

    def client(self) -> Client:
        """A client, not connected yet, that shows the user's key to whoever asks for it."""
        client = Client()
        if self.nkey is not None:
            # What nats-py sets when it is given a seed, for which it wants a package more.
            client._public_nkey = UserKey.from_seed(self.nkey).public  # noqa: SLF001
        return client

    def options(self) -> dict[str, Any]:
        """What `Client.connect` is given beside the addresses."""
        given: dict[str, Any] = {"inbox_prefix": inbox_prefix(self.user).encode()}
        if self.nkey is not None:
            given["signature_cb"] = UserKey.from_seed(self.nkey).sign
        if self.ca_file is not None:
            given["tls"] = ssl.create_default_context(cafile=str(self.ca_file))
        return given

    async def connected(self, **more: Any) -> Client:
        """A connected client."""
        client = self.client()
        await client.connect(self.servers, **self.options(), **more)
        return client


def give_up_on_silence(client: Client) -> None:
    """The kernel ends the connection when what was sent is not taken for `UNHEARD` seconds.

    nats-py notices a silent server by its pings, closes the connection, and waits for that. A
    connection with something left to send closes when it has been sent: not while the other end is
    out of reach or frozen. Without this that is a quarter of an hour without any server.
    """
    writer = getattr(getattr(client, "_transport", None), "_io_writer", None)
    connection = None if writer is None else writer.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = int(UNHEARD * 1000)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def addresses(text: str) -> list[str]:
    """The URLs of a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _opened(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
