"""Feedback on a press may be lost, and delays nothing for long."""

import asyncio

import pytest
from structlog.testing import capture_logs

from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers.incoming import MessageEdit
from tg_bot.src.services.press_feedback import PressFeedback
from tg_bot.src.services.rate_limiter import TelegramRateLimiter
from tg_bot.tests.services.sending_harness import RecordingRateLimiter

NOT_MODIFIED = make_api_error(400, "Bad Request: message is not modified")


@pytest.fixture
def feedback(client: TelegramClient, settings: TgBotSettings) -> PressFeedback:
    return PressFeedback(client, TelegramRateLimiter(settings))


@pytest.mark.parametrize(
    ("text", "method"), [(None, "editMessageReplyMarkup"), ("✅ call", "editMessageText")]
)
@pytest.mark.parametrize(
    "failure",
    [NOT_MODIFIED, make_api_error(429, "no", retry_after=9), ScriptedApiResponse(502, "<html>")],
    ids=["repeated", "too many", "unavailable"],
)
async def test_failed_edit_is_only_logged(
    feedback: PressFeedback,
    telegram: FakeTelegram,
    text: str | None,
    method: str,
    failure: ScriptedApiResponse,
) -> None:
    telegram.script_responses(method, failure)
    with capture_logs() as logs:
        await feedback.edit(MessageEdit(7, 5, text))
        await feedback.edit(MessageEdit(7, 5, text))
    assert [line["event"] for line in logs] == ["message not edited"]
    assert len(telegram.calls_to(method)) == 2


async def test_edit_counts_as_a_message_of_the_chat(
    client: TelegramClient, settings: TgBotSettings
) -> None:
    limiter = RecordingRateLimiter(settings)
    await PressFeedback(client, limiter).edit(MessageEdit(7, 5))
    assert limiter.acquired_chats == [7]


@pytest.mark.clock("virtual")
async def test_edit_that_would_wait_long_is_left_out(
    client: TelegramClient, settings: TgBotSettings, telegram: FakeTelegram
) -> None:
    slow = settings.model_copy(update={"telegram_rate_per_chat": 0.01})
    feedback = PressFeedback(client, TelegramRateLimiter(slow))
    started = asyncio.get_running_loop().time()
    for _ in range(4):  # a burst of three
        await feedback.edit(MessageEdit(7, 5))
    assert len(telegram.calls_to("editMessageReplyMarkup")) == 3
    assert asyncio.get_running_loop().time() - started == pytest.approx(3.0, abs=0.1)
