"""`make compose-test`: docker-compose.yml as a platform team runs it.

Builds and starts it, plays the story over the two published ports, kills every container once while
the story is played again, has what routing and tickets know made again from the log, and checks:
the log proves itself from outside (`casetrail-verify fsck`), a rebuild from the stream is the same
log, no container holds or says more than it should. Takes everything down. PYTHON_IMAGE, NATS_IMAGE
and MONGO_IMAGE name mirrors.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
from casetrail_local.errors import StackError
from casetrail_local.five_rows import missing_rows
from casetrail_local.gateway import Gateway
from casetrail_local.progress import Steps
from casetrail_local.story import Story, Told
from rich.console import Console

from tests.compose.containers import SERVERS, SERVICES, Containers, NoContainers

READY_WITHIN: Final = 240.0
ORDER: Final = ("audit", "routing", "nats", "tickets", "gateway", "mongo", "ingest")
"""In which the containers are killed, one at a time."""
INSTALLED: Final = (
    "import importlib.metadata as m; print(*(d.metadata['Name'] for d in m.distributions()))"
)
MOST_ADDED: Final = 125_000_000
"""Bytes an image adds to its base. The public slim image of Python has about as many."""


def told(sentence: str) -> None:
    """Progress, on the error stream."""
    print(f"compose: {sentence}", file=sys.stderr, flush=True)


def until(what: str, check: Callable[[], bool], within: float = READY_WITHIN) -> None:
    """Returns when it is so; raises when it is not in time."""
    deadline = time.monotonic() + within
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.5)


def ready(containers: Containers) -> bool:
    """Whether the published services say that they are ready, and all are running."""
    described = containers.description
    for url in (described.gateway_url, described.ingest_url):
        try:
            if httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code != httpx.codes.OK:
                return False
        except httpx.HTTPError:
            return False
    return all(containers.state(name)["Status"] == "running" for name in (*SERVICES, *SERVERS))


def play(containers: Containers) -> Told:
    """The story once, by a customer nobody knows yet."""
    steps = Steps(Console(quiet=True))
    return Story(containers.description, containers.identity, steps).play()


def check_story(containers: Containers, found: Told) -> str:
    """The case, once its history has the five rows and no hole."""
    described = containers.description

    def whole() -> bool:
        with Gateway(described.gateway_url, described.tokens.reviewer) as gateway:
            timeline = gateway.get(f"/v1/cases/{found.case_id}/timeline", limit=200)
        return not missing_rows(timeline, found.ticket_id) and timeline["holes"] == []

    until(f"the history of {found.case_id} is whole", whole, 60)
    return found.case_id


def play_while_they_die(containers: Containers) -> None:
    """Kills each container once while stories are played; every one that ended is whole."""
    stories: list[Told] = []
    over = threading.Event()
    faults: list[str] = []

    def players() -> None:
        while not over.is_set():
            try:
                stories.append(play(containers))
            except (StackError, httpx.HTTPError) as fault:
                faults.append(str(fault))  # a command may be cut off; what was taken is checked

    player = threading.Thread(target=players)
    player.start()
    for name in ORDER:
        before = containers.state(name)
        containers.kill(name)
        until(
            f"{name} runs again",
            lambda name=name, before=before: (  # type: ignore[misc]
                (now := containers.state(name))["Restarts"] != before["Restarts"]
                and now["Status"] == "running"
            ),
            60,
        )
        until("everything is ready again", lambda: ready(containers), 120)
        told(f"killed {name}; ready again")
    over.set()
    player.join()
    for found in stories:
        check_story(containers, found)
    told(f"{len(stories)} stories told whole meanwhile, {len(faults)} cut off")


def check_log(containers: Containers, folder: Path) -> None:
    """The whole log from outside, and against a rebuild inside."""
    described = containers.description
    token = folder / "reviewer.token"
    token.write_text(described.tokens.reviewer, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "casetrail_evidence", "fsck", described.gateway_url),
        *("--key", str(containers.signer.verifier), "--token-file", str(token)),
    ]
    done = subprocess.run(command, check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told(done.stdout.strip().splitlines()[-1])
    rebuilt = containers.exec(
        "audit", "python", "-m", "casetrail_audit", "rebuild", "--into", "casetrail_audit_shadow"
    )
    assert "It is the same as the running log." in rebuilt, rebuilt
    told(rebuilt.strip().splitlines()[-1])


def check_containers(containers: Containers) -> None:
    """Nobody is root, nothing can be written, nothing of other services is inside."""
    for name in SERVICES:
        seen = containers.inspect(name)
        config, host = seen["Config"], seen["HostConfig"]
        assert isinstance(config, dict)
        assert isinstance(host, dict)
        assert config["User"] == "10001:10001", name
        assert host["ReadonlyRootfs"] is True, name
        assert host["CapDrop"] == ["ALL"], name
        inside = containers.exec(name, "python", "-c", INSTALLED)
        mine = set(inside.split())
        assert f"casetrail-{name}" in mine
        others = {f"casetrail-{other}" for other in SERVICES if other != name}
        assert not mine & others, (name, mine & others)
        said = containers.logs(name)
        for secret in (
            containers.identity.app_secret,
            containers.identity.workspace_key,
            containers.signer.secret_text(),
            *(path.read_text().strip() for path in containers.secrets.glob("mongo-*")),
            *(path.read_text().strip() for path in containers.secrets.glob("nats/*.nk")),
        ):
            assert secret not in said, f"{name} logs a secret"
            assert secret not in str(config["Env"]), f"{name} has a secret in its environment"
        assert containers.added(name) < MOST_ADDED, (name, containers.added(name))
    told("no container is root, writes outside its volumes, or holds another service or a secret")


def check_users(containers: Containers) -> None:
    """The gateway's user of MongoDB cannot write, and nobody comes in without a key."""
    attempt = (
        "import os, pymongo; u = open(os.environ['GATEWAY_MONGO_URL_FILE']).read().strip(); "
        "c = pymongo.MongoClient(u); d = c.get_default_database(); "
        "print('reads', d.records.estimated_document_count() > 0); "
        "d.records.update_one({}, {'$set': {'action': 'x'}})"
    )
    code, said = containers.try_exec("gateway", "python", "-c", attempt)
    assert code != 0, said
    assert "reads True" in said, said
    assert "not authorized" in said, said
    check_audit_users(containers)
    outsider = (
        "import pymongo; c = pymongo.MongoClient('mongodb://mongo:27017'{}); "
        "c.casetrail_audit.records.find_one()"
    )
    tls = ", tls=True, tlsCAFile='/run/secrets/mongo-ca.crt'"
    plain = ", serverSelectionTimeoutMS=3000"
    for options, answer in ((tls, "requires authentication"), (plain, "ServerSelectionTimeout")):
        code, said = containers.try_exec("tickets", "python", "-c", outsider.format(options))
        assert code != 0, said
        assert answer in said, said
    stranger = (
        "import asyncio, nats, ssl; c = ssl.create_default_context(cafile='/run/secrets/ca.crt'); "
        "asyncio.run(nats.connect('tls://nats:4222', tls=c, allow_reconnect=False))"
    )
    code, said = containers.try_exec("tickets", "python", "-c", stranger)
    assert code != 0, said
    assert "authorization violation" in said.lower(), said
    told("a user for each service at MongoDB and NATS, and nobody else comes in")


