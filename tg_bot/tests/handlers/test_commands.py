import re
from typing import get_args
from uuid import uuid4
from zoneinfo import available_timezones

import pytest

from smart_kit.contracts.queue import Notice, UserCommand, UserCommandName
from smart_kit.redis import Redis
from tg_bot.src.handlers.buttons import BUTTONS
from tg_bot.src.handlers.commands import COMMANDS
from tg_bot.src.handlers.incoming import CommandCall, parse_command
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.queue_contents import read_secretary_queue, read_telegram_queue


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("/help", CommandCall("help", None, "")),
        ("/HELP", CommandCall("help", None, "")),
        ("/start  code", CommandCall("start", None, "code")),
        ("/start@fake_bot a\nb", CommandCall("start", "fake_bot", "a\nb")),
        ("/", None),
        ("/usr/bin", None),
        ("/помощь", None),
        ("/help!", None),
        ("see /help", None),
        ("/" + "a" * 33, None),
    ],
)
def test_commands_are_distinguished_from_other_texts(text: str, call: CommandCall | None) -> None:
    assert parse_command(text) == call


def test_command_names_are_valid_in_telegram() -> None:
    names = [command.name for command in COMMANDS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_]{1,32}", name) for name in names)


def test_every_kind_of_button_fits_into_callback_data() -> None:
    longest_zone = max(available_timezones(), key=len)
    for kind in BUTTONS:
        value = longest_zone if kind.startswith("timezone") else str(uuid4())
        assert len(f"{kind}:{value}".encode()) <= 64


@pytest.mark.parametrize("name", get_args(UserCommandName))
async def test_queued_commands_keep_their_order(
    update_processor: UpdateProcessor, redis: Redis, name: str
) -> None:
    texts = ("a", f"/{name} Anna B", "b")
    await update_processor.process_batch([updates.message(text) for text in texts])
    first, second, third = await read_secretary_queue(redis)
    assert (first.kind, third.kind) == ("user_message", "user_message")
    assert isinstance(second, UserCommand)
    assert (second.name, second.argument) == (name, "Anna B")


@pytest.mark.parametrize(
    ("text", "name"),
    [("/help", "help"), ("/nonsense", "unknown_command"), ("/other x", "unknown_command")],
)
async def test_immediate_commands_are_answered_by_a_notice(
    update_processor: UpdateProcessor, redis: Redis, text: str, name: str
) -> None:
    update = updates.message(text, **{"from": updates.user(language_code="ru")})
    await update_processor.process_batch([update])

    (answer,) = await read_telegram_queue(redis)
    assert isinstance(answer, Notice)
    assert answer.notice == name
    assert answer.id == f"reply:tg:424242:{update['update_id']}"
    assert answer.language_code == "ru"
    assert await read_secretary_queue(redis) == []
