"""A real Chromium for tests of pages.

Needs the Python package `playwright` and a Chromium (Debian: `apt-get install chromium`; or name
one in CHROMIUM). Where they are absent a test is skipped and says so; in CI (CI=…) it fails.
"""

import ctypes.util
import importlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest


def missing() -> str | None:
    """What keeps a browser from being tested here, or None."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: pip install playwright"
    if chromium() is None:
        return "there is no Chromium: apt-get install chromium, or name one in CHROMIUM"
    if sys.platform == "linux" and ctypes.util.find_library("atomic") is None:
        return "playwright's driver lacks libatomic.so.1: apt-get install libatomic1"
    return None


def chromium() -> str | None:
    """The path of a Chromium."""
    named = os.environ.get("CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in found if path is not None), None)


@asynccontextmanager
async def running_browser(what: str) -> AsyncIterator[Any]:
    """The browser, to test `what` in; skips or fails the test where there is none."""
    reason = missing()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(f"{what} are not tested in a browser: {reason}")
        pytest.skip(f"{what} are NOT tested in a browser: {reason}")
    async with launched() as browser:
        yield browser


@asynccontextmanager
async def launched() -> AsyncIterator[Any]:
    """A browser that asks nobody for anything by itself."""
    playwright = importlib.import_module("playwright.async_api")
    async with playwright.async_playwright() as running:
        quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await running.chromium.launch(executable_path=chromium(), args=[*quiet, *sandbox])
        yield browser
        await browser.close()
