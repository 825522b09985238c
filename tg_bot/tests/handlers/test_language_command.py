"""/language and its buttons."""

import pytest

from smart_kit.redis import Redis
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import list_buttons, read_answer, read_answers

ENGLISH = "My own messages are in English from now on."
RUSSIAN = "Теперь мои собственные сообщения — на русском."


@pytest.mark.parametrize("text", ["/language", "/language French"])
async def test_without_a_language_both_are_offered(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, text: str
) -> None:
    await rest.add_user(7, language="en")
    await update_processor.process_batch([updates.message(text)])

    answer = await read_answer(redis)
    assert answer.parameters["text"].startswith("In which language should I write")
    assert list_buttons(answer) == [
        ("Русский", "language:ru"),
        ("✓ English", "language:en"),
    ]
    assert rest.calls == []


@pytest.mark.parametrize(
    ("update", "before", "language", "confirmation"),
    [
        (updates.message("/language ru"), "en", "ru", RUSSIAN),
        (updates.message("/language Русский."), None, "ru", RUSSIAN),
        (updates.message("/language ENGLISH"), "ru", "en", ENGLISH),
        (updates.callback_query("language:ru"), "en", "ru", RUSSIAN),
    ],
)
async def test_language_is_saved_and_confirmed_in_itself(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    update: dict[str, object],
    before: str | None,
    language: str,
    confirmation: str,
) -> None:
    await rest.add_user(7, language=before)
    await update_processor.process_batch([update])

    assert rest.users[7].language == language
    answer = await read_answer(redis)
    assert answer.parameters["text"].startswith(confirmation)
    (effect,) = answer.receipts
    assert (effect.kind, effect.after) == (
        "settings_changed",
        {"timezone": None, "language": language},
    )


async def test_same_language_is_confirmed_without_a_receipt(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, language="en")
    await update_processor.process_batch([updates.message("/language en")])
    answer = await read_answer(redis)
    assert answer.parameters["text"].startswith(ENGLISH)
    assert answer.receipts == ()


async def test_later_commands_of_a_batch_use_the_new_language(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    await update_processor.process_batch(
        [updates.message("/language ru"), updates.message("/language")]
    )
    _, asked = await read_answers(redis)
    assert asked.parameters["text"].startswith("На каком языке")


async def test_new_user_can_choose_a_language(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await update_processor.process_batch([updates.message("/language ru")])
    assert rest.users[7].language == "ru"


async def test_rest_failure_asks_to_try_again_later(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    rest.failure_status = 503
    await update_processor.process_batch([updates.message("/language ru")])
    assert (await read_answer(redis)).notice == "try_again_later"
