"""The gateway's HTTP API, as the demo and the CLI call it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from casetrail_local.errors import StackError

Json = dict[str, Any]

PATIENCE = 20.0  # seconds
PASSING = frozenset(
    {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
)


@dataclass(frozen=True)
class Problem:
    """An `application/problem+json` answer."""

    status: int
    slug: str
    detail: str


class Refused(StackError):
    """The gateway said no; `problem` tells why."""

    def __init__(self, path: str, problem: Problem) -> None:
        """`path` is what was asked for."""
        super().__init__(f"The gateway refused {path} ({problem.status}): {problem.detail}")
        self.problem = problem


class Gateway:
    """A caller with one token; a context manager that closes its connections."""

    def __init__(self, url: str, token: str) -> None:
        """`token` decides what may be seen and done."""
        self._url = url
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            timeout=30.0,
            trust_env=False,  # a proxy of this machine has no part in loopback traffic
        )

    def get(self, path: str, **query: Any) -> Json:
        """The JSON of a read; raises `Refused`, or `StackError` when nobody answers."""
        return self._send("GET", path, params={k: v for k, v in query.items() if v is not None})

    def post(self, path: str, body: Json | None = None) -> Json:
        """The JSON of a command, sent with an `Idempotency-Key` of its own."""
        return self._send(
            "POST", path, json=body or {}, headers={"idempotency-key": str(uuid.uuid4())}
        )

    def _send(self, method: str, path: str, **request: Any) -> Json:
        """One answer; a gateway or service that is being restarted is asked again for a while.

        Asking again is harmless: reads change nothing, and a command keeps its `Idempotency-Key`.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            last_try = time.monotonic() > deadline
            try:
                answer = self._client.request(method, path, **request)
            except httpx.HTTPError as fault:
                if last_try:
                    raise StackError(
                        f"The gateway at {self._url} does not answer ({fault}): "
                        "see `casetrail status` and its log."
                    ) from fault
            else:
                if answer.is_success:
                    return dict(answer.json()) if answer.content else {}
                if last_try or answer.status_code not in PASSING:
                    raise Refused(f"{method} {path}", _problem(answer))
            time.sleep(0.2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()


def _problem(answer: httpx.Response) -> Problem:
    try:
        body = answer.json()
    except ValueError:
        return Problem(answer.status_code, "", answer.text[:300])
    slug = str(body.get("type", "")).rpartition(":")[2]
    return Problem(answer.status_code, slug, str(body.get("detail") or body.get("title") or body))
