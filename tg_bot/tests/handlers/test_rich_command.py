"""/rich switches rich messages on and off."""

import pytest

from smart_kit.contracts.queue import Notice
from smart_kit.redis import Redis
from tg_bot.src.handlers.rich_command import RICH_OFF, RICH_ON
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import read_secretary_queue, read_telegram_queue


async def read_notices(redis: Redis) -> list[str]:
    """Return the name of each notice; of a command's own text, the text."""
    notices = [
        message for message in await read_telegram_queue(redis) if isinstance(message, Notice)
    ]
    return [notice.parameters.get("text", notice.notice) for notice in notices]


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (True, "/rich off", False),
        (False, "/rich ON", True),
        (True, "/rich выкл", False),
        (False, "/rich вкл", True),
    ],
)
async def test_setting_is_saved_and_confirmed(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    before: bool,
    text: str,
    after: bool,
) -> None:
    person = await rest.add_user(7, rich_messages=before)
    await update_processor.process_batch([updates.message(text)])

    assert rest.users[7].rich_messages is after
    (call,) = rest.calls
    assert (call.method, call.headers["X-User-Id"]) == ("PATCH", str(person.id))
    assert await read_notices(redis) == [RICH_ON if after else RICH_OFF]
    assert await read_secretary_queue(redis) == []


@pytest.mark.parametrize("text", ["/rich", "/rich perhaps", "/rich on"])
async def test_current_setting_is_shown_without_a_change(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, text: str
) -> None:
    await rest.add_user(7)
    await update_processor.process_batch([updates.message(text)])
    assert await read_notices(redis) == [RICH_ON]
    assert rest.calls == []


async def test_new_user_can_change_the_setting(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await update_processor.process_batch([updates.message("/rich off")])
    assert rest.users[7].rich_messages is False
    assert await read_notices(redis) == [RICH_OFF]


async def test_rest_failure_asks_to_try_again_later(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    rest.failure_status = 400
    await update_processor.process_batch([updates.message("/rich off")])
    assert await read_notices(redis) == ["try_again_later"]