def check_audit_users(containers: Containers) -> None:
    """Who records can change no record, and who changes one can take none away."""
    attempt = (
        "import os, pymongo; u = open(os.environ['{}']).read().strip(); "
        "d = pymongo.MongoClient(u).get_default_database(); "
        "d.records.{}"
    )
    change = "update_one({'_id': -1}, {'$set': {'action': 'x'}})"
    for variable, does in (
        ("AUDIT_MONGO_URL_FILE", change),
        ("AUDIT_CHANGES_MONGO_URL_FILE", "delete_one({'_id': -1})"),
    ):
        code, said = containers.try_exec("audit", "python", "-c", attempt.format(variable, does))
        assert code != 0, said
        assert "not authorized" in said, said
    may = attempt.format("AUDIT_CHANGES_MONGO_URL_FILE", change)
    code, said = containers.try_exec("audit", "python", "-c", may)
    assert code == 0, said


def make_services_again(containers: Containers) -> None:
    """What routing and tickets know is lost, and made again by the commands of the how-to."""
    containers("stop", "routing", "tickets")
    for name in ("routing", "tickets"):
        drop = (
            f"import os, pymongo; u = open(os.environ['{name.upper()}_MONGO_URL_FILE']).read(); "
            "d = pymongo.MongoClient(u.strip()).get_default_database(); "
            "[d.drop_collection(c) for c in d.list_collection_names()]"
        )
        python = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "python")
        containers(*python, name, "-c", drop)
    events = containers.once("audit", "events")
    for name in ("routing", "tickets"):
        told(containers.once(name, "rebuild", "-", given=events).strip())
    containers("start", "routing", "tickets")
    until("everything is ready again", lambda: ready(containers), 120)


def main() -> int:
    """0: all of it held; 1: something did not, and the containers' logs are kept; 2: no Docker."""
    folder = Path(tempfile.mkdtemp(prefix="casetrail-compose-"))
    try:
        containers = Containers(folder)
    except NoContainers as fault:
        print(f"compose: {fault}", file=sys.stderr)
        return 2
    held = False
    try:
        containers.up()
        until("everything is ready", lambda: ready(containers))
        told(f"ready; the story is told in {check_story(containers, play(containers))}")
        play_while_they_die(containers)
        told(f"and again in {check_story(containers, play(containers))}")
        make_services_again(containers)
        told(f"and again in {check_story(containers, play(containers))}")
        check_log(containers, folder)
        check_containers(containers)
        check_users(containers)
        held = True
    finally:
        if not held:
            for name in (*SERVICES, *SERVERS):
                (folder / f"{name}.log").write_text(containers.logs(name), encoding="utf-8")
            print(f"compose: the logs are in {folder}", file=sys.stderr)
        containers.down()
        if held:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
