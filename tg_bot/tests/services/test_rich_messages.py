"""An answer that only a rich message can show: it arrives whatever the server says, and once."""

import asyncio

import pytest

from smart_kit.contracts.queue import Reply
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import Call, FakeTelegram, Scripted, refusal
from tg_bot.tests.conftest import Run
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import dead_letters, send
from tg_bot.tests.queue_messages import old_effect, reply
from tg_bot.tests.services.delivery_helpers import QUEUE, deliver, wait_until_sent

TABLE = "|Name|Age|\n|-|-|\n|**Anna**|30|"
PLAIN = "Name | Age\n-----+----\nAnna | 30"
LONG = "\n\n".join([TABLE, *(f"{number} " + "word " * 1500 for number in range(10))])
"""Three rich messages."""
RECEIPT = "✓ Reminder: Fri 27 Nov 2020 09:00 Europe/Berlin — call Anna"
UNKNOWN = refusal(404, "Not Found: method not found")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tg_bot.src.services.consignment.UNCERTAIN_SECONDS", (0.1, 0.1))


def with_receipt(text: str = TABLE, number: int = 1) -> Reply:
    return reply(text, number, receipts=(old_effect(),))


def methods(calls: list[Call]) -> list[str]:
    return [call.method for call in calls]


async def test_a_table_goes_as_a_rich_message_and_its_receipt_under_it_as_text(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run, redis, with_receipt())

    rich, below = telegram.sent
    assert rich.method == "sendRichMessage"
    assert rich.parameters["rich_message"]["blocks"][0]["type"] == "table"
    assert rich.parameters["rich_message"]["skip_entity_detection"] is True
    assert rich.parameters.keys() == {"chat_id", "rich_message"}
    assert (below.method, below.text) == ("sendMessage", RECEIPT)
    assert below.parameters["disable_notification"] is True


async def test_who_has_switched_it_off_gets_text(
    run: Run, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    await rest.add(7, rich_messages=False)
    await deliver(run, redis, with_receipt())
    assert telegram.texts(7) == [f"{PLAIN}\n\n{RECEIPT}"]
    assert methods(telegram.sent) == ["sendMessage"]


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
async def test_what_is_refused_goes_as_text_with_formatting(
    run: Run, redis: Redis, telegram: FakeTelegram, description: str
) -> None:
    telegram.script("sendRichMessage", refusal(400, description))
    await deliver(run, redis, with_receipt())

    assert telegram.texts(7) == [PLAIN, RECEIPT]
    assert telegram.sent[0].parameters["entities"][0]["type"] == "pre"
    silent = [one.parameters.get("disable_notification", False) for one in telegram.sent]
    assert silent == [False, True]


async def test_what_is_refused_with_formatting_too_goes_without(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendRichMessage", refusal(400, "Bad Request: RICH_MESSAGE_DEPTH_INVALID"))
    telegram.script("sendMessage", refusal(400, "Bad Request: can't parse entities: x"))
    await deliver(run, redis, reply(TABLE))
    assert telegram.texts(7) == [PLAIN]
    assert "entities" not in telegram.sent[0].parameters


async def test_a_server_without_rich_messages_is_asked_once_and_gets_whole_texts_then(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendRichMessage", UNKNOWN)
    await deliver(run, redis, with_receipt(), with_receipt(number=2))
    assert len(telegram.calls_of("sendRichMessage")) == 1
    assert telegram.texts(7) == [PLAIN, RECEIPT, f"{PLAIN}\n\n{RECEIPT}"]


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(429, "Too Many Requests", retry_after=0),
        refusal(500, "Internal Server Error"),
        Scripted(502, "<html>Bad Gateway</html>"),
        Scripted(cut="before"),
    ],
    ids=["429", "500", "502", "cut"],
)
async def test_trouble_that_is_no_refusal_changes_no_form(
    run: Run, redis: Redis, telegram: FakeTelegram, trouble: Scripted
) -> None:
    telegram.script("sendRichMessage", trouble)
    await deliver(run, redis, with_receipt())

    first, second = telegram.calls_of("sendRichMessage")
    assert first.parameters == second.parameters
    assert methods(telegram.sent) == ["sendRichMessage", "sendMessage"]


async def test_an_answer_that_may_have_arrived_rich_is_not_sent_as_text_by_another_process(
    run: Run, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    telegram.script("sendRichMessage", Scripted(cut="after"))
    await send(redis, reply(TABLE))
    async with run():
        await telegram.until(lambda: len(telegram.sent) == 1)
        await _counted(redis)
    await rest.add(7, rich_messages=False)  # even then
    async with run():
        await wait_until_sent(redis)
    assert methods(telegram.sent) == ["sendRichMessage"] * 2


async def test_text_that_may_have_arrived_in_its_place_is_not_sent_rich(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendRichMessage", refusal(400, "Bad Request: RICH_MESSAGE_URL_INVALID"))
    telegram.script("sendMessage", Scripted(cut="after"))
    await deliver(run, redis, reply(TABLE))
    assert methods(telegram.sent) == ["sendMessage"] * 2


async def test_a_receipt_goes_out_even_where_its_answer_is_given_up(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendRichMessage", *[Scripted(cut="before")] * 3)
    telegram.script("sendMessage", refusal(429, "Too Many Requests", retry_after=0))
    await deliver(run, redis, with_receipt(), reply("next", 2))

    assert len(telegram.calls_of("sendRichMessage")) == 3, "at most, the 429 in between or not"
    assert telegram.texts(7) == [RECEIPT, "next"]
    (letter,) = await dead_letters(redis, QUEUE)
    assert "3 times without an answer" in letter.reason


class TestParts:
    async def test_a_failure_in_the_middle_repeats_no_part(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", Scripted(), refusal(502, "Bad Gateway"))
        await deliver(run, redis, with_receipt(LONG))
        assert methods(telegram.sent) == ["sendRichMessage"] * 3 + ["sendMessage"]
        firsts = [one.text.split()[0] for one in telegram.sent]
        assert len(set(firsts)) == 4

    async def test_only_the_refused_part_goes_as_text(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", Scripted(), refusal(400, "Bad Request: RICH_MESSAGE_X"))
        await deliver(run, redis, reply(LONG))
        sent = methods(telegram.sent)
        assert sent[0] == sent[-1] == "sendRichMessage"
        assert set(sent[1:-1]) == {"sendMessage"}
        said = " ".join(" ".join(telegram.texts(7)).split())
        for number in range(10):
            assert f"{number} word" in said
        assert said.count("word") == 15_000

    async def test_a_refused_part_that_was_begun_as_text_is_resumed_there(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", Scripted(), refusal(400, "Bad Request: RICH_MESSAGE_X"))
        telegram.script("sendMessage", Scripted(), Scripted(seconds=60))
        await send(redis, reply(LONG))
        async with run():
            await telegram.until(lambda: len(telegram.calls_of("sendMessage")) == 2)
        async with run():
            await wait_until_sent(redis)
        assert " ".join(telegram.texts(7)).count("word") == 15_000
        assert methods(telegram.sent).count("sendRichMessage") == 2


async def _counted(redis: Redis) -> None:
    """Wait until the doubt is in the journal."""
    async with asyncio.timeout(60):
        while not await redis.exists("journal:reply:tg:424242:1"):
            await asyncio.sleep(0.01)
