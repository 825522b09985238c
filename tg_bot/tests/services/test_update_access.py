"""Who has access, and how senders without access are answered."""

import pytest
from structlog.testing import capture_logs

from smart_kit.contracts.queue import Notice, UserMessage
from smart_kit.redis import Redis
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.dispatcher import Dispatcher
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeUpdateProcessor
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import read_dead_letters, read_secretary_queue, read_telegram_queue
from tg_bot.tests.queue_messages import BOT_ID

ALLOW_NOBODY = AllowList()
ALLOW_EVERYBODY = AllowList(everyone=True)
ALLOW_ANNA = AllowList((7,))


async def read_notices(redis: Redis) -> list[str]:
    return [
        message.notice
        for message in await read_telegram_queue(redis)
        if isinstance(message, Notice)
    ]


@pytest.mark.parametrize(
    ("allowed", "person", "is_served", "is_notified"),
    [
        (ALLOW_NOBODY, None, False, True),
        (ALLOW_NOBODY, {}, False, True),
        (ALLOW_NOBODY, {"is_invited": True}, True, False),
        (ALLOW_NOBODY, {"is_invited": True, "status": "blocked"}, False, False),
        (ALLOW_NOBODY, {"role": "owner"}, False, True),
        (ALLOW_ANNA, None, True, False),
        (ALLOW_ANNA, {"status": "blocked"}, False, False),
        (AllowList((8,)), None, False, True),
        (ALLOW_EVERYBODY, None, True, False),
        (ALLOW_EVERYBODY, {"status": "blocked"}, False, False),
    ],
)
async def test_access_decides_what_is_enqueued(
    make_update_processor: MakeUpdateProcessor,
    rest: FakeRestService,
    redis: Redis,
    allowed: AllowList,
    person: dict[str, object] | None,
    is_served: bool,
    is_notified: bool,
) -> None:
    if person is not None:
        await rest.add_user(7, **person)
    await make_update_processor(allowed).process_batch([updates.message("hello")])

    assert bool(await read_secretary_queue(redis)) == is_served
    assert await read_notices(redis) == (["not_permitted"] if is_notified else [])
    assert rest.calls == []


@pytest.mark.parametrize("text", ["hello", "/start", "/help", "/new", "/other"])
async def test_stranger_is_refused_with_their_telegram_id(
    make_update_processor: MakeUpdateProcessor, rest: FakeRestService, redis: Redis, text: str
) -> None:
    with capture_logs() as logs:
        await make_update_processor(ALLOW_NOBODY).process_batch([updates.message(text)])

    (answer,) = await read_telegram_queue(redis)
    assert isinstance(answer, Notice)
    assert answer.parameters == {"telegram_id": "7"}
    assert [line["telegram_id"] for line in logs if line["event"] == "user refused"] == [7]
    assert await read_secretary_queue(redis) == []
    assert rest.calls == []


async def test_a_stranger_is_notified_once_an_hour(
    make_update_processor: MakeUpdateProcessor, redis: Redis
) -> None:
    processor = make_update_processor(ALLOW_NOBODY)
    for _ in range(3):
        await processor.process_batch([updates.message("let me in"), updates.message("please")])
    await processor.process_batch([updates.message("and me?", telegram_id=8)])

    assert [message.chat_id for message in await read_telegram_queue(redis)] == [7, 8]
    assert 3500 < await redis.ttl("tg_bot:424242:refused:7") <= 3600


async def test_refusal_is_repeated_after_a_crash(
    make_update_processor: MakeUpdateProcessor, redis: Redis
) -> None:
    """The crash comes after the hour was claimed and before the refusal is in the queue."""
    update = updates.message("hello")
    await make_update_processor(ALLOW_NOBODY).process_batch([update])
    await redis.delete(
        "queue:to_telegram:waiting:tg:424242:7",
        "queue:to_telegram:seen",
        "queue:to_telegram:active",
        "queue:to_telegram",
    )
    await make_update_processor(ALLOW_NOBODY).process_batch([update])
    assert await read_notices(redis) == ["not_permitted"]


