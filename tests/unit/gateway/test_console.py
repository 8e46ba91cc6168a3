"""The console's pages over fakes: who gets in, what is recorded, what a form does."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from typing import Any

import httpx
import pytest
from casetrail_contracts import CommandReply

from tests.unit.gateway.story import PHONE
from tests.unit.gateway.world import MemoryLists, World

PAGES = [
    "/cases",
    "/cases/CASE-1001",
    "/records/3",
    "/tickets",
    "/tickets/T-1001",
    "/people",
    "/people/a",
    "/shifts/s-1",
    "/quality",
    "/quality/reviews/rv_1",
    "/quality/samples/sa_1",
    "/quality/coaching",
    "/quality/figures",
    "/compare?left=CASE-1001&right=CASE-1002",
    "/privacy",
    "/log",
    "/letters",
]


@pytest.fixture
def world() -> World:
    """The gateway over its fakes."""
    return World()


@asynccontextmanager
async def signed_in(
    world: World, role: str = "reviewer", language: str = "en"
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which this person is signed in."""
    transport = httpx.ASGITransport(world.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://localhost",
        headers={"accept-language": language},
    ) as browser:
        answer = await browser.post("/sign-in", data={"token": f"token-{role}", "next": "/cases"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
        yield browser


def form_in(page: str, action: str) -> dict[str, str]:
    """The hidden fields of a form of a page."""
    form = page.split(f'action="{action}"')[1].split("</form>", maxsplit=1)[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


@pytest.mark.parametrize("page", [page for page in PAGES if page != "/log"])
async def test_every_page_is_shown_and_recorded_first(world: World, page: str) -> None:
    """INVARIANT I9: a page with data leaves its access record before it is made."""
    async with signed_in(world, "admin") as browser:
        before = len(world.stream.events)
        answer = await browser.get(page)
        assert answer.status_code == 200, answer.text
        assert len(world.stream.events) == before + 1
        world.stream.refusing = True
        assert (await browser.get(page)).status_code == 503
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_how_the_log_is_doing_is_no_look(world: World) -> None:
    """Figures of the log as a whole are not recorded, as in the API: a look would change them."""
    async with signed_in(world) as browser:
        answer = await browser.get("/log")
    assert answer.status_code == 200
    assert not world.stream.events


@pytest.mark.parametrize("page", PAGES)
async def test_a_stranger_is_sent_to_the_door_and_back(world: World, page: str) -> None:
    """Without a session no page shows anything, and the way back is kept."""
    async with world.asking(None) as browser:
        answer = await browser.get(page)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")
    assert not world.stream.events


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_speaks_urdu_from_right_to_left(world: World, page: str) -> None:
    """The same pages in Urdu."""
    async with signed_in(world, "admin", "ur") as browser:
        answer = await browser.get(page)
    assert '<html lang="ur" dir="rtl">' in answer.text
    assert "کیس" in answer.text


def test_both_languages_have_the_same_words() -> None:
    """No word is missing in a language, and each has the same places for values."""

    def places(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: places(one) for name, one in value.items()}
        return sorted(re.findall(r"\{\w+", value))

    folder = files("casetrail_gateway.console") / "languages"
    english, urdu = (json.loads((folder / f"{x}.json").read_text("utf-8")) for x in ("en", "ur"))
    assert places(english) == places(urdu)


async def test_a_cookie_that_was_touched_is_no_session(world: World) -> None:
    """Every changed character of the cookie ends the session; so does a removed token."""
    async with signed_in(world) as browser:
        cookie = browser.cookies["casetrail_session"]
        for at in range(0, len(cookie), 7):
            other = "A" if cookie[at] != "A" else "B"
            browser.cookies.clear()
            browser.cookies.set("casetrail_session", cookie[:at] + other + cookie[at + 1 :])
            assert (await browser.get("/cases")).status_code == 303
        browser.cookies.clear()
        browser.cookies.set("casetrail_session", cookie)
        assert (await browser.get("/cases")).status_code == 200
        world.app.state.wiring.tokens.holders.clear()
        assert (await browser.get("/cases")).status_code == 303


async def test_the_cookie_is_new_each_time_and_locked(world: World) -> None:
    """A session cannot be fixed beforehand, read by a script or sent in the clear elsewhere."""
    transport = httpx.ASGITransport(world.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://casetrail.test") as browser:
        said = [
            (await browser.post("/sign-in", data={"token": "token-lead"})).headers["set-cookie"]
            for _ in range(2)
        ]
    assert said[0].split(";")[0] != said[1].split(";")[0]
    for cookie in said:
        assert {"HttpOnly", "Secure", "SameSite=lax"} <= set(cookie.split("; "))


async def test_a_wrong_token_is_told_and_starts_nothing(world: World) -> None:
    """401 with what to do."""
    async with world.asking(None) as browser:
        answer = await browser.post("/sign-in", data={"token": "guess"})
    assert answer.status_code == 401
    assert "unknown or has expired" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\r\nb: c"]
)
async def test_nobody_is_sent_elsewhere_after_signing_in(world: World, next_: str) -> None:
    """The way back stays inside the console."""
    async with world.asking(None) as browser:
        answer = await browser.post("/sign-in", data={"token": "token-lead", "next": next_})
    assert answer.headers["location"] == "/cases"


async def test_an_action_is_sent_once_with_its_version(world: World) -> None:
    """A form sends the command of the API, as the person, and twice is once."""
    async with signed_in(world, "lead") as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        address = "/act/case/reopen/CASE-1001"
        if address not in page:
            address = "/act/case/notes/CASE-1001"
        hidden = form_in(page, address)
        form = {**hidden, "reason": "customer wrote", "note": "called back"}
        for _ in range(2):
            answer = await browser.post(address, data=form)
            assert answer.status_code == 303, answer.text
    first, second = world.commands.sent
    assert first.id == second.id
    assert first.actor.id == "lead"
    assert first.expected_version == int(hidden["version"])


async def test_a_refused_action_keeps_what_was_typed(world: World) -> None:
    """The form comes back with the reason and every word."""
    world.commands.answer = lambda _: CommandReply.rejected("not-open", "The case is closed.")
    async with signed_in(world, "lead") as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        address = re.findall(r'action="(/act/case/notes/CASE-1001|/act/case/reopen/[^"]+)"', page)[
            0
        ]
        form = {**form_in(page, address), "note": "<b>typed</b>", "reason": "<b>typed</b>"}
        answer = await browser.post(address, data=form)
    assert answer.status_code in {409, 422}
    assert "The case is closed." in answer.text
    assert "&lt;b&gt;typed&lt;/b&gt;" in answer.text
    assert "<b>typed</b>" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"x-form": "of another session"},
    ],
)
async def test_another_site_cannot_act(world: World, headers: dict[str, str]) -> None:
    """A form from elsewhere, or without this session's token, changes nothing."""
    async with signed_in(world, "lead") as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        address = re.findall(r'action="(/act/case/[^"]+)"', page)[0]
        form = {**form_in(page, address), "note": "x", "reason": "x"}
        if "x-form" in headers:
            form["f"] = form["f"][::-1]
        answer = await browser.post(address, data=form, headers=headers)
    assert answer.status_code == 403
    assert not world.commands.sent


