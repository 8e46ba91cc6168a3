"""The users of the embedded NATS: services come in by key, the person at the keyboard by password.

The permissions are those of every deployment, so whatever runs here runs there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from casetrail_runtime.nats_users.__main__ import make_keys
from casetrail_runtime.nats_users.config import keys_conf, users_conf
from casetrail_runtime.nats_users.permissions import OPERATOR
from casetrail_runtime.nkeys import NotAnNkey

from casetrail_local.errors import StackError
from casetrail_local.folder import DataFolder, write_private


@dataclass(frozen=True)
class NatsUsers:
    """The users of one stack, kept in its data folder."""

    folder: Path
    public: dict[str, str]
    password: str = field(repr=False)

    @classmethod
    def load_or_make(cls, folder: DataFolder) -> NatsUsers:
        """The kept ones, or new ones that are kept from now on."""
        try:
            public = make_keys(folder.nats_keys)
        except (NotAnNkey, OSError) as fault:
            raise StackError(str(fault)) from fault
        path = folder.nats_keys / "operator.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return cls(folder.nats_keys, public, path.read_text("ascii"))

    def seed_file(self, user: str) -> Path:
        """Where the seed of a user stands."""
        return self.folder / f"{user}.nk"

    def config(self) -> str:
        """What the server's configuration says about them."""
        by_key = {name: key for name, key in self.public.items() if name != OPERATOR}
        return users_conf(keys_conf(by_key), {OPERATOR: self.password})

    def operator_url(self, nats_url: str) -> str:
        """The address with the operator's name and password in it."""
        parts = urlsplit(nats_url)
        netloc = f"{OPERATOR}:{self.password}@{parts.netloc}"
        return urlunsplit(parts._replace(netloc=netloc))
