"""Who may do what with the log in MongoDB, asked of a real server with docker-compose's users."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from casetrail_audit import mongo_users
from casetrail_audit.migrations import migrate
from casetrail_audit.rebuild import rebuild_views
from casetrail_audit.sealing.command import DONE, begin_anew
from casetrail_audit.settings import AuditSettings
from casetrail_contracts import Actor
from casetrail_contracts.ids import derive_id
from casetrail_contracts.privacy_commands import Erase, ScopeBody
from casetrail_evidence.keys import SignerKey
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext
from pydantic import SecretStr, ValidationError
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from tests.integration.audit.archives import (
    MESSAGES,
    RetainedLog,
    readers_are_done,
    retained,
    with_policy,
)
from tests.integration.audit.publishing import mixture, plain, send_all
from tests.integration.audit.replica import running
from tests.integration.audit.test_archives_and_erasure import ask
from tests.integration.audit.test_rebuild import Rebuild
from tests.integration.privacy.office import CV, said
from tests.support.mongo_users import MongoWithUsers, made_secrets
from tests.support.waiting import eventually

AUDIT = "casetrail_audit"
NOT_AUTHORIZED = 13
SECOND = SignerKey("casetrail.local/support-2", bytes(range(1, 33)))
COMMANDS: dict[str, dict[str, Any]] = {
    "insert": {"documents": [{"_id": "tried"}]},
    "find": {"filter": {"_id": 1}},
    "update": {"updates": [{"q": {"_id": 1}, "u": {"$set": {"action": "other"}}}]},
    "delete": {"deletes": [{"q": {"_id": 1}, "limit": 1}]},
    "drop": {},
}


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoWithUsers]:
    """The server, with the users."""
    server = MongoWithUsers(tmp_path / "mongo", made_secrets(tmp_path / "secrets"))
    with server:
        server.make_users()
        yield server


@pytest.fixture
def settings(audit_settings: AuditSettings, mongo: MongoWithUsers, tmp_path: Path) -> AuditSettings:
    """A replica that comes in as docker-compose's does, and lets messages leave."""
    users = {
        "mongo_url": SecretStr(mongo.url_of("audit", AUDIT)),
        "changes_mongo_url": SecretStr(mongo.url_of("audit-changes", AUDIT)),
    }
    return with_policy(audit_settings.model_copy(update=users), tmp_path, MESSAGES)


def refused(mongo: MongoWithUsers, user: str, collection: str, command: str) -> bool:
    """Whether MongoDB does not let the user do it."""
    with MongoClient[dict[str, Any]](mongo.url_of(user, AUDIT)) as client:
        try:
            client[AUDIT].command(command, collection, **COMMANDS[command])
        except OperationFailure as error:
            if error.code != NOT_AUTHORIZED:
                raise
            return True
    return False


async def erased(log: RetainedLog, js: JetStreamContext) -> None:
    """The customer's values leave, wherever they are."""
    erase = {"id": derive_id("erase"), "workspace": "main", "actor": Actor(kind="admin", id="a")}
    scope = ScopeBody(customer=CV)
    await ask(log, Erase(**erase, scope=scope, policy="customer-request", reason="by letter"))

    async def done() -> bool:
        await readers_are_done(js)
        assert await log.db["erasures"].find_one({"state.status": "done"}) is not None
        return True

    await eventually(done, 60)


async def test_all_of_it_works_under_users_who_may_their_part_only(
    settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """Copies are settled, records leave and are erased, the log is made anew and put aside."""
    async with retained(settings) as log:
        ours = [said(n, f"zebra {n}") for n in range(1, 6)]
        await publisher.publish_all(ours)
        await send_all(publisher, [plain(ours[0], "again")])
        await log.replica.complete(6)
        await readers_are_done(js)
        await log.left(5)
        await erased(log, js)
        kinds = [record["kind"] for record in await log.replica.records()]
        assert kinds.count("duplicate") == 1
        outcome = await Rebuild(settings, log.db).beside()
        assert (outcome.code, outcome.differences) == (0, [])
        assert await migrate(settings, []) == 0
        there = set(await log.db.list_collection_names())
    assert await rebuild_views(settings) == 0
    renamed = {"origin": None, "signing_key": SecretStr(SECOND.secret_text())}
    assert await begin_anew(settings.model_copy(update=renamed), ["--because", "a test"]) == DONE
    known = {*mongo_users.BESIDE_THE_RECORDS, "records", "webhooks"}
    assert {name for name in there if not name.startswith("system.")} <= known


async def test_a_copy_that_came_first_is_settled_by_who_may(
    settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """The records of a mixture, with copies of every kind, are what they are for one user."""
    await send_all(publisher, mixture(300, seed=5))
    async with running(settings) as replica:
        await replica.complete(300)
        kinds = {record["kind"] for record in await replica.records()}
        assert {"event", "duplicate", "poison"} <= kinds
        outcome = await Rebuild(settings, replica.db).beside()
        assert (outcome.code, outcome.differences) == (0, [])


@pytest.mark.servers
def test_who_may_what(mongo: MongoWithUsers) -> None:
    """Nobody takes a record away; one user changes one; each further service sees its own."""
    may = {
        "audit": {"insert", "find"},
        "audit-changes": {"insert", "find", "update"},
        "gateway": {"find"},
        "webhooks": set(),
        "routing": set(),
        "tickets": set(),
    }
    for user, commands in may.items():
        refusals = {command for command in COMMANDS if refused(mongo, user, "records", command)}
        assert refusals == COMMANDS.keys() - commands, user
    for user in ("webhooks", "audit"):
        own = {command for command in COMMANDS if not refused(mongo, user, "webhooks", command)}
        assert own == (set(COMMANDS) if user == "webhooks" else {"find"})
    assert refused(mongo, "webhooks", "cases", "find")


def test_both_users_are_of_one_database(settings: AuditSettings, mongo: MongoWithUsers) -> None:
    """Another database is told of at the start, with what to do; no password is in it."""
    other = SecretStr(mongo.url_of("audit-changes", "elsewhere"))
    with pytest.raises(ValidationError, match="names another database than AUDIT_MONGO_URL") as e:
        AuditSettings(**{**settings.model_dump(), "changes_mongo_url": other})
    assert other.get_secret_value() not in str(e.value)
