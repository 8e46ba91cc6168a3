"""What the stack made for itself once: secrets, and tokens for one person of each role."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from casetrail_local.errors import StackError
from casetrail_local.folder import DataFolder, write_private_json

WORKSPACE: Final = "main"
PHONE_NUMBER_ID: Final = "557700000000001"

PEOPLE: Final = {
    "agent": ("a", "Agent A"),
    "lead": ("lead", "Team Lead"),
    "reviewer": ("reviewer", "Reviewer"),
    "admin": ("admin", "Administrator"),
    "service": ("subscriber", "Subscriber"),
}
"""Role → id and name of the person (or program) the embedded stack makes a token for."""


class Tokens(BaseModel):
    """One bearer token per role."""

    model_config = ConfigDict(frozen=True)

    agent: str
    lead: str
    reviewer: str
    admin: str
    service: str


class Identity(BaseModel):
    """The secrets of one embedded stack."""

    model_config = ConfigDict(frozen=True)

    workspace_key: str
    """32 bytes, base64: conversation ids are keyed with it."""
    signing_key: str
    """Ed25519 seed, 32 bytes, base64: checkpoints are signed with it."""
    app_secret: str
    verify_token: str
    tokens: Tokens


def load_or_make(folder: DataFolder) -> Identity:
    """The stack's secrets: the kept ones, or new ones that are kept from now on.

    Also writes the gateway's token file, which holds hashes only.
    """
    if folder.secrets.exists():
        try:
            identity = Identity.model_validate_json(folder.secrets.read_bytes())
        except ValidationError as fault:
            raise StackError(
                f"{folder.secrets} is damaged: restore it, or remove {folder.root} "
                "to begin with empty data."
            ) from fault
    else:
        identity = Identity(
            workspace_key=_key(),
            signing_key=_key(),
            app_secret=secrets.token_hex(16),
            verify_token=secrets.token_urlsafe(24),
            tokens=Tokens(**{role: f"ct_{role}_{secrets.token_urlsafe(24)}" for role in PEOPLE}),
        )
        write_private_json(folder.secrets, identity.model_dump())
    write_private_json(folder.tokens, _token_entries(identity.tokens))
    return identity


def phone_numbers() -> str:
    """`INGEST_WORKSPACES`: which workspace a WhatsApp number belongs to."""
    return json.dumps({PHONE_NUMBER_ID: WORKSPACE, "*": WORKSPACE})


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _token_entries(tokens: Tokens) -> list[dict[str, str]]:
    # The file wants an end; a stack on a laptop is older than its tokens only after ten years.
    now = datetime.now(UTC)
    expires_at = now.replace(year=now.year + 10, month=1, day=1)
    return [
        {
            "token_sha256": hashlib.sha256(getattr(tokens, role).encode()).hexdigest(),
            "id": person,
            "name": name,
            "role": role,
            "workspace": WORKSPACE,
            "expires_at": expires_at.isoformat(),
        }
        for role, (person, name) in PEOPLE.items()
    ]
