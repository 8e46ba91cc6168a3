"""`make screenshots`: the console's pages as pictures, from the story on the embedded stack."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.e2e.conftest import running_stack
from tests.support.browser import launched

PICTURES: Final = Path("docs/images")
SHOTS: Final = (
    # name, width, colours, language, page
    ("case", 1280, "light", "en-GB", "/cases/{case}"),
    ("case-dark", 1280, "dark", "en-GB", "/cases/{case}"),
    ("case-urdu", 1280, "light", "ur-PK", "/cases/{case}"),
    ("cases", 1280, "light", "en-GB", "/cases"),
    ("log", 1280, "light", "en-GB", "/log"),
)


async def shoot(browser: Any, url: str, token: str, case: str) -> None:
    """Writes every picture."""
    for name, width, colours, language, path in SHOTS:
        context = await browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=colours,
            locale=language,
            timezone_id="Asia/Karachi",
        )
        page = await context.new_page()
        await page.goto(f"{url}/sign-in")
        await page.fill("input[name=token]", token)
        await page.click("main button")
        await page.goto(url + path.format(case=case))
        if "case" in path and "{" in path:
            await page.wait_for_selector("#verification.good", timeout=60_000)
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=width < 1000)
        print(PICTURES / f"{name}.png")
        await context.close()


async def main() -> None:
    """Starts a stack, plays the story, takes the pictures, ends the stack."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as stack:
        told = await asyncio.to_thread(stack.story().play)
        async with launched() as browser:
            described = stack.description
            await shoot(browser, described.gateway_url, described.tokens.reviewer, told.case_id)


if __name__ == "__main__":
    asyncio.run(main())
