"""What stands around every path: limits, CORS, validators, compression."""

import gzip

import httpx
import pytest
from casetrail_gateway.api.application import make_api
from casetrail_gateway.api.limits import RateLimit

from tests.unit.gateway.world import World


def test_a_bucket_refills_evenly() -> None:
    """A burst of ten seconds' worth, then one each second, each key for itself."""
    now = 0.0
    limit = RateLimit(60, lambda: now)
    assert [limit.wait_for("a") for _ in range(10)] == [0] * 10
    assert limit.wait_for("a") == 1
    assert limit.wait_for("b") == 0
    now = 1.0
    assert limit.wait_for("a") == 0
    assert limit.wait_for("a") == 1
    assert RateLimit(0, lambda: now).wait_for("a") == 0


async def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    """429 with `Retry-After`, before anything is read; others are not concerned."""
    world = World()
    world.limit(6)
    assert (await world.get("/v1/log/status")).status_code == 200
    answer = await world.get("/v1/cases")
    assert answer.status_code == 429
    assert answer.json()["type"] == "urn:casetrail:problem:too-many-requests"
    assert int(answer.headers["retry-after"]) >= 1
    assert world.stream.events == []
    assert (await world.get("/v1/log/status", "token-lead")).status_code == 200


async def test_another_site_reads_only_when_it_is_named() -> None:
    """CORS is off without the setting, and names exactly the origins of it."""
    world = World()
    world.app = make_api(cors_origins=["https://desk.example"])
    world.rewire()
    ask = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    async with world.asking() as client:
        for origin, allowed in (("https://desk.example", True), ("https://evil.example", False)):
            pre = await client.options("/v1/cases", headers={"Origin": origin, **ask})
            assert ("access-control-allow-origin" in pre.headers) is allowed
            got = await client.get("/v1/cases", headers={"Origin": origin})
            assert (got.headers.get("access-control-allow-origin") == origin) is allowed
            assert "access-control-allow-credentials" not in got.headers
    bare = await World().get("/v1/cases")
    assert "access-control-allow-origin" not in bare.headers


async def test_what_has_not_changed_is_not_sent_again() -> None:
    """304 for the same answer; the look is recorded all the same."""
    world = World()
    first = await world.get("/v1/cases/CASE-1001/timeline")
    async with world.asking() as client:
        again = await client.get(
            "/v1/cases/CASE-1001/timeline", headers={"If-None-Match": first.headers["etag"]}
        )
        other = await client.get(
            "/v1/cases/CASE-1001/timeline", headers={"If-None-Match": '"something"'}
        )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert other.status_code == 200
    assert len(world.stream.events) == 3


@pytest.mark.parametrize("path", ["/v1/cases/CASE-1001/timeline", "/v1/export?format=csv"])
async def test_long_answers_are_compressed(path: str) -> None:
    """Gzip when the client takes it; the same bytes."""
    world = World()
    plain = await world.get(path)
    async with world.asking() as client:
        request = client.build_request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer: httpx.Response = await client.send(request, stream=True)
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
