"""The console in a real Chromium on the running stack: read, checked in the browser, acted from."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import nats
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from casetrail_local.story import Told

from tests.e2e.conftest import RunningStack
from tests.support.browser import running_browser
from tests.support.waiting import eventually
from tests.unit.routing import samples

pytestmark = pytest.mark.stack
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WAIT = 60_000
"""Milliseconds; what a busy machine may take for a page."""


_ELSE = {"Nats-Msg-Id": "late", "stream_sequence": "1"}
"""What differs in the headers of a second message that is set aside."""


@pytest.fixture(scope="module")
def told(stack: RunningStack) -> Told:
    """The story, played once for the tests of this file."""
    return stack.story().play()


@pytest.fixture
async def page(stack: RunningStack) -> AsyncIterator[Any]:
    """A page of a browser in Karachi that talks to the gateway and to nobody else."""
    async with running_browser("the pages of the console") as browser:
        context = await browser.new_context(timezone_id="Asia/Karachi", locale="en-GB")
        context.set_default_timeout(WAIT)
        made = await context.new_page()
        made.asked, made.faults = [], []
        made.on("request", lambda request: made.asked.append(request.url))
        made.on("pageerror", lambda fault: made.faults.append(str(fault)))
        yield made
        assert made.faults == []
        assert all(url.startswith(stack.description.gateway_url) for url in made.asked)


async def sign_in(page: Any, stack: RunningStack, role: str) -> None:
    """Signed in as the stack's person of this role."""
    await page.goto(f"{stack.description.gateway_url}/")
    await page.fill("input[name=token]", getattr(stack.description.tokens, role))
    await page.click("main button")
    await page.wait_for_url("**/cases")


async def open_case(page: Any, stack: RunningStack, told: Told) -> None:
    """The case, by its number in the search box."""
    await page.keyboard.press("/")
    await page.keyboard.type(told.case_id.lower())
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/cases/{told.case_id}")


async def test_a_reviewer_reads_the_story_and_checks_it(
    page: Any, stack: RunningStack, told: Told
) -> None:
    """Five rows with owner, rule, ticket, hand-off and note; each proven in this very browser."""
    await sign_in(page, stack, "reviewer")
    await open_case(page, stack, told)
    rail = await page.inner_text("#rail")
    for words in ("least-loaded", "nahi aya", told.ticket_id, "TCS-88121", "wrong depot"):
        assert words in rail

    async def verified() -> bool:
        if await page.query_selector("#verification.good"):
            return True
        if "…" not in await page.inner_text("#verification .state"):
            await page.click("#verification button")
        return False

    await eventually(verified, within=20)
    entries = len(await page.query_selector_all("#rail .entry"))
    assert len(await page.query_selector_all("#rail .proved:not([hidden])")) == entries > 10


async def test_a_record_shown_otherwise_is_noticed(
    page: Any, stack: RunningStack, told: Told
) -> None:
    """INVARIANT I7: a record that was tampered with does not pass the browser's check."""
    await sign_in(page, stack, "reviewer")

    async def tampered(route: Any) -> None:
        answer = await route.fetch()
        given = await answer.json()
        leaf = json.loads(given["records"][0]["leaf_input"])
        leaf["event"]["time"] = "2020-01-01T00:00:00.000Z"
        given["records"][0]["leaf_input"] = json.dumps(leaf, separators=(",", ":"), sort_keys=True)
        await route.fulfill(response=answer, json=given)

    await page.route("**/proofs", tampered)
    await page.goto(f"{stack.description.gateway_url}/cases/{told.case_id}")
    await page.wait_for_selector("#verification.bad")
    assert "not in the signed log like this" in await page.inner_text("#verification .state")


async def test_an_agent_acts_from_the_page(page: Any, stack: RunningStack, told: Told) -> None:
    """A form sends the command; its entry is in the history as soon as the log has it."""
    await sign_in(page, stack, "agent")
    await page.goto(f"{stack.description.gateway_url}/tickets/{told.ticket_id}")
    form = f'form[action="/act/ticket/notes/{told.ticket_id}"]'
    await page.click(f"details:has({form}) summary")
    await page.fill(f"{form} textarea", "Customer called, all is well")
    await page.click(f"{form} button")
    await page.wait_for_url("**said=ticket.notes")

    async def noted() -> bool:
        await page.reload()
        return "Customer called, all is well" in await page.inner_text("#rail")

    await eventually(noted, within=20)


