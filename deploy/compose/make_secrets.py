"""Makes the secrets of docker-compose.yml: `docker compose run --rm keys`.

One file a secret, in the folder given; docker-compose.yml hands each container those it needs and
no others. What is there already is kept, so that a second run only adds what is missing, and a
secret of your own is put in by writing its file first. Of the API's tokens only hashes are kept:
they are printed once.
"""

import base64
import datetime as dt
import hashlib
import ipaddress
import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from casetrail_audit import mongo_users
from casetrail_evidence.keys import SignerKey
from casetrail_runtime.nats_users.__main__ import make_keys
from casetrail_runtime.nats_users.config import keys_conf
from casetrail_runtime.nkeys import NotAnNkey
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

SERVICE: Final = 10001
"""The user the services run as in their images."""
MONGOD: Final = 999
"""The user of the public MongoDB image; mongod wants its key file to be nobody else's."""
OWNER: Final = 0o400
EVERYBODY: Final = 0o444
ROLES: Final = ("agent", "lead", "reviewer", "admin", "service")
AUDIT: Final = "casetrail_audit"
SHADOW: Final = "casetrail_audit_shadow"
"""Where `rebuild --into` makes the log anew."""
MONGO_USERS: Final = {
    "routing": {"casetrail_routing": "readWrite"},
    "tickets": {"casetrail_tickets": "readWrite"},
    "audit": {AUDIT: mongo_users.APPENDS},
    "audit-changes": {AUDIT: mongo_users.CHANGES, SHADOW: "readWrite"},
    "webhooks": {AUDIT: mongo_users.FORWARDS},
    "gateway": {AUDIT: "read"},
}
"""Each user's database first, and their role there; nobody else's can be seen."""
TLS: Final = "tls=true&tlsCAFile=/run/secrets/mongo-ca.crt"
"""What a client of MongoDB is told: where the services' containers have its authority."""
LOOPBACK: Final = ipaddress.ip_address("127.0.0.1")
VALID: Final = dt.timedelta(days=825)


