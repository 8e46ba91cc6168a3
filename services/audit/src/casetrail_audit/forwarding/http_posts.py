"""Deliveries over HTTP."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from casetrail_audit.forwarding.addresses import Guard
from casetrail_audit.forwarding.endpoint import Delivery, Endpoint

GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt; `problem` is None when the endpoint took it."""

    problem: str | None = None
    gone: bool = False
    retry_after: float | None = None


class HttpPosts:
    """`POST url`. Redirects are not followed, proxies not used, what is answered is not read."""

    def __init__(self, guard: Guard, timeout: float) -> None:
        self._guard = guard
        self._timeout = timeout
        self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def __call__(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        """The answer within the time an attempt has; raises nothing that waiting could heal."""
        now = datetime.now(UTC)
        headers = delivery.headers(endpoint, now.timestamp())
        try:
            async with asyncio.timeout(self._timeout):
                place = await self._guard(endpoint.url)
                async with self._http.stream(
                    "POST",
                    place.url,
                    content=delivery.body,
                    headers={**headers, "host": place.host_header, "user-agent": "casetrail"},
                    extensions={"sni_hostname": place.hostname},
                ) as answer:
                    return _read(answer, now)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(f"it does not answer within {self._timeout:g} s")
        except httpx.HTTPError as error:
            return Answer(f"it cannot be reached ({type(error).__name__})")
        except ConnectionError as error:
            return Answer(str(error))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


def _read(answer: httpx.Response, now: datetime) -> Answer:
    if answer.is_success:
        return Answer()
    said = f"it answers {answer.status_code}"
    if answer.is_redirect:
        said += ", and redirects are not followed"
    waits = retry_after(answer.headers.get("retry-after"), now)
    return Answer(said, answer.status_code == GONE, waits)


def retry_after(text: str | None, now: datetime) -> float | None:
    """The seconds of a Retry-After header, which may be a date; None when it says nothing."""
    if text is None:
        return None
    if text.strip().isdecimal() and len(text) < 10:  # noqa: PLR2004 - thirty years
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