async def test_an_entry_arrives_while_the_page_is_read(
    page: Any, stack: RunningStack, told: Told
) -> None:
    """What somebody else does slides in at the end; nothing that is read moves or is lost."""
    await sign_in(page, stack, "reviewer")
    url = stack.description.gateway_url
    await page.goto(f"{url}/cases/{told.case_id}")
    await page.wait_for_selector(".live:not([hidden])")
    first = await page.evaluate("document.querySelector('.entry').getBoundingClientRect().top")
    answer = await page.request.post(
        f"{url}/v1/tickets/{told.ticket_id}/notes",
        headers={"Authorization": f"Bearer {stack.description.tokens.agent}"},
        data={"note": "She called <again>"},
    )
    assert answer.status == 201, await answer.text()
    arrived = await page.wait_for_selector(".entry.new:has-text('She called <again>')")
    assert await arrived.get_attribute("data-action") == "ticket.note_added"
    assert first == await page.evaluate(
        "document.querySelector('.entry').getBoundingClientRect().top"
    )


async def test_evidence_is_taken_out_from_the_page(
    page: Any, stack: RunningStack, told: Told
) -> None:
    """The bundle that the page hands out verifies with `casetrail-verify`."""
    await sign_in(page, stack, "reviewer")
    await page.goto(f"{stack.description.gateway_url}/cases/{told.case_id}")

    async def taken() -> Any:
        answer = await page.request.get(
            f"{stack.description.gateway_url}/cases/{told.case_id}/evidence?disclose=public"
        )
        assert answer.status == 200, await answer.text()
        return await answer.body()

    bundle = stack.folder / "evidence.zip"
    bundle.write_bytes(await eventually(taken, within=20))
    verify = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "casetrail_evidence",
        "bundle",
        str(bundle),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await verify.communicate()
    assert verify.returncode == 0, output.decode()


async def points(page: Any, given: dict[str, int], entry: str) -> None:
    """Fills in the score form: points from the lists, evidence by pointing at an entry."""
    for criterion, value in given.items():
        question = f'fieldset[data-criterion="{criterion}"]'
        await page.select_option(f"{question} select", str(value))
        await page.focus(f"{question} input.cites")
        await page.hover(f"{entry}")
        await page.click(f"{entry} .to-cite")
        assert await page.input_value(f"{question} input.cites") != ""


async def test_a_score_is_given_by_pointing_and_disputed(
    page: Any, stack: RunningStack, told: Told
) -> None:
    """A reviewer scores the case, the agent disputes, a lead decides; each from the pages."""
    url = stack.description.gateway_url
    await sign_in(page, stack, "reviewer")
    await page.goto(f"{url}/cases/{told.case_id}")
    await page.click(".quality summary")
    await page.click(".quality form button")
    await page.wait_for_url("**/quality/reviews/**")
    review = page.url
    entry = '.entry[data-action="ticket.created"]'
    card = {"understood": 4, "kept-informed": 2, "handed-over": 4, "solved": 4}
    await points(page, {**card, "tone": 0, "private": 1}, entry)
    await page.click('form[action$="/scores"] > button')
    await page.wait_for_url("**said=scores")
    assert "83.3 %" in await page.inner_text(".heading")

    await page.context.clear_cookies()
    await sign_in(page, stack, "agent")
    await page.goto(review)
    await page.click('details:has(form[action$="/dispute"]) summary')
    await page.check('input[name="criterion.tone"]')
    await page.fill('form[action$="/dispute"] textarea', "I was calm throughout")
    await page.click('form[action$="/dispute"] > button')
    await page.wait_for_url("**said=dispute")

    await page.context.clear_cookies()
    await sign_in(page, stack, "lead")
    await page.goto(review)
    form = 'form[action$="/resolve"]'
    await page.select_option(f'{form} select[name="verdict"]', "changed")
    await page.fill(f'{form} textarea[name="reason"]', "The answers are friendly")
    await points(page, {"tone": 2}, entry)
    await page.click(f"{form} > button")
    await page.wait_for_url("**said=resolve")
    assert "91.7 %" in await page.inner_text(".heading")
    assert "The answers are friendly" in await page.inner_text(".said")


