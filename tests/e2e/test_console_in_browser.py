"""The console in a real Chromium on the running stack: read, checked in the browser, acted from."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from casetrail_local.story import Told

from tests.e2e.conftest import RunningStack
from tests.support.browser import running_browser
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
WAIT = 60_000
"""Milliseconds; what a busy machine may take for a page."""


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
