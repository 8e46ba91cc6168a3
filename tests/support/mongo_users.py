"""A mongod that knows its users: those docker-compose makes, under the roles they have there."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from casetrail_local.ports import LOOPBACK
from casetrail_local.servers import MongoServer
from pymongo import MongoClient

from tests.support.processes import ROOT

MAKE_SECRETS = ROOT / "deploy" / "compose" / "make_secrets.py"


def made_secrets(folder: Path) -> Path:
    """The folder with the secrets as `docker compose run --rm keys` makes them."""
    command = [sys.executable, str(MAKE_SECRETS), str(folder)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


class MongoWithUsers(MongoServer):
    """Nobody comes in without a password, and each may do what the secrets' roles say."""

    def __init__(self, data_dir: Path, secrets: Path) -> None:
        super().__init__(data_dir)
        self._secrets = secrets
        listed = (secrets / "mongo-users.json").read_text("utf-8")
        self._known: Mapping[str, Any] = json.loads(listed)
        self._users = {user["user"]: user for user in self._known["users"]}

    def url_of(self, user: str, database: str) -> str:
        """How a user comes in."""
        known = self._users[user]
        address = self.database_url(database).removeprefix("mongodb://")
        return f"mongodb://{user}:{quote(known['pwd'])}@{address}&authSource={known['database']}"

    def make_users(self) -> None:
        """Does what `deploy/mongo/initiate.js` does after the replica set is there."""
        url = f"mongodb://{LOOPBACK}:{self.port}/?directConnection=true"
        with MongoClient[dict[str, Any]](url) as first:
            first.admin.command("createUser", "root", pwd=self._known["root"], roles=["root"])
        with MongoClient[dict[str, Any]](
            url, username="root", password=self._known["root"]
        ) as client:
            for role in self._known["roles"]:
                fields = {name: role[name] for name in ("privileges", "roles")}
                client[role["database"]].command("createRole", role["role"], **fields)
            for user in self._known["users"]:
                own = client[user["database"]]
                own.command("createUser", user["user"], pwd=user["pwd"], roles=user["roles"])

    def _wait_until_ready(self, deadline: float) -> None:
        """Initiates the set as somebody on this machine may, while there is no user yet."""
        url = f"mongodb://{LOOPBACK}:{self.port}/?directConnection=true"
        member = {"_id": 0, "host": f"{LOOPBACK}:{self.port}"}
        with MongoClient[dict[str, Any]](url) as client:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            while not client.admin.command("hello")["isWritablePrimary"]:
                self._fail_if_dead()
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def _command(self) -> list[str]:
        key = self.data_dir / "keyfile"
        if not key.exists():
            key.write_bytes((self._secrets / "mongo-keyfile").read_bytes())
            key.chmod(0o400)
        return [*super()._command(), "--keyFile", str(key)]
