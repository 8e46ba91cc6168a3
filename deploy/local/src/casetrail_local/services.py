"""The five services as the embedded stack runs them: their ports and their variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from casetrail_local.errors import PortTaken, StackError
from casetrail_local.folder import DataFolder
from casetrail_local.identity import Identity, phone_numbers
from casetrail_local.ports import LOOPBACK, free_port, holder, is_free

SERVICES: Final = ("audit", "routing", "tickets", "ingest", "gateway")
"""In starting order: what records first, what takes work in last."""

ANSWERING: Final = frozenset({"ingest", "gateway"})
"""Those whose answer somebody waits for on a connection."""

GIVES_WAY: Final = 10
"""The niceness of the others: what they have not done yet is safe in the stream, and waits."""

STANDARD_PORTS: Final = {
    "gateway": 8080,
    "ingest": 8081,
    "routing": 8082,
    "tickets": 8083,
    "audit": 8084,
    "nats": 4222,
    "mongo": 27017,
}

PORT_OFFSETS: Final = {
    "gateway": 0,
    "ingest": 1,
    "routing": 2,
    "tickets": 3,
    "audit": 4,
    "nats": 5,
    "mongo": 6,
}
"""With `--port-base N` the gateway listens on N, ingest on N+1, and so on."""

AUDIT_DATABASE: Final = "casetrail_audit"


@dataclass(frozen=True)
class PortPlan:
    """A port for every process, and what had to be changed to get them."""

    ports: dict[str, int]
    notes: tuple[str, ...] = ()

    def url(self, name: str) -> str:
        """The HTTP address of a service."""
        return f"http://{LOOPBACK}:{self.ports[name]}"


def plan_ports(names: tuple[str, ...], port_base: int | None = None) -> PortPlan:
    """A free port for each of `names`.

    Without a base: the standard ports, each replaced by a free one if it is taken (the notes say
    so). With a base the ports are fixed, and a taken one raises `PortTaken`, naming its holder.
    """
    if port_base is not None:
        return PortPlan({name: _required_port(name, port_base) for name in names})
    ports: dict[str, int] = {}
    notes: list[str] = []
    for name in names:
        port = STANDARD_PORTS[name]
        if not is_free(port):
            by = holder(port) or "another program"
            replacement = free_port(frozenset(ports.values()) | frozenset(STANDARD_PORTS.values()))
            notes.append(f"port {port} is taken by {by}: {name} uses {replacement}")
            port = replacement
        ports[name] = port
    return PortPlan(ports, tuple(notes))


def _required_port(name: str, port_base: int) -> int:
    highest = 65_535 - max(PORT_OFFSETS.values())
    if not 1 <= port_base <= highest:
        raise StackError(f"--port-base {port_base} leaves no room: choose one from 1 to {highest}.")
    port = port_base + PORT_OFFSETS[name]
    if is_free(port):
        return port
    by = holder(port) or "another program"
    raise PortTaken(
        f"Port {port} for {name} is taken by {by}: stop it, or choose another --port-base."
    )


def database_url(server_url: str, database: str) -> str:
    """The URL of one database on a MongoDB server given by its URL."""
    parts = urlsplit(server_url)
    if parts.scheme not in {"mongodb", "mongodb+srv"} or not parts.netloc:
        raise StackError(
            f"--mongo-url {server_url!r} is not a MongoDB URL: "
            "write mongodb://HOST:PORT/?replicaSet=NAME."
        )
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))


def retention(folder: DataFolder) -> dict[str, str]:
    """Where archives go; with a file retention.yaml in the data folder, records do."""
    archives = {"AUDIT_ARCHIVE_DIR": str(folder.archives)}
    if folder.retention.is_file():
        archives["AUDIT_RETENTION_FILE"] = str(folder.retention)
    return archives


def environment(
    service: str,
    *,
    identity: Identity,
    folder: DataFolder,
    plan: PortPlan,
    nats_url: str,
    mongo_url: str,
) -> dict[str, str]:
    """The variables one service starts with; it gets its own secrets and nobody else's."""
    prefix = service.upper()
    # The gateway keeps nothing of its own here: it reads the log, so its database is the audit's.
    database = AUDIT_DATABASE if service == "gateway" else f"casetrail_{service}"
    own = {
        f"{prefix}_NATS_URL": nats_url,
        f"{prefix}_MONGO_URL": database_url(mongo_url, database),
        f"{prefix}_HOST": LOOPBACK,
        f"{prefix}_PORT": str(plan.ports[service]),
        f"{prefix}_WORKSPACE_KEY": identity.workspace_key,
    }
    if service == "ingest":
        own |= {
            "INGEST_APP_SECRETS": identity.app_secret,
            "INGEST_VERIFY_TOKENS": identity.verify_token,
            "INGEST_WORKSPACES": phone_numbers(),
            "INGEST_SPOOL_DIR": str(folder.spool),
        }
    if service == "audit":
        own |= {"AUDIT_SIGNING_KEY": identity.signing_key, **retention(folder)}
    if service == "gateway":
        own["GATEWAY_TOKENS_FILE"] = str(folder.tokens)
        own["GATEWAY_ARCHIVE_DIR"] = str(folder.archives)
    return own
