"""Quality in the console: what is offered to whom, and that forms do what the API does."""

import re
from typing import Any

import httpx

from tests.unit.gateway.test_console import form_in, signed_in
from tests.unit.gateway.test_reviews import GOOD, scored, sealed_world
from tests.unit.gateway.world import World


def filled(**changed: Any) -> dict[str, str]:
    """A score form with every question answered by the record of the assignment."""
    points = {**GOOD, **changed}
    fields: dict[str, str] = {}
    for name, value in points.items():
        fields[f"points.{name}"] = "none" if value is None else str(value)
        fields[f"cites.{name}"] = "" if value is None else "3"
        fields[f"comment.{name}"] = ""
    return fields


async def begun(browser: httpx.AsyncClient) -> str:
    """The address of a review that was opened from the case's page."""
    page = (await browser.get("/cases/CASE-1001")).text
    hidden = form_in(page, "/quality/open/CASE-1001")
    body = {**hidden, "about": "a", "scorecard": "support"}
    answer = await browser.post("/quality/open/CASE-1001", data=body)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_review_goes_through_the_pages() -> None:
    """Opened from the case, scored beside its history, disputed by the agent, decided by a lead."""
    world = sealed_world()
    async with signed_in(world) as browser:
        path = await begun(browser)
        page = (await browser.get(path)).text
        assert 'id="e3"' in page
        hidden = form_in(page, f"{path}/scores")
        answer = await browser.post(f"{path}/scores", data={**hidden, **filled(tone=1)})
        assert answer.status_code == 303, answer.text
        page = (await browser.get(path)).text
        assert "85 %" in page
        assert 'href="#e3"' in page
        assert f'action="{path}/dispute"' not in page
        assert f'action="{path}/scores"' not in page
    async with signed_in(world, "agent") as browser:
        page = (await browser.get(path)).text
        body = {**form_in(page, f"{path}/dispute"), "criterion.tone": "on", "reason": "I was calm"}
        assert (await browser.post(f"{path}/dispute", data=body)).status_code == 303
        assert "I was calm" in (await browser.get(path)).text
        assert "CASE-1001" in (await browser.get("/quality")).text
    async with signed_in(world, "lead") as browser:
        page = (await browser.get(path)).text
        body = {
            **form_in(page, f"{path}/resolve"),
            "verdict": "changed",
            "reason": "so it was",
            "points.tone": "2",
            "cites.tone": "#3",
        }
        assert (await browser.post(f"{path}/resolve", data=body)).status_code == 303
        page = (await browser.get(path)).text
        assert "90 %" in page
        note = {
            **form_in(page, f"{path}/notes"),
            "kind": "coaching",
            "coaching_set": "calm",
            "note": "Well done",
            "cites": "3",
        }
        assert (await browser.post(f"{path}/notes", data=note)).status_code == 303
        assert "Well done" in (await browser.get("/quality/coaching")).text


async def test_what_could_not_be_done_comes_back_as_it_was_typed() -> None:
    """A missing answer, a faulty one, and one without evidence: said, and nothing is lost."""
    world = sealed_world()
    async with signed_in(world) as browser:
        path = await begun(browser)
        hidden = form_in((await browser.get(path)).text, f"{path}/scores")
        missing = {**filled(), "points.tone": "", "comment.solved": "Solved <b>late</b>"}
        answer = await browser.post(f"{path}/scores", data={**hidden, **missing})
        assert answer.status_code == 422
        assert "also asks for tone" in answer.text
        assert "Solved &lt;b&gt;late&lt;/b&gt;" in answer.text
        assert re.search(r'name="cites.solved"[^>]*value="3"', answer.text)
        bare = {**filled(), "cites.tone": ""}
        answer = await browser.post(f"{path}/scores", data={**hidden, **bare})
        assert "without evidence" in answer.text
        words = {**filled(), "cites.tone": "the third"}
        assert (await browser.post(f"{path}/scores", data={**hidden, **words})).status_code == 422
        assert (await browser.get(path)).text.count("/scores") > 0


async def test_a_sample_is_drawn_and_shown_from_the_pages() -> None:
    """The form, the draw, and that it was drawn again; a faulty date comes back."""
    world = sealed_world()
    async with signed_in(world) as browser:
        hidden = form_in((await browser.get("/quality")).text, "/quality/samples")
        body = {**hidden, "opened_from": "2026-11-22", "opened_to": "2026-11-23", "size": "2"}
        wrong = await browser.post("/quality/samples", data={**body, "opened_to": "2026-11-01"})
        assert wrong.status_code == 400
        assert 'value="2026-11-22"' in wrong.text
        drawn = await browser.post("/quality/samples", data={**body, "key": "another"})
        assert drawn.status_code == 303, drawn.text
        page = (await browser.get(drawn.headers["location"])).text
        assert "the same cases" in page
        assert "CASE-1002" in page
        (case,) = re.findall(r'href="(/cases/CASE-1001\?sample=[^"]*)"', page)
        hidden = form_in((await browser.get(case)).text, "/quality/open/CASE-1001")
        body = {**hidden, "about": "a", "scorecard": "support"}
        assert (await browser.post("/quality/open/CASE-1001", data=body)).status_code == 303
        page = (await browser.get(drawn.headers["location"])).text
        assert "/quality/reviews/rv_" in page


async def test_who_may_not_is_offered_nothing() -> None:
    """An agent sees no form to review, score or draw; a foreign form does nothing."""
    world = sealed_world()
    path = await scored(world)
    page_path = path.replace("/v1/reviews", "/quality/reviews")
    async with signed_in(world, "agent") as browser:
        case = (await browser.get("/cases/CASE-1001")).text
        assert "/quality/open/" not in case
        assert "90 %" in case
        assert "/quality/samples" not in (await browser.get("/quality")).text
        forged = await browser.post(f"{page_path}/notes", data={"note": "x", "f": "wrong"})
        assert forged.status_code == 403
        token = form_in((await browser.get(page_path)).text, f"{page_path}/notes")
        refused = await browser.post("/quality/open/CASE-1001", data={**token, "about": "b"})
        assert refused.status_code in {403, 404}
    async with signed_in(World(), "agent") as browser:
        nothing = (await browser.get("/quality?status=open")).text
        assert "No review here" in nothing