class Secrets:
    """The folder of secrets; `made` names what was not there before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, make: Callable[[], str], owner: int = SERVICE) -> str:
        """What the file holds; made when it is missing."""
        path = self._folder / name
        if not path.exists():
            self._write(path, make(), owner)
            self.made.append(name)
        return path.read_text("utf-8").strip()

    def again(self, name: str, text: str, owner: int = SERVICE) -> None:
        """Writes what follows from other files."""
        self._write(self._folder / name, text, owner)

    def show(self, name: str, text: str) -> None:
        """Writes what everybody may read: the certificate of an authority."""
        self._write(self._folder / name, text, SERVICE, EVERYBODY)

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return (self._folder / name).exists()

    def give(self, name: str, owner: int = SERVICE, mode: int = OWNER) -> None:
        """Hands a file over to who has to read it."""
        if os.geteuid() == 0:
            os.chown(self._folder / name, owner, owner)
        (self._folder / name).chmod(mode)

    def _write(self, path: Path, text: str, owner: int, mode: int = OWNER) -> None:
        fresh = path.with_name(f".{path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text.strip()}\n")
        fresh.replace(path)
        self.give(path.name, owner, mode)


def whatsapp(found: Secrets) -> None:
    """What Meta knows: of the environment, or made up to be exchanged."""
    given = os.environ
    found.keep("app-secrets", lambda: given.get("APP_SECRETS") or secrets.token_hex(16))
    found.keep("verify-tokens", lambda: given.get("VERIFY_TOKENS") or secrets.token_urlsafe(24))


def keys(found: Secrets) -> str:
    """The key of ids, of sessions and of the log; the public key of the log."""
    found.keep("workspace-key", lambda: secrets.token_urlsafe(48))
    found.keep("session-key", lambda: secrets.token_urlsafe(48))
    name = os.environ.get("LOG_NAME") or "casetrail.local/log"
    text = found.keep("signing-key", lambda: SignerKey(name, os.urandom(32)).secret_text())
    return str(SignerKey.parse(text).verifier) if text.startswith("PRIVATE+KEY+") else "yours"


def mongo(found: Secrets) -> None:
    """A password for each service, its address with it, and what the server shows of itself."""
    found.keep("mongo-keyfile", lambda: base64.b64encode(os.urandom(96)).decode(), MONGOD)
    root = found.keep("mongo-root", lambda: secrets.token_urlsafe(32))
    people = []
    for user, may in MONGO_USERS.items():
        database = next(iter(may))
        word = found.keep(f"mongo-{user}", lambda: secrets.token_urlsafe(32))
        address = f"mongodb://{user}:{word}@mongo:27017/{database}?replicaSet=rs0&{TLS}"
        found.again(f"mongo-url-{user}", address)
        has = [{"role": role, "db": where} for where, role in may.items()]
        people.append({"user": user, "pwd": word, "database": database, "roles": has})
    roles = [{"database": AUDIT, **role} for role in mongo_users.roles(AUDIT)]
    listed = {"root": root, "roles": roles, "users": people}
    found.again("mongo-users.json", json.dumps(listed, indent=1))
    if not found.has("mongo.pem"):
        authority, certificate, key = certificates("mongo")
        found.show("mongo-ca.crt", authority)
        found.again("mongo.pem", certificate + key, MONGOD)
        found.made.append("mongo.pem")


def nats(found: Secrets, folder: Path) -> None:
    """A key for each user, and a certificate for the server that the services can check."""
    public = make_keys(folder / "nats")
    for name in public:
        found.give(f"nats/{name}.nk")
    found.again("nats-keys.conf", keys_conf(public))
    if not found.has("nats.key"):
        authority, certificate, key = certificates("nats")
        found.again("ca.crt", authority)
        found.again("nats.crt", certificate)
        found.again("nats.key", key)
        found.made.append("nats.key")


def certificates(host: str) -> tuple[str, str, str]:
    """An authority's certificate whose key nobody has, one it gave `host`, and that one's key."""
    own, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Casetrail on one machine")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])

    def begun(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + VALID)
        )

    authority = (
        begun(issuer, own)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(own, hashes.SHA256())
    )
    names = [x509.DNSName(host), x509.DNSName("localhost"), x509.IPAddress(LOOPBACK)]
    certificate = (
        begun(subject, other)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(own, hashes.SHA256())
    )
    key = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = Encoding.PEM
    return (
        authority.public_bytes(pem).decode(),
        certificate.public_bytes(pem).decode(),
        key.decode(),
    )


def tokens(found: Secrets) -> dict[str, str]:
    """One token of the API for each role; empty when the file was there."""
    made: dict[str, str] = {}

    def entries() -> str:
        made.update({role: f"ct_{role}_{secrets.token_urlsafe(24)}" for role in ROLES})
        end = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
        return json.dumps(
            [
                {
                    "token_sha256": hashlib.sha256(token.encode()).hexdigest(),
                    "id": role,
                    "name": role.capitalize(),
                    "role": role,
                    "workspace": "main",
                    "expires_at": end.isoformat(timespec="seconds"),
                }
                for role, token in made.items()
            ],
            indent=1,
        )

    found.keep("tokens.json", entries)
    return made


def main() -> int:
    """0: all there; 2: a file that is there is no use, named."""
    folder = Path(sys.argv[1])
    found = Secrets(folder)
    try:
        whatsapp(found)
        verifier = keys(found)
        mongo(found)
        nats(found, folder)
        made = tokens(found)
    except (NotAnNkey, OSError, ValueError) as fault:
        print(f"{fault}", file=sys.stderr)
        return 2
    print(f"made: {', '.join(found.made) or 'nothing, everything was there'}")
    print(f"the log's public key, for casetrail-verify: {verifier}")
    for role, token in made.items():
        print(f"token of the {role}, told once: {token}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
