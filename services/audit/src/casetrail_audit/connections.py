"""Under whom audit comes in at MongoDB: who appends, and who may change a record."""

from dataclasses import dataclass
from typing import Final

from casetrail_runtime.mongo import Client, Database, database, make_client
from pydantic import SecretStr

from casetrail_audit.settings import AuditSettings

CHANGES: Final = "-changes"
"""How the second client is named in MongoDB's own log, after the name of the first."""


@dataclass(frozen=True)
class Connections:
    """Two users of one database, ADR 50: the log is appended to by one and changed by the other.

    `changes` settles copies, erases and archives. Without `AUDIT_CHANGES_MONGO_URL` both are one.
    """

    client: Client
    db: Database
    changes_client: Client
    changes: Database

    def close(self) -> None:
        """Both are closed; nothing can be done with either afterwards."""
        self.client.close()
        self.changes_client.close()


def connect(settings: AuditSettings, name: str) -> Connections:
    """Both connections, not tried yet; close them when the process ends."""
    client = make_client(settings, name)
    changing = changing_client(settings, name) if settings.changes_mongo_url else client
    return Connections(client, database(client), changing, database(changing))


def changing_client(settings: AuditSettings, name: str) -> Client:
    """A client for a command that changes records: archiving, or a rebuild."""
    if settings.changes_mongo_url is None:
        return make_client(settings, name)
    return make_client(_Changing(settings.changes_mongo_url), f"{name}{CHANGES}")


@dataclass(frozen=True)
class _Changing:
    mongo_url: SecretStr
