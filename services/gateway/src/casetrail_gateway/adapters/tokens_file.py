"""API tokens from a file that holds their hashes; read again when the file changes."""

import hashlib
import hmac
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from casetrail_gateway.domain.people import Caller, Role
from casetrail_gateway.ports import Clock

log = structlog.get_logger()


class TokensFileFaulty(Exception):
    """The tokens file cannot be used; each fault is one sentence, none shows a hash."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__(f"{path}: " + " ".join(faults))
        self.faults = faults


class TokenEntry(BaseModel):
    """One token: who holds it, and until when."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role
    workspace: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,63}$")]
    expires_at: AwareDatetime | None = None

    @property
    def caller(self) -> Caller:
        """The holder."""
        return Caller(self.id, self.name, self.role, self.workspace)


_ENTRIES = TypeAdapter(list[Any])


class TokensFile:
    """The tokens of a file.

    A file that changes for the worse is reported by `check` (readiness) and in the log; until it is
    mended the tokens of the last good version hold, so that a slip of the pen locks nobody out.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Reads the file; raises `TokensFileFaulty`."""
        self._path = path
        self._clock = clock
        self._fault: TokensFileFaulty | None = None
        self._seen = _state_of(path)
        self._entries = read_tokens(path)

    def holder_of(self, token: str) -> Caller | None:
        """The holder; every hash is compared in full, so the time tells nothing."""
        return self.holder_by_digest(
            hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        )

    def holder_by_digest(self, digest: str) -> Caller | None:
        """The holder of the token with this SHA-256 (hex)."""
        self._reload()
        found: TokenEntry | None = None
        for entry in self._entries:
            if hmac.compare_digest(entry.token_sha256, digest):
                found = entry
        if found is None or _expired(found, self._clock.now()):
            return None
        return found.caller

    async def check(self) -> None:
        """Nothing, or the fault of the file as it is now."""
        self._reload()
        if self._fault is not None:
            raise self._fault

    def _reload(self) -> None:
        state = _state_of(self._path)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._entries = read_tokens(self._path)
        except TokensFileFaulty as fault:
            self._fault = fault
            log.error("tokens_file_faulty", faults=fault.faults)  # noqa: TRY400 - said in full
        else:
            self._fault = None
            log.info("tokens_read", entries=len(self._entries))


def read_tokens(path: Path) -> tuple[TokenEntry, ...]:
    """The entries of a tokens file.

    Raises:
        TokensFileFaulty: with every fault of the file.
    """
    try:
        parsed = _ENTRIES.validate_python(json.loads(path.read_bytes()))
    except OSError as error:
        raise TokensFileFaulty(path, [f"cannot be read ({error.strerror})."]) from error
    except ValidationError:
        raise TokensFileFaulty(path, ["is not a JSON list of tokens."]) from None
    except ValueError as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise TokensFileFaulty(path, [f"is not JSON{place}."]) from None
    faults: list[str] = []
    entries: list[TokenEntry] = []
    seen: dict[str, int] = {}
    for number, item in enumerate(parsed, start=1):
        try:
            entry = TokenEntry.model_validate(item)
        except ValidationError as error:
            faults += [_sentence(number, fault) for fault in error.errors(include_input=False)]
            continue
        first = seen.setdefault(entry.token_sha256, number)
        if first != number:
            faults.append(f"Token {number}: has the same token_sha256 as token {first}.")
        entries.append(entry)
    if faults:
        raise TokensFileFaulty(path, faults)
    return tuple(entries)


def _expired(entry: TokenEntry, now: datetime) -> bool:
    return entry.expires_at is not None and entry.expires_at <= now


def _state_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _sentence(number: int, fault: Any) -> str:
    field = ".".join(str(part) for part in fault["loc"]) or "entry"
    return f"Token {number}: {field}: {fault['msg']}."
