"""Real NATS and MongoDB servers on loopback, for the embedded stack and for tests.

`NatsServer` and `MongoServer` own one process and one data folder each: `start` returns when the
server really answers, `kill` is a `kill -9`, `restart` comes back on the same port and data.
"""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from casetrail_local.binaries import find_mongod, find_nats_server
from casetrail_local.errors import NotReady, PortTaken
from casetrail_local.ports import LOOPBACK, free_port, holder, is_free
from casetrail_local.ready import nats_answers, prepare_replica_set

__all__ = [
    "MongoServer",
    "NatsServer",
    "find_mongod",
    "find_nats_server",
    "free_port",
    "mongod_command",
    "nats_config",
]

START_TIMEOUT = 90.0  # seconds; mongod needs one or two, a busy machine many more
STOP_TIMEOUT = 20.0
MAX_PAYLOAD = 4 * 1024 * 1024  # a webhook body may be 3 MB; its items are published one by one
PORT_TRIES = 5


def nats_config(
    store_dir: Path,
    port: int,
    *,
    host: str = LOOPBACK,
    monitor_port: int | None = None,
    max_payload: int = MAX_PAYLOAD,
    more: str = "",
) -> str:
    """The text of a nats.conf for one durable server.

    `more` is what else it says: its users (without them everybody may everything), its cluster.

    `sync_interval: always` because JetStream otherwise acknowledges up to two minutes before the
    bytes are on disk; publishers group what waits, so that one fsync covers many events.
    """
    monitoring = "" if monitor_port is None else f'http: "{host}:{monitor_port}"\n'
    return (
        f'host: "{host}"\n'
        f"port: {port}\n"
        f"{monitoring}"
        f"max_payload: {max_payload}\n"
        "jetstream {\n"
        f'  store_dir: "{store_dir}"\n'
        "  sync_interval: always\n"
        "}\n"
        f"{more}"
    )


def mongod_command(
    program: Path, data: Path, port: int, *, host: str = LOOPBACK, cache_gb: float = 0.5
) -> list[str]:
    """The command line of a member of the replica set `rs0`, which may be its only one."""
    return [
        str(program),
        *("--dbpath", str(data)),
        *("--port", str(port)),
        *("--bind_ip", host),
        *("--replSet", "rs0"),
        *("--oplogSize", "1024"),
        *("--wiredTigerCacheSizeGB", str(cache_gb)),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        "--nounixsocket",
        "--quiet",
    ]


class LocalServer(ABC):
    """One server process with its own data folder; a context manager that stops it."""

    name: str

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        """Nothing is started yet; port 0 means a free one, chosen at the first start."""
        self.data_dir = Path(data_dir).resolve()
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        """Where the server's own words go."""
        return self.data_dir / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The process id, or None when the server is not running."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    @abstractmethod
    def url(self) -> str:
        """What a client connects to."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _wait_until_ready(self, deadline: float) -> None: ...

    def start(self, timeout: float = START_TIMEOUT) -> Self:
        """The server itself, answering. Raises `NotReady` with its last words, or `PortTaken`."""
        if self.running:
            return self
        self.data_dir.mkdir(parents=True, exist_ok=True)
        chosen_here = self.port == 0
        for attempt in range(PORT_TRIES):
            if chosen_here:
                self.port = free_port()
            elif not is_free(self.port):
                by = holder(self.port) or "another program"
                raise PortTaken(f"Port {self.port} for {self.name} is taken by {by}.")
            try:
                self._launch(timeout)
            except NotReady:
                self.kill()
                lost_the_race = chosen_here and not is_free(self.port)
                if not lost_the_race or attempt == PORT_TRIES - 1:
                    raise
            else:
                break
        return self

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """An orderly end; a process that does not obey within `timeout` is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """A sudden end (`kill -9`): nothing is flushed, as in a crash."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._forget()

    def restart(self) -> Self:
        """The server again, on the same port and data; a running one is stopped first."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, timeout: float) -> None:
        command = self._command()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at the terminal reaches the owner only
            )
        atexit.register(self.kill)
        self._wait_until_ready(time.monotonic() + timeout)

    def _fail_if_dead(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise NotReady(
                f"{self.name} ended with exit code {self._process.returncode} while starting; "
                f"its log {self.log_file} ends with: {last_words(self.log_file)}"
            )

    def _forget(self) -> None:
        self._process = None
        atexit.unregister(self.kill)


class NatsServer(LocalServer):
    """A nats-server with JetStream that fsyncs before it acknowledges.

    `users` is more of its configuration: who may come in, and how.
    """

    name = "nats"

    def __init__(self, data_dir: Path, port: int = 0, *, users: str = "") -> None:
        super().__init__(data_dir, port)
        self._users = users

    @property
    def url(self) -> str:
        """`nats://127.0.0.1:PORT`."""
        return f"nats://{LOOPBACK}:{self.port}"

    def _command(self) -> list[str]:
        config = self.data_dir / "nats.conf"
        text = nats_config(self.data_dir / "jetstream", self.port, more=self._users)
        config.write_text(text, encoding="utf-8")
        return [str(find_nats_server()), "-c", str(config)]

    def _wait_until_ready(self, deadline: float) -> None:
        while not nats_answers(LOOPBACK, self.port):
            self._fail_if_dead()
            if time.monotonic() > deadline:
                raise NotReady(f"nats-server did not answer in time; see {self.log_file}.")
            time.sleep(0.02)


class MongoServer(LocalServer):
    """A mongod that is the writable primary of the one-node replica set `rs0`."""

    name = "mongod"

    @property
    def url(self) -> str:
        """`mongodb://127.0.0.1:PORT/?replicaSet=rs0`; `database_url` names a database."""
        return self.database_url("")

    def database_url(self, database: str) -> str:
        """The URL of one database of this server."""
        return f"mongodb://{LOOPBACK}:{self.port}/{database}?replicaSet=rs0"

    def _command(self) -> list[str]:
        database = self.data_dir / "db"
        database.mkdir(exist_ok=True)
        return mongod_command(find_mongod(), database, self.port)

    def _wait_until_ready(self, deadline: float) -> None:
        prepare_replica_set(self.port, deadline=deadline, still_alive=self._fail_if_dead)


def last_words(log_file: Path, lines: int = 3) -> str:
    """The last lines of a log in one line, for an error message."""
    with contextlib.suppress(OSError):
        text = log_file.read_text(encoding="utf-8", errors="replace")
        return " | ".join(line.strip()[:400] for line in text.splitlines()[-lines:])
    return "(no log)"