async def test_bots_are_ignored(update_processor: UpdateProcessor, redis: Redis) -> None:
    await update_processor.process_batch(
        [updates.message("hello", **{"from": updates.user(is_bot=True)})]
    )
    assert await read_secretary_queue(redis) == []
    assert await read_telegram_queue(redis) == []


async def test_access_depends_on_the_sender_id(
    make_update_processor: MakeUpdateProcessor, redis: Redis
) -> None:
    """Access does not depend on the chat, on names, or on authors of quoted messages."""
    mallory = updates.message(
        "hello",
        telegram_id=66,
        chat={"id": 7, "type": "private"},
        forward_origin={"type": "user", "sender_user": updates.user(7)},
        reply_to_message={"message_id": 1, "from": updates.user(7)},
    )
    await make_update_processor(ALLOW_ANNA).process_batch([mallory])
    assert await read_secretary_queue(redis) == []


class TestGroups:
    @pytest.mark.parametrize(
        "text", ["/help", "/help@Fake_Bot", "hi @fake_bot!", "@FAKE_BOT: hi", "/start code"]
    )
    async def test_addressed_group_message_gets_a_notice(
        self, update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, text: str
    ) -> None:
        await update_processor.process_batch([updates.group_message(text)])
        assert await read_notices(redis) == ["private_chats_only"]
        assert await read_secretary_queue(redis) == []
        assert rest.calls == []

    @pytest.mark.parametrize(
        "text", ["hello all", "/help@other_bot", "@fake_bot2 hi", "x@fake_bot", "@fake_botany"]
    )
    async def test_other_group_messages_are_ignored(
        self, update_processor: UpdateProcessor, redis: Redis, text: str
    ) -> None:
        await update_processor.process_batch([updates.group_message(text)])
        assert await read_telegram_queue(redis) == []

    async def test_bot_without_username_answers_only_bare_commands(
        self, update_processor: UpdateProcessor, redis: Redis
    ) -> None:
        context = update_processor._dispatcher._services
        update_processor._dispatcher = Dispatcher(BOT_ID, context)
        for text in ("hi @ all", "hi @fake_bot", "/help@fake_bot"):
            await update_processor.process_batch([updates.group_message(text)])
        assert await read_telegram_queue(redis) == []
        assert await read_dead_letters(redis) == []

        await update_processor.process_batch([updates.group_message("/help")])
        assert await read_notices(redis) == ["private_chats_only"]

    async def test_group_notice_is_sent_once_a_day(
        self, update_processor: UpdateProcessor, redis: Redis
    ) -> None:
        await update_processor.process_batch([updates.group_message("/help") for _ in range(3)])
        await update_processor.process_batch([updates.group_message("/help", chat_id=-5)])
        assert await read_notices(redis) == ["private_chats_only"] * 2
        assert 86_000 < await redis.ttl("tg_bot:424242:group:-5") <= 86_400

    async def test_blocked_user_gets_no_group_notice(
        self, update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add_user(7, status="blocked")
        await update_processor.process_batch([updates.group_message("/help")])
        assert await read_telegram_queue(redis) == []


async def test_private_command_may_name_another_bot(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    await update_processor.process_batch([updates.message("/help@other_bot")])
    assert await read_notices(redis) == ["help"]


async def test_invited_user_has_access_at_once(
    make_update_processor: MakeUpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    """Both updates were pending at Telegram while the bot was down."""
    rest.invite_codes.add("c0de")
    await make_update_processor(ALLOW_NOBODY).process_batch(
        [updates.message("/start c0de"), updates.message("hello")]
    )

    assert await read_notices(redis) == ["invite_redeemed"]
    (message,) = await read_secretary_queue(redis)
    assert isinstance(message, UserMessage)
