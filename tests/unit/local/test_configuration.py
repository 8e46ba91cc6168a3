"""What is generated for supervisord and the services, read back by the program it is for."""

import json
import stat
from pathlib import Path

import pytest
from casetrail_local.errors import StackError
from casetrail_local.folder import SOCKET_PATH_LIMIT, DataFolder
from casetrail_local.identity import load_or_make
from casetrail_local.services import SERVICES, PortPlan, database_url, environment
from casetrail_local.supervision import Program, config_text
from supervisor.options import ServerOptions


def _environment(service: str, folder: DataFolder) -> dict[str, str]:
    plan = PortPlan({name: 21_000 + number for number, name in enumerate(SERVICES)})
    return environment(
        service,
        identity=load_or_make(folder),
        folder=folder,
        plan=plan,
        nats_url="nats://127.0.0.1:4222",
        mongo_url="mongodb://u:p%40ss@127.0.0.1:27017/?replicaSet=rs0",
    )


def test_supervisord_reads_the_variables_back_unchanged(tmp_path: Path) -> None:
    """JSON, percent signs, commas and equal signs survive supervisord's own quoting."""
    folder = DataFolder.at(tmp_path / "with blank")
    programs = [
        Program(name, ["/bin/echo", "a b", "100%"], 500, _environment(name, folder))
        for name in SERVICES
    ]
    folder.supervisor_config.write_text(config_text(folder, programs, SERVICES))
    options = ServerOptions()  # type: ignore[no-untyped-call]
    options.realize(["-c", str(folder.supervisor_config)])  # type: ignore[no-untyped-call]
    read = {
        config.name: config
        for group in options.process_group_configs
        for config in group.process_configs
    }
    assert set(read) == set(SERVICES)
    for name in SERVICES:
        assert read[name].environment == _environment(name, folder)
        assert read[name].command == "/bin/echo 'a b' 100%"
        assert read[name].stdout_logfile == str(folder.log(name))


def test_who_gives_way_is_started_by_nice(tmp_path: Path) -> None:
    """It is the same process: nice becomes the program."""
    folder = DataFolder.at(tmp_path)
    programs = [
        Program("audit", ["/bin/echo", "a b"], 500, niceness=10),
        Program("gateway", ["/bin/echo", "a b"], 500),
    ]
    lines = config_text(folder, programs, ["audit", "gateway"]).splitlines()
    commands = [line for line in lines if line.startswith("command=")]
    assert commands == ["command=nice -n 10 /bin/echo 'a b'", "command=/bin/echo 'a b'"]


def test_a_path_supervisord_cannot_take_is_refused(tmp_path: Path) -> None:
    """A blank followed by # would be cut off as a comment."""
    folder = DataFolder.at(tmp_path / "odd #1")
    with pytest.raises(StackError, match="plainer path"):
        config_text(folder, [], SERVICES)


def test_each_service_gets_its_own_secrets_only(tmp_path: Path) -> None:
    """Webhook secrets go to ingest, the signing key to audit, the tokens to the gateway."""
    folder = DataFolder.at(tmp_path)
    secret = load_or_make(folder)
    holders = {
        value: [name for name in SERVICES if value in _environment(name, folder).values()]
        for value in (secret.app_secret, secret.verify_token, secret.signing_key)
    }
    assert holders == {
        secret.app_secret: ["ingest"],
        secret.verify_token: ["ingest"],
        secret.signing_key: ["audit"],
    }
    assert json.loads(_environment("ingest", folder)["INGEST_WORKSPACES"])["*"] == "main"


def test_secrets_are_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    """A second start keeps every secret; the token file holds hashes, never a token."""
    folder = DataFolder.at(tmp_path)
    first = load_or_make(folder)
    assert load_or_make(folder) == first
    for file in (folder.secrets, folder.tokens):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = folder.tokens.read_text()
    entries = json.loads(kept)
    assert {entry["role"] for entry in entries} == {"agent", "lead", "reviewer", "admin", "service"}
    assert all(getattr(first.tokens, entry["role"]) not in kept for entry in entries)
    assert {entry["id"] for entry in entries if entry["role"] == "agent"} == {"a"}


def test_damaged_secrets_are_told_and_not_replaced(tmp_path: Path) -> None:
    """New secrets would orphan the data that was keyed with the old ones."""
    folder = DataFolder.at(tmp_path)
    folder.secrets.write_text("{")
    with pytest.raises(StackError, match="damaged"):
        load_or_make(folder)
    assert folder.secrets.read_text() == "{"


def test_the_gateway_reads_the_audit_database(tmp_path: Path) -> None:
    """The gateway has no database of its own in the embedded stack."""
    folder = DataFolder.at(tmp_path)
    wanted = "mongodb://u:p%40ss@127.0.0.1:27017/casetrail_audit?replicaSet=rs0"
    assert _environment("gateway", folder)["GATEWAY_MONGO_URL"] == wanted
    assert _environment("audit", folder)["AUDIT_MONGO_URL"] == wanted


@pytest.mark.parametrize("url", ["127.0.0.1:27017", "http://127.0.0.1/", "mongodb://"])
def test_a_mongo_url_that_is_none_is_refused(url: str) -> None:
    """The sentence shows the form that is meant."""
    with pytest.raises(StackError, match="mongodb://HOST:PORT"):
        database_url(url, "x")


def test_a_long_data_folder_still_has_a_short_private_socket(tmp_path: Path) -> None:
    """AF_UNIX paths hold about a hundred bytes; the folder for a short one is the owner's alone."""
    folder = DataFolder.at(tmp_path / ("d" * 60) / ("e" * 60))
    socket = folder.supervisor_socket
    assert len(str(socket)) <= SOCKET_PATH_LIMIT
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_a_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    """The second holder is refused and told who the first is; a closed lock is free again."""
    folder = DataFolder.at(tmp_path)
    with folder.lock():
        assert folder.locked
        with pytest.raises(StackError, match="already runs from"):
            folder.lock()
    assert not folder.locked
    folder.lock().close()
