"""WhatsApp's Graph API over httpx: one request, and what it came to."""

import httpx

from casetrail_ingest.domain.sending import Accepted, Json, NotSent, understood

CONNECT_SECONDS = 3.0
LONGEST_WAIT = 60.0
"""A longer Retry-After is not waited for: the sender is told instead."""


class GraphApi:
    """Sends for the business numbers that one access token covers."""

    def __init__(self, base_url: str, token: str, timeout: float) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
            follow_redirects=False,
        )

    async def send(self, phone_number_id: str, request: Json) -> Accepted | NotSent:
        """What became of one request; never raises for what a network or a server does.

        A request that may have reached WhatsApp without an answer is not repeated: WhatsApp knows
        no idempotency key, and a customer would get it twice.
        """
        try:
            answer = await self._client.post(f"/{phone_number_id}/messages", json=request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return NotSent("unreachable", again=True, title="WhatsApp cannot be reached")
        except httpx.HTTPError as error:
            title = f"no answer from WhatsApp ({type(error).__name__})"
            return NotSent("unknown", again=False, title=title)
        try:
            said = answer.json()
        except ValueError:
            said = None
        return understood(answer.status_code, said, _wait(answer.headers.get("retry-after")))

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()


def _wait(header: str | None) -> float | None:
    if header is None or not header.strip().isdecimal():
        return None
    return min(float(header), LONGEST_WAIT)
