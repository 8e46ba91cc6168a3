"""Real servers for tests: given by URL, in containers, or the embedded binaries.

`CASETRAIL_TEST_SERVERS=url|containers|embedded` forces one. Without it: the URLs when
`TEST_NATS_URL` and `TEST_MONGO_URL` are set, containers when Docker answers and has the images
already (a test run downloads nothing unasked), else the embedded binaries. There is no fourth way:
a server that cannot be had is an error of the test, never a skip.
"""

import functools
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, Self, cast, get_args

from casetrail_local.errors import NotReady
from casetrail_local.ports import LOOPBACK, free_port
from casetrail_local.ready import nats_answers, prepare_replica_set
from casetrail_local.servers import MongoServer, NatsServer, nats_config

Kind = Literal["url", "containers", "embedded"]
KIND_VARIABLE = "CASETRAIL_TEST_SERVERS"
NATS_VARIABLE = "TEST_NATS_URL"
MONGO_VARIABLE = "TEST_MONGO_URL"
NATS_IMAGE = os.environ.get("NATS_IMAGE", "nats:2.12-alpine")
MONGO_IMAGE = os.environ.get("MONGO_IMAGE", "mongo:8.0")
START_SECONDS = 60.0
_CONFIG = "/nats.conf"
_NONE: Mapping[Path, str] = {}


class NatsForTests(Protocol):
    """A NATS server with JetStream."""

    @property
    def url(self) -> str:
        """`nats://HOST:PORT`."""


class MongoForTests(Protocol):
    """The writable primary of a replica set."""

    def database_url(self, database: str) -> str:
        """The URL of one database of this server."""


@functools.cache
def chosen_kind() -> Kind:
    """Where this run's servers come from."""
    forced = os.environ.get(KIND_VARIABLE, "")
    if forced:
        if forced not in get_args(Kind):
            raise ValueError(f"{KIND_VARIABLE}={forced}: use one of {', '.join(get_args(Kind))}")
        return cast("Kind", forced)
    if os.environ.get(NATS_VARIABLE) and os.environ.get(MONGO_VARIABLE):
        return "url"
    return "containers" if _docker_has(NATS_IMAGE, MONGO_IMAGE) else "embedded"


def _docker_has(*images: str) -> bool:
    import docker  # type: ignore[import-untyped] # noqa: PLC0415 - only the development requirements have it
    from docker.errors import (  # type: ignore[import-untyped] # noqa: PLC0415
        DockerException,
    )

    try:
        client = docker.from_env(timeout=5)
        client.ping()
        for image in images:
            client.images.get(image)
    except DockerException:
        return False
    return True


class GivenNats:
    """The server of `TEST_NATS_URL`, shared with whoever else has the URL."""

    def __init__(self) -> None:
        self.url = _required(NATS_VARIABLE)


class GivenMongo:
    """The server of `TEST_MONGO_URL`; the URL may carry options but names no database."""

    def __init__(self) -> None:
        self._url = _required(MONGO_VARIABLE)

    def database_url(self, database: str) -> str:
        """The URL of one database of this server."""
        address, question, options = self._url.partition("?")
        scheme, _, rest = address.partition("://")
        host = rest.partition("/")[0]
        return f"{scheme}://{host}/{database}{question}{options}"


class _Container(ABC):
    """One container of this test process, with the same port inside and outside, on loopback."""

    def __init__(self, image: str, command: str, files: Mapping[Path, str] = _NONE) -> None:
        """`{port}` in the command is the port; `files` are seen inside under these paths."""
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - needs Docker
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - needs Docker

        # Its reaper is one more image to download; `stop` removes what this process started.
        testcontainers_config.ryuk_disabled = True
        self.port = free_port()
        container: Any = DockerContainer(image)
        container.ports[f"{self.port}/tcp"] = (LOOPBACK, self.port)
        for outside, inside in files.items():
            container.with_volume_mapping(str(outside), inside, "ro")
        self._container = container.with_command(command.format(port=self.port))

    def start(self) -> Self:
        """The server, answering."""
        self._container.start()
        self._wait(time.monotonic() + START_SECONDS)
        return self

    def stop(self) -> None:
        """Removes the container with its data."""
        self._container.stop()

    @abstractmethod
    def _wait(self, deadline: float) -> None:
        """Returns when the server answers."""


class ContainerNats(_Container):
    """nats-server in a container, configured as the embedded one."""

    def __init__(self, data_dir: Path) -> None:
        config = data_dir / "nats.conf"
        super().__init__(NATS_IMAGE, f"-c {_CONFIG}", {config: _CONFIG})
        data_dir.mkdir(parents=True, exist_ok=True)
        config.write_text(nats_config(Path("/tmp/jetstream"), self.port, host="0.0.0.0"))

    @property
    def url(self) -> str:
        """`nats://127.0.0.1:PORT`."""
        return f"nats://{LOOPBACK}:{self.port}"

    def _wait(self, deadline: float) -> None:
        while not nats_answers(LOOPBACK, self.port):
            if time.monotonic() > deadline:
                raise NotReady(f"{NATS_IMAGE} did not answer within {START_SECONDS:g} s")
            time.sleep(0.05)


class ContainerMongo(_Container):
    """mongod as a one-node replica set in a container."""

    def __init__(self) -> None:
        super().__init__(MONGO_IMAGE, "mongod --replSet rs0 --port {port}")

    def database_url(self, database: str) -> str:
        """The URL of one database of this server."""
        return f"mongodb://{LOOPBACK}:{self.port}/{database}?replicaSet=rs0"

    def _wait(self, deadline: float) -> None:
        prepare_replica_set(self.port, deadline=deadline)


@contextmanager
def nats_for_tests(data_dir: Path) -> Iterator[NatsForTests]:
    """A NATS server of the chosen kind; an embedded one keeps its data in `data_dir`."""
    kind = chosen_kind()
    if kind == "url":
        yield GivenNats()
        return
    server = ContainerNats(data_dir) if kind == "containers" else NatsServer(data_dir)
    yield server.start()
    server.stop()


@contextmanager
def mongo_for_tests(data_dir: Path) -> Iterator[MongoForTests]:
    """A MongoDB server of the chosen kind; an embedded one keeps its data in `data_dir`."""
    kind = chosen_kind()
    if kind == "url":
        yield GivenMongo()
        return
    server = ContainerMongo() if kind == "containers" else MongoServer(data_dir)
    yield server.start()
    server.stop()


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise ValueError(f"{KIND_VARIABLE}=url needs {variable}, which is not set")
    return value
