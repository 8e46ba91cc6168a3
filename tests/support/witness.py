"""A witness of its own making: C2SP tlog-witness and tlog-cosignature, without our library.

It believes in nothing but the log's key, remembers the newest tree it signed, and refuses a tree
that does not begin with it. Consistency is verified by the algorithm of RFC 9162 §2.1.4.2.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from casetrail_local.ports import free_port
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.support.waiting import eventually

DASH = "\N{EM DASH}"


def _id(name: str, material: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]


@dataclass
class WitnessServer:
    """Signs for one log, named with its verifier key; `time` is what its clock says."""

    name: str
    log_key: str
    time: int = 1_795_000_000
    size: int = 0
    root: bytes = hashlib.sha256().digest()
    broken: Response | None = None
    """Answered to everything while it is set."""
    asked: list[bytes] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(
            hashlib.sha256(self.name.encode()).digest()
        )
        self._material = b"\x04" + self._private.public_key().public_bytes_raw()

    @property
    def key(self) -> str:
        """Its verifier key."""
        return "+".join(
            [
                self.name,
                _id(self.name, self._material).hex(),
                base64.b64encode(self._material).decode(),
            ]
        )

    async def add_checkpoint(self, request: Request) -> Response:
        """The one thing it is asked."""
        body = await request.body()
        self.asked.append(body)
        if self.broken is not None:
            return self.broken
        head, _, note = body.decode().partition("\n\n")
        old, *lines = head.split("\n")
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        origin, size_line, root_line = text.split("\n")[:3]
        name, _, encoded = self.log_key.split("+", 2)
        if origin != name:
            return Response(status_code=404)
        if not self._signed(text, signatures, name, base64.b64decode(encoded)):
            return Response(status_code=403)
        root, earlier = base64.b64decode(root_line), int(old.removeprefix("old "))
        proof = [base64.b64decode(line) for line in lines]
        refused = self._refusal(earlier, int(size_line), root, proof)
        return self._cosignature(text, int(size_line), root) if refused is None else refused

    def _refusal(self, earlier: int, size: int, root: bytes, proof: list[bytes]) -> Response | None:
        if earlier > size:
            return Response(status_code=400)
        if earlier != self.size:
            return PlainTextResponse(f"{self.size}\n", 409, media_type="text/x.tlog.size")
        if earlier == size and root != self.root:
            return Response(status_code=409)
        if not consistent(earlier, size, self.root, root, proof):
            return Response(status_code=422)
        return None

    def _cosignature(self, text: str, size: int, root: bytes) -> Response:
        self.size, self.root = size, root
        message = f"cosignature/v1\ntime {self.time}\n{text}".encode()
        value = _id(self.name, self._material) + self.time.to_bytes(8, "big")
        value += self._private.sign(message)
        return PlainTextResponse(f"{DASH} {self.name} {base64.b64encode(value).decode()}\n")

    def _signed(self, text: str, signatures: str, name: str, material: bytes) -> bool:
        for line in signatures.strip().split("\n"):
            _, signer, encoded = line.split(" ")
            value = base64.b64decode(encoded)
            if signer != name or value[:4] != _id(name, material):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(material[1:]).verify(value[4:], text.encode())
            except InvalidSignature:
                return False
            return True
        return False


def consistent(first: int, second: int, old: bytes, new: bytes, path: list[bytes]) -> bool:
    """RFC 9162 §2.1.4.2, step by step; the empty tree is part of every other."""
    if first == 0:
        return path == []
    if first == second:
        return path == [] and old == new
    nodes = list(path)
    if first & (first - 1) == 0:
        nodes.insert(0, old)
    if not nodes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr = hashlib.sha256(b"\x01" + node + fr).digest()
            sr = hashlib.sha256(b"\x01" + node + sr).digest()
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\x01" + sr + node).digest()
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old, new, 0)


@asynccontextmanager
async def serving(witness: WitnessServer) -> AsyncIterator[WitnessServer]:
    """The witness on a free port, as long as the context lasts."""
    app = Starlette(routes=[Route("/w/add-checkpoint", witness.add_checkpoint, methods=["POST"])])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    witness.url = f"http://127.0.0.1:{port}/w"
    try:
        yield witness
    finally:
        server.should_exit = True
        await task
