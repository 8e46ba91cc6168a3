"""Witnesses over HTTP."""

from typing import Final

import httpx
from casetrail_evidence.notes import parse_note

from casetrail_audit.witnessing.protocol import LARGEST, Answer, Witness, read_answer

SECONDS: Final = 5.0


class HttpWitnesses:
    """`POST <url>/add-checkpoint` (C2SP tlog-witness). Redirects are not followed."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False)

    async def __call__(self, witness: Witness, body: bytes, note: str) -> Answer:
        """The answer; raises `ConnectionError` with a sentence when there is none in time."""
        url = f"{witness.url.rstrip('/')}/add-checkpoint"
        try:
            async with self._http.stream("POST", url, content=body) as answer:
                said = b""
                async for part in answer.aiter_bytes():
                    said += part
                    if len(said) > LARGEST:
                        raise ConnectionError("it answers with more than any cosignature")
                kind = answer.headers.get("content-type", "")
                return read_answer(answer.status_code, kind, said, parse_note(note), witness.key)
        except httpx.HTTPError as error:
            raise ConnectionError(f"it does not answer ({type(error).__name__})") from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()
