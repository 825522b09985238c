"""An answer that needs rich messages arrives once, whatever the server responds."""

import asyncio

import pytest

from smart_kit.contracts.queue import Reply
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import (
    BotApiCall,
    FakeTelegram,
    ScriptedApiResponse,
    make_api_error,
)
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import enqueue_to_telegram, read_dead_letters
from tg_bot.tests.queue_messages import make_past_effect, make_reply
from tg_bot.tests.services.delivery import TELEGRAM_QUEUE, deliver, wait_until_sent

TABLE = "|Name|Age|\n|-|-|\n|**Anna**|30|"
PLAIN = "Name | Age\n-----+----\nAnna | 30"
LONG = "\n\n".join([TABLE, *(f"{number} " + "word " * 1500 for number in range(10))])
"""Three rich messages."""
RECEIPT = "✓ Reminder: Fri 27 Nov 2020 09:00 Europe/Berlin — call Anna"
METHOD_NOT_FOUND = make_api_error(404, "Not Found: method not found")


@pytest.fixture(autouse=True)
def fast_retries_after_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tg_bot.src.services.message_sender.UNCERTAIN_RETRY_SECONDS", (0.1, 0.1))


def make_reply_with_receipt(text: str = TABLE, number: int = 1) -> Reply:
    return make_reply(text, number, receipts=(make_past_effect(),))


def get_methods(calls: list[BotApiCall]) -> list[str]:
    return [call.method for call in calls]


async def test_table_is_sent_rich_with_its_receipt_as_text(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply_with_receipt())

    rich, below = telegram.sent
    assert rich.method == "sendRichMessage"
    assert rich.parameters["rich_message"]["blocks"][0]["type"] == "table"
    assert rich.parameters["rich_message"]["skip_entity_detection"] is True
    assert rich.parameters.keys() == {"chat_id", "rich_message"}
    assert (below.method, below.text) == ("sendMessage", RECEIPT)
    assert below.parameters["disable_notification"] is True


async def test_user_without_rich_messages_gets_text(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    await rest.add_user(7, rich_messages=False)
    await deliver(run_bot, redis, make_reply_with_receipt())
    assert telegram.sent_texts(7) == [f"{PLAIN}\n\n{RECEIPT}"]
    assert get_methods(telegram.sent) == ["sendMessage"]


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: RICH_MESSAGE_CONTENT_REQUIRED",
        "Bad Request: RICH_MESSAGE_URL_INVALID",
        "Bad Request: can't parse InputRichBlock: expected an Object",
        "Bad Request: rich message must be non-empty",
        "Bad Request: message is too long",
    ],
)
async def test_refused_rich_message_is_sent_as_formatted_text(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, description: str
) -> None:
    telegram.script_responses("sendRichMessage", make_api_error(400, description))
    await deliver(run_bot, redis, make_reply_with_receipt())

    assert telegram.sent_texts(7) == [PLAIN, RECEIPT]
    assert telegram.sent[0].parameters["entities"][0]["type"] == "pre"
    silent = [call.parameters.get("disable_notification", False) for call in telegram.sent]
    assert silent == [False, True]


async def test_text_refused_with_formatting_is_sent_plain(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses(
        "sendRichMessage", make_api_error(400, "Bad Request: RICH_MESSAGE_DEPTH_INVALID")
    )
    telegram.script_responses(
        "sendMessage", make_api_error(400, "Bad Request: can't parse entities: x")
    )
    await deliver(run_bot, redis, make_reply(TABLE))
    assert telegram.sent_texts(7) == [PLAIN]
    assert "entities" not in telegram.sent[0].parameters


async def test_server_without_rich_messages_is_tried_once(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses("sendRichMessage", METHOD_NOT_FOUND)
    await deliver(run_bot, redis, make_reply_with_receipt(), make_reply_with_receipt(number=2))
    assert len(telegram.calls_to("sendRichMessage")) == 1
    assert telegram.sent_texts(7) == [PLAIN, RECEIPT, f"{PLAIN}\n\n{RECEIPT}"]


@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(429, "Too Many Requests", retry_after=0),
        make_api_error(500, "Internal Server Error"),
        ScriptedApiResponse(502, "<html>Bad Gateway</html>"),
        ScriptedApiResponse(disconnect="before"),
    ],
    ids=["429", "500", "502", "cut"],
)
async def test_temporary_error_does_not_change_the_form(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, failure: ScriptedApiResponse
) -> None:
    telegram.script_responses("sendRichMessage", failure)
    await deliver(run_bot, redis, make_reply_with_receipt())

    first, second = telegram.calls_to("sendRichMessage")
    assert first.parameters == second.parameters
    assert get_methods(telegram.sent) == ["sendRichMessage", "sendMessage"]


