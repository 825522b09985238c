"""The chat page in a real browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from smart_kit.testing.suite_harness import SuiteHarness

pytestmark = pytest.mark.e2e

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
expect.set_options(timeout=60_000)  # milliseconds; the default of 5000 is too short here

BROWSER_FLAGS = ("--no-first-run", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        assert "CI" not in os.environ, "these tests must not be skipped in CI"
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", *BROWSER_FLAGS]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, suite: SuiteHarness) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="en", color_scheme="dark"
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    page.goto(suite.url("SANDBOX_PORT", f"/?token={suite.environment['SANDBOX_CHAT_TOKEN']}"))
    yield page
    context.close()
    assert errors == []


def test_a_new_user_on_a_phone_is_answered(page: Page) -> None:
    """Asks about a place that no other test asks about, because the page shows their chats too."""
    assert "token" not in page.url, "the token is still in the address bar"
    bubbles = page.get_by_role("article")
    page.get_by_role("textbox").fill("What time is it in Reykjavik?")
    page.keyboard.press("Enter")

    expect(bubbles.filter(has_text="What time is it in Reykjavik?")).to_be_visible()
    answer = bubbles.filter(has_text="in Reykjavik (")
    expect(answer).to_be_in_viewport()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360, "the page scrolls sideways on a phone"


def test_the_markdown_of_an_answer_is_shown_formatted(page: Page) -> None:
    page.get_by_role("textbox").fill("show me markdown")
    page.keyboard.press("Enter")

    answer = page.get_by_role("article").filter(has_text="Markdown, all of it")
    expect(answer).to_be_visible()
    for selector in ("pre", "strong", "em", "blockquote", "a[href]"):
        expect(answer.locator(selector).first).to_be_visible()
    assert "**" not in answer.inner_text()


def test_a_message_sent_before_the_page_has_loaded_is_answered(page: Page) -> None:
    """The user presses Enter before the page has received the list of users."""
    pending: list[Route] = []
    page.route("**/chat/people", lambda route: pending.append(route))
    with page.expect_request("**/chat/people"):
        page.reload()
    page.get_by_role("textbox").fill("what is 2 + 3000?")
    page.keyboard.press("Enter")
    for route in pending:
        route.continue_()
    page.unroute("**/chat/people")
    expect(page.get_by_role("article").filter(has_text="3002")).to_be_visible()
