"""A member of a cluster: one process, which can be killed, frozen, moved and started again."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from casetrail_local.binaries import find_mongod, find_nats_server
from casetrail_local.ready import nats_answers
from casetrail_local.servers import last_words, mongod_command, nats_config
from pymongo import MongoClient
from pymongo.errors import PyMongoError

READY_WITHIN: Final = 60.0
STOP_WITHIN: Final = 30.0


class Node(ABC):
    """One member; `host` is its address, `prefix` what its program is begun with there."""

    def __init__(
        self, name: str, folder: Path, host: str, port: int, prefix: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.folder = folder / name
        self.host = host
        self.port = port
        self.environment: dict[str, str] | None = None
        self._prefix = list(prefix)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it and returns when it answers, in its cluster or not."""
        if self.running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self._log
        with log.open("ab") as words:
            self._process = subprocess.Popen(
                [*self._prefix, *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} does not answer: {last_words(log)}")
            time.sleep(0.05)

    @property
    def _log(self) -> Path:
        return self.folder.with_suffix(".log")

    def words(self) -> str:
        """Everything it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """An orderly end; killed when it does not come."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """It holds its connections and says nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers on its port."""

    @abstractmethod
    def _command(self) -> list[str]: ...


class NatsNode(Node):
    """A nats-server of the cluster."""

    peers: Sequence["NatsNode"] = ()

    def __init__(
        self, name: str, folder: Path, host: str, ports: tuple[int, int], prefix: Sequence[str] = ()
    ) -> None:
        super().__init__(name, folder, host, ports[0], prefix)
        self.route = ports[1]

    @property
    def url(self) -> str:
        """Where clients come in."""
        return f"nats://{self.host}:{self.port}"

    def answers(self) -> bool:
        """Whether it has JetStream and answers a PING."""
        return nats_answers(self.host, self.port)

    def _command(self) -> list[str]:
        routes = ", ".join(f'"nats-route://{peer.host}:{peer.route}"' for peer in self.peers)
        more = (
            f"server_name: {self.name}\n"
            f'cluster {{ name: casetrail, listen: "{self.host}:{self.route}", '
            f"routes: [{routes}] }}\n"
        )
        config = self.folder.with_suffix(".conf")
        store = self.folder / "jetstream"
        config.write_text(nats_config(store, self.port, host=self.host, more=more))
        return [str(find_nats_server()), "-c", str(config)]


class MongoNode(Node):
    """A mongod of the replica set."""

    @property
    def address(self) -> str:
        """As the set knows it."""
        return f"{self.host}:{self.port}"

    def answers(self) -> bool:
        """Whether it says what it is."""
        try:
            self._hello()
        except PyMongoError:
            return False
        return True

    def clock(self) -> datetime:
        """What time it is there."""
        now: datetime = self._hello()["localTime"]
        return now.replace(tzinfo=UTC)

    def _hello(self) -> dict[str, Any]:
        client: MongoClient[dict[str, Any]] = MongoClient(
            *(self.host, self.port),
            directConnection=True,
            serverSelectionTimeoutMS=500,
        )
        with client:
            return client.admin.command("hello")

    def _command(self) -> list[str]:
        database = self.folder / "db"
        database.mkdir(exist_ok=True)
        return mongod_command(find_mongod(), database, self.port, host=self.host, cache_gb=0.25)
