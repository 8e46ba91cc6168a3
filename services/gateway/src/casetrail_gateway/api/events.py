"""Server-sent events to a client that may stop reading."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from casetrail_runtime.tasks import end
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

SLOW: Final = 20.0
"""Seconds a client may take for one piece before its connection is closed."""


class EventStreamResponse(Response):
    """Server-sent events; ends when the client goes, falls behind, or does not take a piece."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends piece by piece and listens for the client's going at the same time."""
        del scope  # the answer is the same for every request
        gone = asyncio.create_task(_gone(receive))
        try:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            while (piece := await self._next(gone)) is not None:
                await _send(send, piece, more=True)
            if not gone.done():
                await _send(send, b"", more=False)
        except TimeoutError:
            return  # the server closes a connection whose answer was not finished
        finally:
            gone.cancel()
            await self._close()

    async def _next(self, gone: "asyncio.Task[None]") -> bytes | None:
        piece = asyncio.ensure_future(anext(self._pieces, None))
        await asyncio.wait({piece, gone}, return_when=asyncio.FIRST_COMPLETED)
        if piece.done():
            return piece.result()
        await end(piece)  # closing a generator that still runs is an error
        return None

    async def _close(self) -> None:
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


async def _send(send: Send, body: bytes, *, more: bool) -> None:
    message = {"type": "http.response.body", "body": body, "more_body": more}
    async with asyncio.timeout(SLOW):
        await send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
