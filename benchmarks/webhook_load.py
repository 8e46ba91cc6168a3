"""Signed webhooks over plain sockets: a client that costs less than what it measures."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time

SECRET = "the app secret of the benchmarks"
_NUMBERS = itertools.count()


def request(items: int = 1) -> bytes:
    """A POST with so many text messages nobody sent before."""
    messages = [
        {
            "from": f"92300{n % 1000:07}",
            "id": f"wamid.BENCH{n}",
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": "parcel nahi aya, 5 din ho gaye. Koi jawab nahi deta"},
        }
        for n in itertools.islice(_NUMBERS, items)
    ]
    contacts = [{"wa_id": each["from"], "profile": {"name": "Sana"}} for each in messages]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "924235770000", "phone_number_id": "100200300"},
        "contacts": contacts if items == 1 else [],
        "messages": messages,
    }
    entry = {"id": "9", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    return signed(body, SECRET)


def signed(body: bytes, secret: str) -> bytes:
    """The POST of a webhook with this body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/whatsapp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: sha256={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One kept-alive connection; `post` gives the seconds until the whole answer is there."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def post(self, sent: bytes) -> float:
        began = time.perf_counter()
        self._writer.write(sent)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(head.decode())
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await self._reader.readexactly(length)
        return time.perf_counter() - began

    def close(self) -> None:
        self._writer.close()


async def connections(port: int, count: int) -> list[Connection]:
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    return [Connection(*each) for each in opened]


async def as_fast_as_possible(pool: list[Connection], posts: int) -> float:
    """POSTs a second, each connection sending its next when the last is answered."""
    waiting = [request() for _ in range(posts)]

    async def run(connection: Connection) -> None:
        while waiting:
            await connection.post(waiting.pop())

    began = time.perf_counter()
    await asyncio.gather(*(run(connection) for connection in pool))
    return posts / (time.perf_counter() - began)


async def at_rate(pool: list[Connection], rate: float, posts: int) -> list[float]:
    """Seconds of each POST, begun at fixed times whether the one before is answered or not.

    The time counts from when it was due, so that a pause of the service is in every one it delayed.
    """
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in pool:
        free.put_nowait(connection)
    waiting = [request() for _ in range(posts)]
    took: list[float] = []

    async def run(sent: bytes, due: float) -> None:
        connection = await free.get()
        await connection.post(sent)
        took.append(time.perf_counter() - due)
        free.put_nowait(connection)

    began = time.perf_counter() + 0.05
    tasks = []
    for n, sent in enumerate(waiting):
        due = began + n / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(run(sent, due)))
    await asyncio.gather(*tasks)
    return took
