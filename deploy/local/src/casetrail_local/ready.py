"""When a server is really ready: a NATS round trip, a writable MongoDB primary."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from casetrail_local.errors import NotReady
from casetrail_local.ports import LOOPBACK

REPLICA_SET = "rs0"
NOT_INITIATED = 94  # MongoDB's code for "no replset config has been received"

Document = dict[str, Any]


def nats_answers(host: str, port: int, *, timeout: float = 2.0) -> bool:
    """True when a NATS server with JetStream answered a PING on this address."""
    try:
        with socket.create_connection((host, port), timeout=timeout) as connection:
            stream = connection.makefile("rb")
            line = stream.readline()
            info = json.loads(line[5:]) if line.startswith(b"INFO ") else {}
            if not info.get("jetstream"):
                return False
            connection.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n')
            answer = stream.readline().strip()
            # A server that knows its users says that we are none of them.
            return answer == b"PONG" or (
                bool(info.get("auth_required")) and answer.startswith(b"-ERR 'Authorization")
            )
    except (OSError, ValueError):
        return False


def prepare_replica_set(
    port: int, *, deadline: float, still_alive: Callable[[], None] = lambda: None
) -> None:
    """A writable one-node replica set on `port` when this returns.

    A fresh data folder is initiated. A folder whose set was initiated on another port is given the
    new address by force, because a node that does not find itself in its set waits for ever.
    `deadline` is a `time.monotonic()` value; `still_alive` may raise to give up early.
    """
    wanted = f"{LOOPBACK}:{port}"
    client: MongoClient[Document] = MongoClient(
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=200, connectTimeoutMS=1000
    )
    last = "it did not answer"
    with client:
        while True:
            still_alive()
            try:
                hello = client.admin.command("hello")
                if hello.get("isWritablePrimary") and hello.get("me") == wanted:
                    return
                last = _nudge(client, wanted)
            except PyMongoError as fault:
                last = str(fault).partition(", Timeout:")[0]
            if time.monotonic() > deadline:
                raise NotReady(
                    f"mongod on port {port} did not become a writable primary in time: {last}"
                )
            time.sleep(0.05)


def _nudge(client: MongoClient[Document], wanted: str) -> str:
    """What stands between this node and being primary, after doing what can be done about it."""
    try:
        config: Document = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as fault:
        if fault.code != NOT_INITIATED:
            raise
        members = [{"_id": 0, "host": wanted}]
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return "the replica set was just initiated"
    if [member["host"] for member in config["members"]] == [wanted]:
        return "it is electing itself"
    config["members"] = [{**config["members"][0], "host": wanted}]
    config["version"] += 1
    client.admin.command("replSetReconfig", config, force=True)
    return "the replica set was just moved to this port"
