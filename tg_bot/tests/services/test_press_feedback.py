"""Feedback on a press may be lost, and delays nothing for long."""

import asyncio

import pytest
from structlog.testing import capture_logs

from smart_kit.contracts.queue import InlineButton
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers.incoming import MessageEdit
from tg_bot.src.services import press_feedback
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
        await feedback.edit([MessageEdit(7, 5, text)])
        await feedback.edit([MessageEdit(7, 5, text)])
    assert [line["event"] for line in logs] == ["message not edited"]
    assert len(telegram.calls_to(method)) == 2


async def test_edit_counts_as_a_message_of_the_chat(
    client: TelegramClient, settings: TgBotSettings
) -> None:
    limiter = RecordingRateLimiter(settings)
    await PressFeedback(client, limiter).edit([MessageEdit(7, 5)])
    assert limiter.acquired_chats == [7]


@pytest.mark.clock("virtual")
async def test_edit_that_would_wait_long_is_left_out(
    client: TelegramClient, settings: TgBotSettings, telegram: FakeTelegram
) -> None:
    slow = settings.model_copy(update={"telegram_rate_per_chat": 0.01})
    feedback = PressFeedback(client, TelegramRateLimiter(slow))
    started = asyncio.get_running_loop().time()
    for _ in range(4):  # a burst of three
        await feedback.edit([MessageEdit(7, 5)])
    assert len(telegram.calls_to("editMessageReplyMarkup")) == 3
    assert asyncio.get_running_loop().time() - started == pytest.approx(3.0, abs=0.1)


ROWS = tuple((InlineButton(label=name, data=f"finish_task:{name}"),) for name in "abc")


def read_labels(telegram: FakeTelegram) -> list[list[str]]:
    """Return the labels of the buttons that each edit has left."""
    return [
        [button["text"] for row in markup["inline_keyboard"] for button in row]
        for call in telegram.calls_to("editMessageReplyMarkup")
        for markup in [call.parameters.get("reply_markup", {"inline_keyboard": []})]
    ]


def use(name: str, message_id: int = 5) -> MessageEdit:
    """Return the edit after a press; all buttons were still there."""
    return MessageEdit(7, message_id, button_rows=ROWS, used_button=f"finish_task:{name}")


async def test_quick_second_press_does_not_restore_the_first_button(
    feedback: PressFeedback, telegram: FakeTelegram
) -> None:
    await feedback.edit([use("a")])
    await feedback.edit([use("b")])
    await feedback.edit([use("c", message_id=6)])
    assert read_labels(telegram) == [["b", "c"], ["c"], ["a", "b"]]


async def test_presses_of_one_batch_cause_one_edit(
    feedback: PressFeedback, telegram: FakeTelegram
) -> None:
    await feedback.edit([use("a"), use("b"), use("c", message_id=6)])
    await feedback.edit([MessageEdit(7, 8, "✅ call"), MessageEdit(7, 8)])
    assert read_labels(telegram) == [["c"], ["a", "b"]]
    assert len(telegram.calls_to("editMessageText")) == 1


async def test_used_buttons_of_the_newest_messages_are_remembered(
    feedback: PressFeedback, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press_feedback, "_MAX_REMEMBERED_MESSAGES", 1)
    await feedback.edit([use("a"), use("a", message_id=6)])
    await feedback.edit([use("b", message_id=6)])
    await feedback.edit([use("b")])
    assert read_labels(telegram)[2:] == [["c"], ["a", "c"]]