async def test_what_was_set_aside_is_handled_again(
    page: Any, stack: RunningStack, told: Told
) -> None:
    """A message that routing cannot take fails again in words; one that it can opens its case."""
    odd = samples.message("cv_odd", id="odd").model_copy(update={"conversationid": None})
    late = samples.message("cv_late", id="late")
    connection = await nats.connect(stack.description.nats_url)
    js = connection.jetstream()
    await js.publish(odd.nats_subject, odd.to_bytes(), stream="SUPPORT")

    async def set_aside() -> bool:
        return (await js.stream_info("DEAD")).state.messages == 1

    await eventually(set_aside, within=20)
    headers = dict((await js.get_msg("DEAD", 1)).headers or {})
    await js.publish("dead.routing.routing", late.to_bytes(), headers={**headers, **_ELSE})
    await connection.close()
    await sign_in(page, stack, "admin")
    url = stack.description.gateway_url
    await page.goto(f"{url}/log")
    await page.click('a[href="/letters"]')
    assert "names no conversation" in await page.inner_text("#l1")
    await handle_again(page, 1)
    await page.wait_for_selector("text=It failed again and stays where it was")
    assert await page.input_value('input[name="reason"]') == "Repaired"
    await page.goto(f"{url}/letters")
    await handle_again(page, 2)
    await page.wait_for_url("**said=letter.handle")
    assert await page.query_selector("#l1")
    assert not await page.query_selector("#l2")

    async def recorded() -> bool:
        answer = await page.request.get(
            f"{url}/v1/records?action=letter.handled",
            headers={"Authorization": f"Bearer {stack.description.tokens.reviewer}"},
        )
        return [one["data"]["letter"] for one in (await answer.json())["items"]] == [2]

    await eventually(recorded, within=20)


async def handle_again(page: Any, letter: int) -> None:
    """Fills in and sends the form of one letter."""
    await page.click(f"#l{letter} summary")
    await page.fill(f"#l{letter} input[name=reason]", "Repaired")
    await page.click(f"#l{letter} form button")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_no_page_keeps_anybody_out(
    page: Any, stack: RunningStack, told: Told, colours: str
) -> None:
    """WCAG 2.2 AA as far as axe can see: on every page, wide and narrow, in both languages."""
    await sign_in(page, stack, "admin")
    url = stack.description.gateway_url
    await page.emulate_media(color_scheme=colours)
    reviews = await page.request.get(
        f"{url}/v1/reviews?case={told.case_id}",
        headers={"Authorization": f"Bearer {stack.description.tokens.admin}"},
    )
    addresses = [
        *("/cases", "/cases?status=closed", f"/cases/{told.case_id}", "/tickets"),
        *(f"/tickets/{told.ticket_id}", "/records/3", "/people", "/people/a"),
        *("/quality/figures", f"/compare?left={told.case_id}&right={told.case_id}"),
        *("/quality", "/quality/coaching", "/privacy", "/log", "/letters", "/cases/CASE-999999"),
        *(f"/quality/reviews/{each['review_id']}" for each in (await reviews.json())["items"][:1]),
    ]
    faults = []
    for language, width in (("en", 1280), ("ur", 390)):
        await page.set_viewport_size({"width": width, "height": 844})
        cookie = {"name": "casetrail_language", "value": language, "url": url}
        await page.context.add_cookies([cookie])
        for address in addresses:
            await page.goto(url + address)
            found = await Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
            faults += [
                f"{address} ({language}, {width}): {fault['id']}: {fault['nodes'][0]['html'][:200]}"
                for fault in found.response["violations"]
            ]
    assert faults == []
