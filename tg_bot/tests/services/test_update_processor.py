"""From updates to queue messages, on a real Valkey."""

import asyncio
import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_kit.contracts.queue import Attachment, Notice, UserCommand, UserMessage
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.services.update_processor import UpdateProcessor, find_max_update_id
from tg_bot.tests import updates
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import read_dead_letters, read_secretary_queue, read_telegram_queue

PHOTO = [{"file_id": "small", "file_size": 10}, {"file_id": "large", "file_size": 99}]


async def test_text_is_enqueued_with_all_fields(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    update = updates.message("  hello  ")
    await update_processor.process_batch([update])

    (message,) = await read_secretary_queue(redis)
    assert isinstance(message, UserMessage)
    assert message.id == message.correlation_id == f"tg:424242:{update['update_id']}"
    assert message.conversation == "tg:424242:7"
    assert (message.text, message.chat_id, message.telegram_message_id) == ("hello", 7, 1)
    assert message.sender.model_dump() == {
        "telegram_id": 7,
        "first_name": "Anna",
        "username": None,
        "language_code": "en",
    }


async def test_repeated_update_is_deduplicated(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    batch = [updates.message(text) for text in ("/help", "a", "b", "/new")]
    await update_processor.process_batch(batch)
    await update_processor.process_batch(batch)

    assert [type(message) for message in await read_secretary_queue(redis)] == [
        UserMessage,
        UserMessage,
        UserCommand,
    ]
    assert len(await read_telegram_queue(redis)) == 1


async def test_messages_of_a_chat_keep_their_order(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    await update_processor.process_batch(
        [updates.message(str(n), telegram_id=1 + n % 3) for n in range(90)]
    )

    messages = await read_secretary_queue(redis)
    for person in (1, 2, 3):
        own = [int(message.text) for message in messages if message.chat_id == person]  # type: ignore[union-attr] # texts only
        assert own == list(range(person - 1, 90, 3))


@pytest.mark.parametrize(
    ("fields", "text", "kinds"),
    [
        ({"caption": "look", "photo": PHOTO}, "look", ["photo"]),
        ({"caption": "hear", "voice": {"file_id": "v"}}, "hear", ["voice"]),
        ({"text": "re", "reply_to_message": {"message_id": 5}}, "re", []),
        ({"text": "/new", "forward_origin": {"type": "user"}}, "/new", []),
        ({"text": "/usr/bin is what?"}, "/usr/bin is what?", []),
        ({"rich_message": {"blocks": [{"type": "paragraph", "text": "rich"}]}}, "rich", []),
        ({"text": "x", "photo": "broken", "voice": 5}, "x", []),
    ],
)
async def test_text_is_read_from_every_field(
    update_processor: UpdateProcessor,
    redis: Redis,
    fields: dict[str, Any],
    text: str,
    kinds: list[str],
) -> None:
    await update_processor.process_batch([updates.message(None, **fields)])

    (message,) = await read_secretary_queue(redis)
    assert isinstance(message, UserMessage)
    assert message.text == text
    assert [attachment.kind for attachment in message.attachments] == kinds


async def test_the_largest_photo_is_the_attachment(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    await update_processor.process_batch([updates.message(None, caption="look", photo=PHOTO)])
    (message,) = await read_secretary_queue(redis)
    assert isinstance(message, UserMessage)
    assert message.attachments == (Attachment(kind="photo", file_id="large", size=99),)


@pytest.mark.parametrize("kind", ["voice", "sticker", "location", "poll", "rich_message"])
async def test_message_without_text_gets_a_notice(
    update_processor: UpdateProcessor, redis: Redis, kind: str
) -> None:
    await update_processor.process_batch([updates.message(None, **{kind: {"file_id": "x"}})])

    (answer,) = await read_telegram_queue(redis)
    assert isinstance(answer, Notice)
    assert answer.notice == "text_only"
    assert await read_secretary_queue(redis) == []


async def test_album_gets_one_notice(update_processor: UpdateProcessor, redis: Redis) -> None:
    album = [updates.message(None, photo=PHOTO, media_group_id="g") for _ in range(5)]
    await update_processor.process_batch(album)
    assert len(await read_telegram_queue(redis)) == 1


async def test_service_messages_are_ignored(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    await update_processor.process_batch([updates.message(None, pinned_message={"message_id": 1})])
    assert await read_telegram_queue(redis) == []
    assert await read_dead_letters(redis) == []


async def test_failed_acknowledgement_does_not_fail_the_batch(
    update_processor: UpdateProcessor, redis: Redis, telegram: FakeTelegram
) -> None:
    press = {"id": "q1", "from": updates.user(), "chat_instance": "c", "data": "x:1"}
    telegram.script_responses(
        "answerCallbackQuery",
        ScriptedApiResponse(),
        make_api_error(400, "Bad Request: query is old"),
    )
    await update_processor.process_batch([updates.update("callback_query", press)])
    await update_processor.process_batch(
        [updates.update("callback_query", press), updates.message()]
    )

    calls = telegram.calls_to("answerCallbackQuery")
    assert [call.parameters for call in calls] == [{"callback_query_id": "q1"}] * 2
    assert len(await read_secretary_queue(redis)) == 1


async def test_other_updates_are_logged_and_ignored(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    chat = {"id": 7, "type": "private"}
    await update_processor.process_batch(
        [
            updates.update("my_chat_member", {"chat": chat, "new_chat_member": {"status": "left"}}),
            updates.update("stopped_message_generation", {"chat": chat, "draft_id": 1}),
            updates.update("guest_message", {"whatever": 1}),
            updates.update("guest_message", {"whatever": 2}),
            updates.message(None, text="from a channel", **{"from": None}),
        ]
    )
    assert await read_secretary_queue(redis) == []
    assert await read_dead_letters(redis) == []


async def test_unreadable_update_becomes_a_dead_letter(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    broken = updates.message("lost?", chat={"id": "seven", "type": "private"})
    await update_processor.process_batch([broken, "nonsense", None, updates.message("fine")])

    assert len(await read_secretary_queue(redis)) == 1
    letters = await read_dead_letters(redis)
    assert [letter.queue for letter in letters] == ["queue:to_secretary"] * 3
    assert '"lost?"' in letters[0].payload
    assert letters[0].reason.startswith("message.chat.id")


@pytest.mark.clock("virtual")
async def test_slow_rest_service_delays_only_its_chat(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    rest.is_hanging = True
    taking = asyncio.create_task(
        update_processor.process_batch(
            [updates.message("/start", telegram_id=8), updates.message("hello")]
        )
    )
    async with asyncio.timeout(2):
        while not await read_secretary_queue(redis):
            await asyncio.sleep(0.01)
    assert not taking.done()

    async with asyncio.timeout(5):
        await taking
    (answer,) = await read_telegram_queue(redis)
    assert isinstance(answer, Notice)
    assert (answer.chat_id, answer.notice) == (8, "try_again_later")


def test_greatest_update_id_ignores_invalid_updates() -> None:
    batch = [{"update_id": 5}, {"update_id": "9"}, {"update_id": True}, {}, 7, {"update_id": 3}]
    assert find_max_update_id(batch) == 5
    assert find_max_update_id([{}, None]) is None
    assert find_max_update_id([]) is None


def _find_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Yield every path in a JSON document."""
    if not isinstance(value, dict | list):
        return []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [
        found for key, part in inner for found in [(*path, key), *_find_paths(part, (*path, key))]
    ]


VALID_UPDATES = [
    updates.message("/start code", telegram_id=9),
    updates.message(
        None, caption="c", photo=PHOTO, voice={"file_id": "v"}, media_group_id="g", entities=[{}]
    ),
    updates.group_message("@fake_bot hi"),
    updates.update("callback_query", {"id": "q", "from": updates.user(), "message": {"date": 0}}),
    updates.message(None, rich_message={"blocks": [{"text": ["a", {"text": "b"}]}]}),
    updates.callback_query("model:default"),
]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.just("\ud83d"),
    st.just([]),
    st.just([[{}]]),
    st.just({}),
    st.just({"id": -1}),
)


@given(st.data())
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_broken_update_does_not_stop_the_next(
    update_processor: UpdateProcessor, redis: Redis, data: st.DataObject
) -> None:
    await process_corrupted_update(update_processor, redis, data)


@pytest.mark.slow
@given(st.data())
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_many_broken_updates_do_not_stop_the_next(
    update_processor: UpdateProcessor, redis: Redis, data: st.DataObject
) -> None:
    await process_corrupted_update(update_processor, redis, data)


async def process_corrupted_update(
    update_processor: UpdateProcessor, redis: Redis, data: st.DataObject
) -> None:
    """Change an update in one to three places; the next update must still be handled."""
    await redis.flushdb()
    update = copy.deepcopy(data.draw(st.sampled_from(VALID_UPDATES)))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _find_paths(update)
        if not places:
            break
        *path, last = data.draw(st.sampled_from(places))
        holder = update
        for key in path:
            holder = holder[key]
        if data.draw(st.booleans()):
            holder[last] = copy.deepcopy(data.draw(JUNK))
        else:
            del holder[last]
    await update_processor.process_batch([update, updates.message("fine", telegram_id=55)])

    assert [message for message in await read_secretary_queue(redis) if message.chat_id == 55]
