"""`docker compose` over this checkout's file, under a name of its own, with secrets made for it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from casetrail_evidence.keys import SignerKey
from casetrail_local.description import Pids, StackDescription
from casetrail_local.folder import DataFolder
from casetrail_local.identity import PHONE_NUMBER_ID, WORKSPACE, Identity, load_or_make
from casetrail_local.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = ("ingest", "routing", "tickets", "audit", "gateway")
SERVERS: Final = ("nats", "mongo")
PYTHON_IMAGE: Final = "python:3.13-slim-bookworm"
IMAGES: Final = ("PYTHON_IMAGE", "NATS_IMAGE", "MONGO_IMAGE")


class NoContainers(Exception):
    """Docker cannot be used here; the message says what to do."""


class Containers:
    """One project of containers; `down` takes away everything it made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity: Identity = load_or_make(DataFolder.at(folder))
        self.signer = SignerKey("casetrail.test/log", os.urandom(32))
        self.project = f"casetrail-test-{os.getpid()}"
        self._command = _compose()
        self._ingest, self._gateway = free_port(), free_port()
        self.secrets = folder / "secrets"
        self._environment = {
            **os.environ,
            "APP_SECRETS": self.identity.app_secret,
            "VERIFY_TOKENS": self.identity.verify_token,
            "WORKSPACES": json.dumps({"*": WORKSPACE}),
            "SECRETS_DIR": str(self.secrets),
            "INGEST_PUBLISH": f"127.0.0.1:{self._ingest}",
            "GATEWAY_PUBLISH": f"127.0.0.1:{self._gateway}",
            "COMPOSE_PROJECT_NAME": self.project,
            "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "0"),
        }

    @property
    def description(self) -> StackDescription:
        """What is published: nothing but ingest and the gateway."""
        return StackDescription(
            gateway_url=f"http://127.0.0.1:{self._gateway}",
            ingest_url=f"http://127.0.0.1:{self._ingest}",
            nats_url="",
            mongo_url="",
            workspace=WORKSPACE,
            phone_number_id=PHONE_NUMBER_ID,
            app_secret=self.identity.app_secret,
            verify_token=self.identity.verify_token,
            tokens=self.identity.tokens,
            pids=Pids(),
        )

    def up(self) -> None:
        """Builds what is not built yet, makes the secrets, and starts everything.

        The secrets a test has to know are there already: the command keeps them.
        """
        self.secrets.mkdir()
        known = {
            "workspace-key": self.identity.workspace_key,
            "signing-key": self.signer.secret_text(),
            "tokens.json": DataFolder.at(self.folder).tokens.read_text(),
        }
        for name, text in known.items():
            path = self.secrets / name
            path.write_text(text)
            path.chmod(0o444)
        self("build", quiet=False)
        said = self("run", "--rm", "keys")
        assert "token of the" not in said, "a token file that was there is kept"
        self("up", "--build", "--detach", quiet=False)

    def down(self) -> None:
        """Ends the containers; their networks and volumes go with them."""
        self("down", "--volumes", "--timeout", "20")

    def kill(self, name: str) -> None:
        """SIGKILL to the container's first process, as the kernel's OOM killer does it.

        `docker kill` would count as stopped by a person, and the restart policy would not apply.
        """
        os.kill(int(self.state(name)["Pid"]), signal.SIGKILL)

    def state(self, name: str) -> dict[str, str]:
        """`State` of a service's container, of `docker inspect`, as text; `Restarts` beside it."""
        found = json.loads(_run(["docker", "inspect", self.container(name)]))[0]
        state = {key: str(value) for key, value in found["State"].items() if key != "Health"}
        return {**state, "Restarts": str(found["RestartCount"])}

    def container(self, name: str) -> str:
        """The id of a service's container."""
        return self("ps", "--quiet", name).strip()

    def inspect(self, name: str) -> dict[str, object]:
        """Everything about a service's container."""
        found: list[dict[str, object]] = json.loads(
            _run(["docker", "inspect", self.container(name)])
        )
        return found[0]

    def exec(self, name: str, *command: str) -> str:
        """What a command prints in a service's container."""
        return _run(["docker", "exec", self.container(name), *command])

    def try_exec(self, name: str, *command: str) -> tuple[int, str]:
        """The exit code of a command in a service's container, and what it said."""
        done = subprocess.run(
            ["docker", "exec", self.container(name), *command],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def added(self, name: str) -> int:
        """Bytes a service's image has more than the image of Python it stands on."""
        base = os.environ.get("PYTHON_IMAGE") or PYTHON_IMAGE
        whole, below = json.loads(_run(["docker", "inspect", f"casetrail/{name}", base]))
        return int(whole["Size"]) - int(below["Size"])

    def logs(self, name: str) -> str:
        """What a service has said."""
        done = subprocess.run(
            ["docker", "logs", self.container(name)], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def once(self, name: str, *arguments: str, given: str | None = None) -> str:
        """What a container of its own prints that ends with its command; `given` is its input."""
        command = [*self._command, "run", "--rm", "--no-deps", "-T", name, *arguments]
        return _run(command, self._environment, given)

    def __call__(self, *arguments: str, quiet: bool = True) -> str:
        """`docker compose` with these arguments; its output, unless it goes to the terminal."""
        command = [*self._command, *arguments]
        if not quiet:
            subprocess.run(command, cwd=ROOT, env=self._environment, check=True, stdout=sys.stderr)
            return ""
        return _run(command, self._environment)


def _run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, given: str | None = None
) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _compose() -> list[str]:
    """The command of whichever Docker Compose is there."""
    if shutil.which("docker") is None:
        raise NoContainers("There is no docker command: install Docker Engine with Compose.")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        raise NoContainers("No Docker engine answers: start one, or look at `docker info`.")
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose") is None:
        raise NoContainers("There is no Docker Compose: install its plugin.")
    return ["docker-compose"]
