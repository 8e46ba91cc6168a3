"""The server configurations that containers use."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats.errors
import pytest
from casetrail_local.ports import LOOPBACK, free_port
from casetrail_local.servers import MAX_PAYLOAD, find_mongod, find_nats_server
from casetrail_runtime.connecting import Entrance
from casetrail_runtime.nkeys import UserKey
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError

DEPLOY = Path(__file__).parents[3] / "deploy"
MONGOD_CONF = DEPLOY / "mongo" / "mongod.conf"
NATS_CONF = DEPLOY / "nats" / "nats.conf"
MAKE_SECRETS = DEPLOY / "compose" / "make_secrets.py"


@pytest.fixture
def as_mounted(tmp_path: Path) -> Path:
    """The configuration beside what the containers find beside it, with secrets made for it."""
    secrets = tmp_path / "secrets"
    made = subprocess.run(
        [sys.executable, str(MAKE_SECRETS), str(secrets)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "token of the reviewer, told once: ct_reviewer_" in made.stdout
    text = NATS_CONF.read_text().replace("/run/secrets", str(secrets))
    config = tmp_path / "nats.conf"
    config.write_text(text.replace("/data/jetstream", str(tmp_path / "jetstream")))
    shutil.copy(NATS_CONF.with_name("users.conf"), tmp_path)
    shutil.copy(secrets / "nats-keys.conf", tmp_path)
    return config


@pytest.mark.servers
def test_nats_server_accepts_the_deployed_configuration(as_mounted: Path) -> None:
    """The real server parses it, and it keeps the promises of the embedded one."""
    command = [str(find_nats_server()), "-t", "-c", str(as_mounted)]
    parsed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert parsed.returncode == 0, parsed.stderr
    text = NATS_CONF.read_text()
    assert "sync_interval: always" in text
    assert f"max_payload: {MAX_PAYLOAD}" in text


def test_secrets_are_made_once(as_mounted: Path) -> None:
    """A second run keeps each and tells no token again; all secrets are their reader's alone."""
    folder = as_mounted.parent / "secrets"
    files = [path for path in folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    again = subprocess.run(
        [sys.executable, str(MAKE_SECRETS), str(folder)], capture_output=True, text=True, check=True
    )
    assert "made: nothing" in again.stdout
    assert "token of" not in again.stdout
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in files if path.stat().st_mode & 0o077} == {"mongo-ca.crt"}


@pytest.fixture
def tls_server(as_mounted: Path) -> Iterator[int]:
    """The port of a server that runs with it."""
    port = free_port()
    text = as_mounted.read_text().replace("port: 4222", f'host: "{LOOPBACK}"\nport: {port}')
    as_mounted.write_text(text.replace("http: 8222", ""))
    server = subprocess.Popen([str(find_nats_server()), "-c", str(as_mounted)])
    yield port
    server.terminate()
    server.wait(20)


async def test_a_service_comes_in_over_tls_with_its_key(as_mounted: Path, tls_server: int) -> None:
    """With the authority's certificate and its seed; without either it stays outside."""
    secrets = as_mounted.parent / "secrets"
    seed = UserKey.from_seed(Path(secrets / "nats" / "routing.nk").read_text()).seed  # noqa: ASYNC240
    urls = [f"tls://localhost:{tls_server}"]
    client = await Entrance(urls, "routing", seed, secrets / "ca.crt").connected(connect_timeout=10)
    await client.flush()
    await client.close()
    for wrong in (
        Entrance(urls, "routing", seed),
        Entrance(urls, "routing", None, secrets / "ca.crt"),
        Entrance([f"nats://localhost:{tls_server}"], "routing", seed),
    ):
        with pytest.raises((nats.errors.Error, OSError)):
            await wrong.connected(
                allow_reconnect=False, connect_timeout=2, max_reconnect_attempts=1
            )


@pytest.fixture
def tls_mongod(as_mounted: Path) -> Iterator[int]:
    """The port of a mongod that runs with the deployed configuration."""
    secrets, data, port = as_mounted.parent / "secrets", as_mounted.parent / "db", free_port()
    data.mkdir()
    text = MONGOD_CONF.read_text().replace("/run/secrets", str(secrets))
    text = text.replace("port: 27017", f"port: {port}").replace("0.0.0.0", LOOPBACK)
    config = as_mounted.with_name("mongod.conf")
    config.write_text(text.replace("/data/db", str(data)))
    server = subprocess.Popen([str(find_mongod()), "--config", str(config), "--nounixsocket"])
    yield port
    server.kill()
    server.wait()


@pytest.mark.servers
def test_mongodb_is_spoken_to_over_tls_only(as_mounted: Path, tls_mongod: int) -> None:
    """With the authority's certificate; who trusts others, or speaks plainly, gets no answer."""
    url = f"mongodb://{LOOPBACK}:{tls_mongod}/?directConnection=true"
    authority = str(as_mounted.parent / "secrets" / "mongo-ca.crt")
    with MongoClient[dict[str, object]](
        url, tls=True, tlsCAFile=authority, serverSelectionTimeoutMS=60_000
    ) as client:
        assert client.admin.command("hello")["ok"] == 1
    for tls in (True, False):
        with (
            MongoClient[dict[str, object]](url, tls=tls, serverSelectionTimeoutMS=500) as client,
            pytest.raises(ServerSelectionTimeoutError),
        ):
            client.admin.command("hello")