async def test_another_agents_case_is_refused_and_recorded(world: World) -> None:
    """INVARIANT I9: 403 in words, and the attempt is in the log."""
    async with signed_in(world, "other") as browser:
        answer = await browser.get("/cases/CASE-1001")
    assert answer.status_code == 403
    assert "This attempt is in the log" in answer.text
    assert getattr(world.stream.events[-1].data, "outcome", None) == "refused"


async def test_a_name_from_outside_is_only_text(world: World) -> None:
    """What customers and callers write never becomes markup."""
    async with signed_in(world) as browser:
        answer = await browser.get("/cases", params={"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text


async def test_numbers_typed_into_the_search_lead_straight_there(world: World) -> None:
    """CASE-1001 and t-1001 open what they name; anything else is a search."""
    async with signed_in(world) as browser:
        places = {
            asked: (await browser.get("/find", params={"q": asked})).headers["location"]
            for asked in ("case-1001", " T-1001 ", "agent:a")
        }
    assert places == {
        "case-1001": "/cases/CASE-1001",
        " T-1001 ": "/tickets/T-1001",
        "agent:a": "/cases?q=agent%3Aa",
    }


async def test_the_files_of_a_page_are_served_for_good(world: World) -> None:
    """Each address carries the digest of its content, and none leads outside the list."""
    async with signed_in(world) as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        assets = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
        assert len(assets) >= 5
        for asset in assets:
            answer = await browser.get(asset)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
        assert (await browser.get("/static/0/..%2f..%2fsettings.py")).status_code == 404
    assert not re.search(r'(?:src|href)="https?://', page)


async def test_a_search_is_saved_and_deleted_from_the_list(world: World) -> None:
    """Under a name, shared by a lead; whoever may not delete it is offered nothing."""
    async with signed_in(world, "lead") as browser:
        page = (await browser.get('/cases?q=escalated:yes "nahi aya"')).text
        hidden = form_in(page, "/views/save")
        body = {**hidden, "q": 'escalated:yes "nahi aya"', "name": "Angry <ones>", "shared": "on"}
        saved = await browser.post("/views/save", data=body)
        assert saved.status_code == 303
        assert saved.headers["location"] == "/cases?q=escalated%3Ayes%20%22nahi%20aya%22"
        page = (await browser.get("/cases")).text
        assert "Angry &lt;ones&gt;" in page
        (delete,) = re.findall(r'action="(/views/delete/vw_[a-z0-9]+)"', page)
        wrong = await browser.post("/views/save", data={**hidden, "q": "colour:red", "name": "x"})
        assert wrong.status_code == 400
    async with signed_in(world, "agent") as browser:
        page = (await browser.get("/cases")).text
        assert "Angry" in page
        assert delete not in page
    async with signed_in(world, "lead") as browser:
        form = form_in((await browser.get("/cases")).text, delete)
        assert (await browser.post(delete, data=form)).status_code == 303
        assert "Angry" not in (await browser.get("/cases")).text


async def test_a_customer_is_answered_from_the_page(world: World) -> None:
    """The reply goes where the customer wrote from, as the API's does, with no version."""
    async with signed_in(world, "agent") as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        hidden = form_in(page, "/act/case/messages/CASE-1001")
        body = {**hidden, "text": "We are on it"}
        assert (await browser.post("/act/case/messages/CASE-1001", data=body)).status_code == 303
    (sent,) = world.commands.sent
    assert sent.command_name() == "ingest.send"
    assert sent.model_dump()["text"] == "We are on it"
    assert sent.model_dump()["wa_id"] == PHONE
    assert sent.expected_version is None


async def test_a_case_that_is_offered_is_accepted_or_declined(world: World) -> None:
    """Only by whom it is offered to."""
    case = world.log.case_documents["main:CASE-1001"]
    begun = {"from": case["opened_at"], "to": None}
    offered = {"kind": "offered", "holder": "agent:a", "seq": 3, **begun}
    case["custody"] = [offered]
    for role, shown in (("agent", True), ("lead", False)):
        async with signed_in(world, role) as browser:
            page = (await browser.get("/cases/CASE-1001")).text
            assert ("/act/case/accept/CASE-1001" in page) == shown
    async with signed_in(world, "agent") as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        body = {**form_in(page, "/act/case/decline/CASE-1001"), "reason": "on a call"}
        assert (await browser.post("/act/case/decline/CASE-1001", data=body)).status_code == 303
    assert world.commands.sent[-1].command_name() == "routing.decline"


async def test_people_are_shown_by_team_with_where_they_are(world: World) -> None:
    """Who was deactivated is shown as such, and no case can be given to them."""
    lists = world.wiring.lists
    assert isinstance(lists, MemoryLists)
    a, b = lists.people
    lists.people = [
        replace(a, teams=("delivery", "vip"), presence="away"),
        replace(b, teams=("returns",), active=False),
    ]
    async with signed_in(world, "lead") as browser:
        everybody = (await browser.get("/people")).text
        team = (await browser.get("/people?team=vip")).text
        case = (await browser.get("/cases/CASE-1001")).text
    for told in ("delivery", "returns", "Away", "Deactivated", "/people?team=vip"):
        assert told in everybody
    assert "Agent A" in team
    assert "Agent B" not in team
    assert 'value="a"' in case
    assert 'value="b"' not in case


async def test_a_shift_is_handed_over_from_its_page(world: World) -> None:
    """Found among the shifts that ended, opened, and signed up to what was shown."""
    async with signed_in(world, "lead") as browser:
        assert 'href="/shifts/s-1"' in (await browser.get("/people")).text
        page = (await browser.get("/shifts/s-1")).text
        action = (
            "/act/shift/sign/s-1" if "/act/shift/sign/s-1" in page else "/act/shift/handover/s-1"
        )
        body = form_in(page, action)
        assert (await browser.post(action, data=body)).status_code == 303
    assert world.commands.sent[-1].command_name().startswith("routing.handover")
    async with signed_in(world, "agent") as browser:
        assert (await browser.get("/shifts/s-1")).status_code == 403
        assert "/shifts/" not in (await browser.get("/people")).text


async def test_what_happens_is_shown_as_it_happens(world: World) -> None:
    """A row of the page for each record of the case, with what people wrote escaped."""
    world.log.documents[4]["private"]["text"] = "<img src=x onerror=alert(1)>"
    async with signed_in(world, "agent") as browser:
        page = (await browser.get("/cases/CASE-1001")).text
        (feed,) = re.findall(r'data-live="([^"]+)"', page)
        assert feed == "/cases/CASE-1001/live?last=12"
        answer = await browser.get("/cases/CASE-1001/live?last=0&seconds=0")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = answer.text
    assert 'id="e3"' in told
    assert "&lt;img src=x" in told
    assert "<img" not in told


async def test_what_was_set_aside_is_handled_again_from_its_page(world: World) -> None:
    """By an admin, with a reason; a reviewer sees why it failed and no form, a lead no page."""
    act = "/act/letter/handle/3"
    async with signed_in(world, "admin") as browser:
        assert 'href="/letters"' in (await browser.get("/log")).text
        page = (await browser.get("/letters")).text
        assert "no plan for the queue returns" in page
        assert 'href="/records/2"' in page
        empty = await browser.post(act, data=form_in(page, act))
        assert empty.status_code == 422
        body = {**form_in(page, act), "reason": "the plan is there now"}
        answer = await browser.post(act, data=body)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/letters?said=letter.handle",
        )
        odd = await browser.post("/act/letter/handle/x", data=body)
        assert odd.status_code == 404
    (sent,) = world.commands.sent
    assert sent.model_dump()["letter"] == 3
    async with signed_in(world) as browser:
        page = (await browser.get("/letters")).text
        assert "no plan for the queue returns" in page
        assert act not in page
    async with signed_in(world, "lead") as browser:
        assert 'href="/letters"' not in (await browser.get("/log")).text
        assert (await browser.get("/letters")).status_code == 403
