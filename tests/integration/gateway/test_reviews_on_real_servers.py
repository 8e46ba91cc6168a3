"""Quality reviews over a log that audit records and seals, with requests that race."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from casetrail_evidence.cli import main as verify

from tests.integration.gateway import test_evidence as evidence
from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.integration.gateway.test_evidence import KEY, Site
from tests.support.waiting import eventually
from tests.unit.gateway.test_reviews import scores

site = evidence.site
tokens_file = real.tokens_file


async def post(
    gateway: httpx.AsyncClient, path: str, body: dict[str, Any], role: str = "reviewer", **more: Any
) -> httpx.Response:
    """An answer, once the log is sealed far enough."""

    async def asked() -> httpx.Response:
        token = {"Authorization": f"Bearer token-{role}"}
        answer = await gateway.post(path, json=body, headers={**token, **more})
        assert answer.status_code != 503, answer.text
        return answer

    return await eventually(asked, within=20)


async def opened(site: Site) -> str:
    """The path of a review of agent a's work."""
    body = {"about": "a", "scorecard": "support"}
    answer = await post(site.gateway, "/v1/cases/CASE-1001/reviews", body)
    assert answer.status_code == 201, answer.text
    return f"/v1/reviews/{answer.json()['review_id']}"


async def test_a_review_from_beginning_to_end(site: Site, tmp_path: Path) -> None:
    """Scored by sealed evidence, disputed, decided; the bundle of the case stays what it was."""
    path = await opened(site)
    scored = await post(site.gateway, f"{path}/scores", scores(tone=1))
    assert scored.status_code == 200, scored.text
    assert scored.json()["tree"]["size"] >= 3
    assert scored.json()["total"] == 85.0
    wrong = {"criteria": ["tone"], "reason": "I was polite"}
    await post(site.gateway, f"{path}/dispute", wrong, "agent")
    changed = {"criterion": "tone", "points": 2, "cites": [1, 3]}
    verdict = {"verdict": "changed", "reason": "so it was", "scores": [changed]}
    resolved = await post(site.gateway, f"{path}/resolve", verdict, "lead")
    assert (resolved.json()["status"], resolved.json()["total"]) == ("resolved", 90.0)
    read = (await site.gateway.get(path)).json()
    assert [entry["action"] for entry in read["entries"]] == [
        f"review.{verb}" for verb in ("opened", "scored", "disputed", "resolved")
    ]
    listed = (await site.gateway.get("/v1/reviews?status=resolved")).json()["items"]
    assert [each["review_id"] for each in listed] == [read["review_id"]]
    case = (await site.gateway.get("/v1/cases/CASE-1001")).json()
    assert case["last_at"].startswith("2026-11-22T10:12:32")
    bundle = tmp_path / "case.zip"
    bundle.write_bytes(await site.bundle())
    assert verify(["bundle", str(bundle), "--key", KEY]) == 0


async def test_of_two_who_decide_at_once_both_are_heard(site: Site) -> None:
    """INVARIANT I4: versions are contiguous and none is lost, whoever publishes first."""
    path = await opened(site)
    notes = [{"note": f"note {number}"} for number in range(12)]
    answers = await asyncio.gather(*(post(site.gateway, f"{path}/notes", body) for body in notes))
    assert {answer.status_code for answer in answers} == {200}
    read = (await site.gateway.get(path)).json()
    assert (read["version"], read["holes"]) == (13, [])
    assert sorted(e["text"] for e in read["entries"][1:]) == sorted(n["note"] for n in notes)


async def test_one_of_two_scorings_of_a_version_wins(site: Site) -> None:
    """INVARIANT I4: the second is told that it is scored already, and nothing is overwritten."""
    path = await opened(site)
    first, second = await asyncio.gather(
        post(site.gateway, f"{path}/scores", scores(tone=0)),
        post(site.gateway, f"{path}/scores", scores(tone=2)),
    )
    assert sorted([first.status_code, second.status_code]) == [200, 409]
    won = first if first.status_code == 200 else second
    assert (await site.gateway.get(path)).json()["total"] == won.json()["total"]


async def test_a_request_that_is_sent_twice_at_once_is_one_step(site: Site) -> None:
    """INVARIANT I3: the key is the log's, not the moment's."""
    path = await opened(site)
    key = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(post(site.gateway, f"{path}/notes", {"note": "n"}, **key) for _ in range(2))
    )
    assert [answer.json()["version"] for answer in answers] == [2, 2]


async def test_a_sample_of_a_real_log_is_drawn_again(site: Site) -> None:
    """By risk, and every read says that it agrees."""
    await site.bundle()  # the case is sealed: a sample is drawn from nothing newer
    body = {
        "size": 5,
        "method": "risk",
        "held_by": "a",
        "opened_from": "2026-11-22T00:00:00Z",
        "opened_to": "2026-11-23T00:00:00Z",
    }
    drawn = await post(site.gateway, "/v1/samples", body)
    assert drawn.status_code == 201, drawn.text
    assert drawn.json()["case_ids"] == ["CASE-1001"]
    again = (await site.gateway.get(f"/v1/samples/{drawn.json()['sample_id']}")).json()
    assert again["redrawn"]["agrees"] is True