async def test_uncertain_rich_message_is_not_repeated_as_text(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    telegram.script_responses("sendRichMessage", ScriptedApiResponse(disconnect="after"))
    await enqueue_to_telegram(redis, make_reply(TABLE))
    async with run_bot():
        await telegram.wait_until(lambda: len(telegram.sent) == 1)
        await _wait_until_journaled(redis)
    await rest.add_user(7, rich_messages=False)  # even then
    async with run_bot():
        await wait_until_sent(redis)
    assert get_methods(telegram.sent) == ["sendRichMessage"] * 2


async def test_uncertain_text_is_not_repeated_as_a_rich_message(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses(
        "sendRichMessage", make_api_error(400, "Bad Request: RICH_MESSAGE_URL_INVALID")
    )
    telegram.script_responses("sendMessage", ScriptedApiResponse(disconnect="after"))
    await deliver(run_bot, redis, make_reply(TABLE))
    assert get_methods(telegram.sent) == ["sendMessage"] * 2


async def test_receipt_is_sent_although_its_reply_is_given_up(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses("sendRichMessage", *[ScriptedApiResponse(disconnect="before")] * 3)
    telegram.script_responses(
        "sendMessage", make_api_error(429, "Too Many Requests", retry_after=0)
    )
    await deliver(run_bot, redis, make_reply_with_receipt(), make_reply("next", 2))

    assert len(telegram.calls_to("sendRichMessage")) == 3, "at most, the 429 in between or not"
    assert telegram.sent_texts(7) == [RECEIPT, "next"]
    (letter,) = await read_dead_letters(redis, TELEGRAM_QUEUE)
    assert "3 times without an answer" in letter.reason


class TestParts:
    async def test_failure_between_rich_parts_repeats_no_part(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendRichMessage", ScriptedApiResponse(), make_api_error(502, "Bad Gateway")
        )
        await deliver(run_bot, redis, make_reply_with_receipt(LONG))
        assert get_methods(telegram.sent) == ["sendRichMessage"] * 3 + ["sendMessage"]
        firsts = [call.text.split()[0] for call in telegram.sent]
        assert len(set(firsts)) == 4

    async def test_only_the_refused_part_is_sent_as_text(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendRichMessage",
            ScriptedApiResponse(),
            make_api_error(400, "Bad Request: RICH_MESSAGE_X"),
        )
        await deliver(run_bot, redis, make_reply(LONG))
        sent = get_methods(telegram.sent)
        assert sent[0] == sent[-1] == "sendRichMessage"
        assert set(sent[1:-1]) == {"sendMessage"}
        sent = " ".join(" ".join(telegram.sent_texts(7)).split())
        for number in range(10):
            assert f"{number} word" in sent
        assert sent.count("word") == 15_000

    async def test_part_that_was_started_as_text_is_resumed_as_text(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendRichMessage",
            ScriptedApiResponse(),
            make_api_error(400, "Bad Request: RICH_MESSAGE_X"),
        )
        telegram.script_responses(
            "sendMessage", ScriptedApiResponse(), ScriptedApiResponse(delay_seconds=60)
        )
        await enqueue_to_telegram(redis, make_reply(LONG))
        async with run_bot():
            await telegram.wait_until(lambda: len(telegram.calls_to("sendMessage")) == 2)
        async with run_bot():
            await wait_until_sent(redis)
        assert " ".join(telegram.sent_texts(7)).count("word") == 15_000
        assert get_methods(telegram.sent).count("sendRichMessage") == 2


async def _wait_until_journaled(redis: Redis) -> None:
    """Wait until the uncertain attempt is in the journal."""
    async with asyncio.timeout(60):
        while not await redis.exists("journal:reply:tg:424242:1"):
            await asyncio.sleep(0.01)
