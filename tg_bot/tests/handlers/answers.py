"""Reads what the bot answers at once."""

from smart_kit.contracts.queue import Notice
from smart_kit.redis import Redis
from tg_bot.tests.queue_contents import read_telegram_queue


async def read_answers(redis: Redis) -> list[Notice]:
    """Return the notices in queue:to_telegram."""
    return [message for message in await read_telegram_queue(redis) if isinstance(message, Notice)]


async def read_answer(redis: Redis) -> Notice:
    """Return the only notice."""
    (notice,) = await read_answers(redis)
    return notice


async def read_text(redis: Redis) -> str:
    """Return the own text of the only notice, which a command has written."""
    notice = await read_answer(redis)
    assert notice.notice == "command_reply", notice
    return notice.parameters["text"]


def list_buttons(notice: Notice) -> list[tuple[str, str]]:
    """Return label and callback data of each button."""
    assert all(len(button.data.encode()) <= 64 for button in notice.buttons)
    return [(button.label, button.data) for button in notice.buttons]
