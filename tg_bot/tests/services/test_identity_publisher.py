import asyncio

import pytest

from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.redis import Redis, await_result
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.handlers.commands import COMMAND_DESCRIPTIONS
from tg_bot.src.services import identity_publisher
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.queue_messages import BOT_ID

OTHER_BOT = BotIdentity(id=1, username="old_bot")


async def wait_until_published(redis: Redis) -> BotIdentity:
    """Wait until the bot's identity is in Redis."""
    async with asyncio.timeout(60):
        while (text := await await_result(redis.get(ACTIVE_BOT_KEY))) is None:
            await asyncio.sleep(0.02)
    return BotIdentity.model_validate_json(text)


async def test_identity_is_published_again_after_data_loss(
    run_bot: RunBot, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_publisher, "PUBLISH_INTERVAL_SECONDS", 0.05)
    async with run_bot():
        assert await wait_until_published(redis) == BotIdentity(id=424242, username="fake_bot")
        await redis.flushdb()
        assert await wait_until_published(redis) == BotIdentity(id=424242, username="fake_bot")


async def test_identity_of_another_token_is_deleted_at_once(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses("getMe", ScriptedApiResponse(delay_seconds=60))
    await redis.set(ACTIVE_BOT_KEY, OTHER_BOT.model_dump_json())
    async with run_bot(), asyncio.timeout(60):
        while await redis.exists(ACTIVE_BOT_KEY):
            await asyncio.sleep(0.02)


async def test_identity_stays_published_during_an_outage_of_telegram(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses("getMe", ScriptedApiResponse(delay_seconds=60))
    own = BotIdentity(id=BOT_ID, username="as_it_was")
    await redis.set(ACTIVE_BOT_KEY, own.model_dump_json())
    async with run_bot() as bot:
        async with asyncio.timeout(60):
            while bot.health.report()["checks"]["redis"] != "ok":
                await asyncio.sleep(0.02)
        assert await wait_until_published(redis) == own


async def test_command_menu_is_set_for_all_languages(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    async with run_bot():
        await telegram.wait_until(lambda: bool(telegram.calls_to("getUpdates")))
    menus = {
        call.parameters.get("language_code"): call.parameters["commands"]
        for call in telegram.calls_to("setMyCommands")
    }
    assert set(menus) == {None, "en", "ru"}
    assert menus[None] == menus["en"]
    names = [command["command"] for command in menus["ru"]]
    assert names == [*COMMAND_DESCRIPTIONS]
    assert {"start", "help", "new", "undo", "assistant", "model", "rich"} <= {*names}
    assert menus["ru"][0]["description"] == "начать работу с ботом"


async def test_bot_works_without_a_command_menu(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses("setMyCommands", make_api_error(404, "Not Found: method not found"))
    async with run_bot():
        await telegram.wait_until(lambda: bool(telegram.calls_to("getUpdates")))
