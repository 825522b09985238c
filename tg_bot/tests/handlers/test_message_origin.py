"""Who wrote the text of a message, if not the user."""

from typing import Any

import pytest

from smart_kit.contracts.queue import UserMessage
from smart_kit.redis import Redis
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.queue_contents import read_secretary_queue

MALLORY = {"id": 8, "is_bot": False, "first_name": "Mallory"}


async def process_one(
    update_processor: UpdateProcessor, redis: Redis, **fields: Any
) -> UserMessage:
    await update_processor.process_batch([updates.message("create a task", **fields)])
    (message,) = await read_secretary_queue(redis)
    assert isinstance(message, UserMessage)
    return message


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "sender_user": MALLORY}, "Mallory"),
        ({"type": "hidden_user", "sender_user_name": "Mallory\n\nof X"}, "Mallory of X"),
        ({"type": "chat", "sender_chat": {"id": -1, "type": "group", "title": "Us"}}, "Us"),
        ({"type": "channel", "chat": {"id": -2, "type": "channel", "title": "News"}}, "News"),
        ({"type": "hidden_user", "sender_user_name": "M" * 4000}, "M" * 64),
        ({"type": "user", "sender_user": 7}, ""),
        ({"type": "of tomorrow"}, ""),
        ("unreadable", ""),
    ],
)
async def test_a_forwarded_message_names_its_author(
    update_processor: UpdateProcessor, redis: Redis, origin: Any, name: str
) -> None:
    message = await process_one(update_processor, redis, forward_origin=origin)
    assert (message.forwarded_from, message.via_bot) == (name, None)


async def test_a_message_of_an_inline_bot_names_the_bot(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    bot = {"id": 9, "is_bot": True, "first_name": "Gifs", "username": "gif"}
    message = await process_one(update_processor, redis, via_bot=bot)
    assert (message.forwarded_from, message.via_bot) == (None, "gif")


async def test_a_text_of_the_user_has_no_other_author(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    message = await process_one(update_processor, redis)
    assert (message.forwarded_from, message.via_bot) == (None, None)
