"""A case whose records are archived, over real servers: what is read of it, and its evidence."""

import json
from pathlib import Path

from casetrail_audit.settings import AuditSettings
from casetrail_contracts.subjects import SUPPORT
from casetrail_evidence.cli import main as verify
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext

from tests.integration.audit.archives import EVERYTHING, readers_are_done, retained, with_policy
from tests.integration.audit.replica import settings_for
from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.integration.gateway.test_evidence import KEY, PATH, TEXT, events
from tests.support.servers import NatsForTests
from tests.unit.evidence.bundles import unpacked

tokens_file = real.tokens_file


async def test_a_bundle_of_archived_records_is_whole_where_the_archives_are_at_hand(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    tokens_file: Path,
    tmp_path: Path,
) -> None:
    """INVARIANT I7: it verifies as before; without the archives it is refused, naming the file."""
    settings: AuditSettings = settings_for(nats_server.url, mongo_url)
    settings = with_policy(settings, tmp_path, EVERYTHING)
    async with retained(settings) as log:
        publisher = StreamPublisher(log.replica.broker, SUPPORT)
        await publisher.publish_all(events())
        await publisher.close()
        await readers_are_done(streams_applied)
        await log.replica.complete(4)
        gone = await log.left(4)
        archived_in = {record["_id"]: record["archived"]["file"] for record in gone}
        assert all(record["leaf_input"] is None for record in gone)

        async with real.running(nats_server.url, mongo_url, tokens_file) as gateway:
            refused = await gateway.get(f"{PATH}?disclose=full")
            assert refused.status_code == 409
            assert refused.json()["type"] == "urn:casetrail:problem:evidence-archived"
            detail = refused.json()["detail"]
            assert any(file in detail for file in archived_in.values())
            timeline = (await gateway.get("/v1/cases/CASE-1001/timeline")).json()
            told = [entry for entry in timeline["entries"] if entry["seq"] <= 4]
            assert len(told) == 4
            assert all(archived_in[entry["seq"]] in entry["summary"] for entry in told)
            proof = await gateway.get("/v1/records/1/proof")
            assert proof.status_code == 200

        where = settings.archive_dir
        async with real.running(
            nats_server.url, mongo_url, tokens_file, archive_dir=where
        ) as gateway:
            answer = await gateway.get(f"{PATH}?disclose=full")
            assert answer.status_code == 200, answer.text
            files = unpacked(answer.content)
            assert json.loads(files["manifest.json"])["records"] >= 4
            assert TEXT in files["timeline.html"].decode()
            bundle = tmp_path / "bundle.zip"
            bundle.write_bytes(answer.content)
            assert verify(["bundle", str(bundle), "--key", KEY]) == 0
            assert where is not None
            (where / archived_in[1]).write_bytes(b"not an archive any more")
            damaged = await gateway.get(f"{PATH}?disclose=full")
            assert damaged.status_code == 409
