"""The chat page in a real browser: its clock, and the locations that a person sends."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from sandbox.tests.chat.fake_rest_service import (
    SERVICE_TOKEN,
    FakeRestService,
    run_fake_rest_service,
)
from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, SandboxHarness, run_sandbox

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = ("--no-first-run", "--disable-background-networking", "--disable-component-update")
BROWSER_ZONE, PERSON_ZONE = "America/New_York", "Asia/Tokyo"

expect.set_options(timeout=60_000)  # milliseconds; the default of 5000 is too short here


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        assert "CI" not in os.environ, "these tests must not be skipped in CI"
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", *BROWSER_FLAGS]
        )
        yield chromium
        await chromium.close()


@pytest.fixture
async def rest() -> AsyncIterator[FakeRestService]:
    async with run_fake_rest_service() as fake:
        fake.timezones = {ALICE: PERSON_ZONE}
        yield fake


@pytest.fixture
async def moving_sandbox(rest: FakeRestService, tmp_path: Path) -> AsyncIterator[SandboxHarness]:
    async with run_sandbox(
        tmp_path, sandbox_clock=True, rest_service_url=rest.url, service_api_token=SERVICE_TOKEN
    ) as sandbox:
        yield sandbox


@asynccontextmanager
async def open_page(browser: Browser, sandbox: SandboxHarness) -> AsyncIterator[Page]:
    """Open the page as Alice, on a phone in New York. It must cause no error."""
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, locale="en-GB", timezone_id=BROWSER_ZONE
    )
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    await page.goto(f"{sandbox.url}/?token={CHAT_TOKEN}#{ALICE}")
    await expect(page.locator("#you")).to_have_attribute("title", "You write as Alice")
    yield page
    await context.close()
    assert errors == []


async def test_newcomer_moves_the_clock_and_messages_follow(
    browser: Browser, moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    await moving_sandbox.say("Remind me tomorrow at 9")
    async with open_page(browser, moving_sandbox) as page:
        await page.locator("#clock").click()
        await expect(page.locator("#clock-zone")).to_have_text(PERSON_ZONE)
        await page.get_by_role("button", name="Tomorrow, 09:00").click()
        await expect(page.locator("#clock-time")).to_have_text("09:00")
        await moving_sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="the reminder")

        reminder = page.get_by_role("article").filter(has_text="the reminder")
        await expect(reminder.locator("time")).to_have_text("09:00")
        await expect(page.locator(".day")).to_have_text(["Yesterday", "Today"])
        width = await page.evaluate("document.documentElement.scrollWidth")

    (move,) = rest.moves
    assert move["now"].endswith("T00:00:00Z"), "nine o'clock in Tokyo"
    assert width <= 360, "the page scrolls sideways on a phone"


async def test_clock_follows_a_time_zone_that_is_changed_in_the_chat(
    browser: Browser, moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    async with open_page(browser, moving_sandbox) as page:
        await page.locator("#clock").click()
        await expect(page.locator("#clock-zone")).to_have_text(PERSON_ZONE)
        rest.timezones[ALICE] = None
        await moving_sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="changed")

        await expect(page.locator("#clock-zone")).to_have_text("America/New York")


async def test_page_without_a_movable_clock_shows_none(
    browser: Browser, sandbox: SandboxHarness
) -> None:
    async with open_page(browser, sandbox) as page:
        await expect(page.locator(".welcome")).to_be_visible()
        await expect(page.locator("#clock")).to_be_hidden()


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("são pa", {"latitude": -23.55, "longitude": -46.64}),
        ("38.72, -9.13", {"latitude": 38.72, "longitude": -9.13}),
    ],
)
async def test_location_is_chosen_by_name_or_by_coordinates(
    browser: Browser, sandbox: SandboxHarness, text: str, location: dict[str, float]
) -> None:
    async with open_page(browser, sandbox) as page:
        await page.get_by_role("button", name="Send a location").click()
        await page.get_by_placeholder("City or").fill(text)
        await expect(page.locator("#location-list button")).to_have_count(1)
        await page.keyboard.press("Enter")

        shown = f"{location['latitude']}, {location['longitude']}"
        await expect(page.get_by_role("article").filter(has_text=shown)).to_be_visible()
    (update,) = await sandbox.call_bot_api("getUpdates")
    assert update["message"]["location"] == location
