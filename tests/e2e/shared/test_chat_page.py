"""The chat page in a real browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from smart_kit.testing.suite_harness import SuiteHarness

pytestmark = pytest.mark.e2e

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
expect.set_options(timeout=60_000)  # milliseconds: 5000 where nothing is said

BROWSER_FLAGS = ("--no-first-run", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        assert "CI" not in os.environ, "CI has to look at the page"
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", *BROWSER_FLAGS]
        )
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, suite: SuiteHarness) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="en", color_scheme="dark"
    )
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: said.type == "error" and failures.append(said.text))
    page.goto(suite.url("SANDBOX_PORT", f"/?token={suite.environment['SANDBOX_CHAT_TOKEN']}"))
    yield page
    context.close()
    assert failures == []


def test_a_newcomer_on_a_phone_asks_and_is_answered(page: Page) -> None:
    """Of a place that no other story asks about: the page shows their messages too."""
    assert "token" not in page.url, "the token stays in the address bar"
    bubbles = page.get_by_role("article")
    page.get_by_role("textbox").fill("What time is it in Reykjavik?")
    page.keyboard.press("Enter")

    expect(bubbles.filter(has_text="What time is it in Reykjavik?")).to_be_visible()
    answer = bubbles.filter(has_text="in Reykjavik (")
    expect(answer).to_be_in_viewport()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360, "the page scrolls sideways on a phone"


def test_a_models_markdown_is_shown_formatted(page: Page) -> None:
    page.get_by_role("textbox").fill("show me markdown")
    page.keyboard.press("Enter")

    answer = page.get_by_role("article").filter(has_text="Markdown, all of it")
    expect(answer).to_be_visible()
    for shown in ("pre", "strong", "em", "blockquote", "a[href]"):
        expect(answer.locator(shown).first).to_be_visible()
    assert "**" not in answer.inner_text()


def test_who_is_quicker_than_the_page_is_answered_too(page: Page) -> None:
    """Enter before the page knows for whom it writes."""
    held: list[Route] = []
    page.route("**/chat/people", lambda route: held.append(route))
    with page.expect_request("**/chat/people"):
        page.reload()
    page.get_by_role("textbox").fill("what is 2 + 3000?")
    page.keyboard.press("Enter")
    for route in held:
        route.continue_()
    page.unroute("**/chat/people")
    expect(page.get_by_role("article").filter(has_text="3002")).to_be_visible()
