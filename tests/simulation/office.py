"""The gateway as the staff uses it: tokens of their own, keys that make repeating harmless."""

import asyncio
import hashlib
import json
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from casetrail_local.folder import write_private_json

Json = dict[str, Any]
PATIENCE: Final = 180.0
"""Real seconds until a request that nobody answers ends the simulation."""
BEHIND: Final = 90.0
"""Real seconds until something that is not there is believed not to be there."""
AGAIN: Final = 0.02
"""Share of commands that are sent twice, with the same key."""
_PASSING: Final = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)


@dataclass(frozen=True)
class Person:
    """Somebody of the staff and their token."""

    id: str
    name: str
    role: str
    token: str

    @classmethod
    def of(cls, id_: str, name: str, role: str = "agent") -> "Person":
        """With a token made from the id: these are secrets of nobody."""
        return cls(id_, name, role, f"sim_{id_}_{hashlib.sha256(id_.encode()).hexdigest()[:24]}")


def add_tokens(path: Path, people: list[Person]) -> None:
    """Adds their tokens to the gateway's file, which it reads again by itself."""
    entries = json.loads(path.read_bytes())
    entries += [
        {
            "token_sha256": hashlib.sha256(person.token.encode()).hexdigest(),
            "id": person.id,
            "name": person.name,
            "role": person.role,
            "workspace": "main",
            "expires_at": None,
        }
        for person in people
    ]
    write_private_json(path, entries)


@dataclass
class Office:
    """Requests to the gateway, and what came of them."""

    url: str
    client: httpx.AsyncClient
    chance: random.Random
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    """The request id of every read that was answered."""
    conflicts: int = 0
    told: int = 0
    """Conflicts that said what had changed."""
    repeated: int = 0
    seconds: list[float] = field(default_factory=list)
    """How long each command took, in real seconds."""

    async def read(self, person: Person, path: str) -> Json | None:
        """What the gateway shows; None when it refuses."""
        request = str(uuid.uuid4())
        headers = {"Authorization": f"Bearer {person.token}", "X-Request-Id": request}
        answer = await self._answered("GET", path, headers, None)
        if answer.status_code != httpx.codes.OK:
            self.answers[f"read {answer.status_code}"] += 1
            return None
        self.answers["read 200"] += 1
        self.reads.append(request)
        found: Json = answer.json()
        found["etag"] = answer.headers.get("etag")
        return found

    async def do(
        self, person: Person, path: str, body: Json | None = None, *, if_match: str | None = None
    ) -> Json | None:
        """The answer to a command; None when a rule refuses it."""
        headers = {"Authorization": f"Bearer {person.token}", "Idempotency-Key": uuid.uuid4().hex}
        if if_match is not None:
            headers["If-Match"] = if_match
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await self._answered("POST", path, headers, body)
        self.seconds.append(loop.time() - began)
        verb = path.rpartition("/")[2]
        if self.chance.random() < AGAIN:
            again = await self._answered("POST", path, headers, body)
            self.repeated += 1
            if (again.status_code, _plain(again)) != (answer.status_code, _plain(answer)):
                self.faults.append(f"{path} repeated: {answer.text} became {again.text}")
        said: Json = answer.json()
        if answer.is_success:
            self.answers[f"{verb} done"] += 1
            return said
        slug = str(said["type"]).rpartition(":")[2]
        self.answers[f"{verb} refused: {slug}"] += 1
        if slug == "version-conflict":
            self.conflicts += 1
            self.told += bool(said.get("changed"))
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            self.faults.append(f"{path}: {answer.status_code} {answer.text[:200]}")
        return None

    async def _answered(
        self, method: str, path: str, headers: dict[str, str], body: Json | None
    ) -> httpx.Response:
        """An answer that says something: while a server is being restarted, the same again."""
        loop = asyncio.get_running_loop()
        deadline, not_yet = loop.time() + PATIENCE, loop.time() + BEHIND
        said = "nothing"
        while loop.time() < deadline:
            try:
                answer = await self.client.request(
                    method, f"{self.url}{path}", headers=headers, json=body
                )
            except httpx.HTTPError as fault:
                said = repr(fault)
            else:
                # What was made a moment ago is there for the gateway once the log has it.
                behind = answer.status_code == httpx.codes.NOT_FOUND and loop.time() < not_yet
                if answer.status_code not in _PASSING and not behind:
                    return answer
                said = f"{answer.status_code} {answer.text[:200]}"
            await asyncio.sleep(0.2)
        raise AssertionError(f"{method} {path} was not answered: {said}")


def _plain(answer: httpx.Response) -> Json:
    found: Json = answer.json()
    return {name: value for name, value in found.items() if name != "request_id"}
