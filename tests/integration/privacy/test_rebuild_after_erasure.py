"""A log with erased records made anew from the stream alone."""

from tests.integration.audit.replica import Replica, settings_for
from tests.integration.audit.test_rebuild import Rebuild
from tests.integration.privacy.office import CV, Office, said
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually


async def _an_empty_database_as_well(
    office: Office, nats_server: NatsForTests, mongo_url: str
) -> None:
    """The service itself, begun anew beside the old log, names no gap where a certificate is."""
    settings = settings_for(nats_server.url, mongo_url, record_missing_as_gaps=True)
    replica = await Replica(settings).prepare()
    await replica.parts.follow.start()
    try:
        leaves = [record["leaf"] for record in await office.records()]

        async def filled() -> bool:
            # A clock of tickets may strike meanwhile: what is compared is the log as it was.
            made = [record["leaf"] for record in await replica.records()]
            assert made[: len(leaves)] == leaves
            return True

        await eventually(filled, within=20)
    finally:
        await replica.stop()


async def test_the_certificates_fill_what_the_stream_lost(
    office: Office, nats_server: NatsForTests, mongo_url: str
) -> None:
    """INVARIANT I6: after an erasure the stream alone gives the same log, root and views."""
    await office.hear(said(1, "zebra one"), said(2, "zebra two"))
    answer = await office.post("/v1/cases/CASE-1001/tickets", {"title": "zebra"}, "token-lead")
    assert answer.status_code == 201
    copy = said(1, "zebra one")
    await office.publisher.publish_raw(copy.nats_subject, copy.to_bytes(), "a copy", None)
    await office.quiet()
    await office.erase({"customer": CV})
    await office.quiet()

    records = await office.records()
    rebuild = Rebuild(office.audit_settings, office.audit)
    outcome = await rebuild.beside()
    assert (outcome.code, outcome.differences) == (0, []), outcome.sentences
    assert [row["_id"] async for row in rebuild.shadow["records"].find({"kind": "gap"})] == []
    await _an_empty_database_as_well(office, nats_server, mongo_url)
    made = {row["_id"]: row async for row in rebuild.shadow["records"].find()}
    for record in records:
        assert made[record["_id"]]["leaf"] == record["leaf"]
        if "erased" in record:
            assert made[record["_id"]]["erased"]["policy"] == record["erased"]["policy"]
            assert made[record["_id"]]["private"] is None
