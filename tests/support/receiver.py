"""A real HTTP server on this machine that takes webhooks, as well or as badly as it is told."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Said:
    """An answer: its status, further headers, and seconds before it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


@dataclass(frozen=True)
class Taken:
    """A request as it came, and what was answered."""

    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        """Its webhook-id."""
        return self.headers["webhook-id"]

    def is_signed(self, secret: bytes) -> bool:
        """Whether one of its signatures is by this secret, as a receiver checks it."""
        moment = self.headers["webhook-timestamp"]
        content = f"{self.id}.{moment}.".encode() + self.body
        mac = hmac.new(secret, content, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(mac).decode()}"
        given = self.headers["webhook-signature"].split(" ")
        return any(hmac.compare_digest(wanted, each) for each in given)


class Receiver:
    """Answers each request with the next of `script`, then with 200; can be restarted."""

    def __init__(self) -> None:
        self.script: list[Said] = []
        self.taken: list[Taken] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks"

    @property
    def ids(self) -> list[str]:
        """The ids that were answered 200, each once, in the order in which they first were."""
        return list(dict.fromkeys(taken.id for taken in self.taken if taken.status == 200))

    async def start(self) -> None:
        """Listens, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody is there any more."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = [line.split(": ", 1) for line in head[1:] if line]
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            said = self.script.pop(0) if self.script else Said()
            if said.after:
                await asyncio.sleep(said.after)  # the endpoint is slow
            self.taken.append(Taken(headers, body, said.status))
            more = "".join(f"{name}: {value}\r\n" for name, value in said.headers.items())
            answer = f"HTTP/1.1 {said.status} X\r\nconnection: close\r\ncontent-length: 0\r\n{more}"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """One that listens."""
    made = Receiver()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
