"""`stack.json`: how a running stack describes itself to scripts, tests and the CLI."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from casetrail_local.errors import StackError
from casetrail_local.folder import write_private_json
from casetrail_local.identity import Tokens


class Pids(BaseModel):
    """Process ids; null while a process is being restarted, or when the server is not ours."""

    nats: int | None = None
    mongo: int | None = None
    ingest: int | None = None
    routing: int | None = None
    tickets: int | None = None
    audit: int | None = None
    gateway: int | None = None


class StackDescription(BaseModel):
    """Everything needed to use a running stack."""

    model_config = ConfigDict(frozen=True)

    gateway_url: str
    ingest_url: str
    nats_url: str
    mongo_url: str
    """The audit database, which holds the log."""
    workspace: str
    phone_number_id: str
    app_secret: str
    verify_token: str
    tokens: Tokens
    pids: Pids

    def write(self, path: Path) -> None:
        """Replaces the file in one step, mode 600."""
        write_private_json(path, self.model_dump())

    @classmethod
    def read(cls, path: Path) -> StackDescription:
        """The description of the running stack; raises a sentence when there is none."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as fault:
            raise StackError(
                f"No stack runs here ({path} is missing): start one with `casetrail up`, "
                "or name its folder with --data."
            ) from fault
        except (OSError, ValidationError) as fault:
            raise StackError(f"{path} cannot be read: restart the stack.") from fault
