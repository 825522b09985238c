"""Who may talk, and what it costs when somebody may not."""

import pytest
from structlog.testing import capture_logs

from smart_kit.contracts.queue import Notice, UserMessage
from smart_kit.redis import Redis
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.dispatcher import Dispatcher
from tg_bot.src.services.intake import Intake
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeIntake
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import dead_letters, to_secretary, to_telegram

NOBODY = AllowList()
EVERYBODY = AllowList(everyone=True)
ANNA = AllowList(frozenset({7}))


async def notices(redis: Redis) -> list[str]:
    return [one.notice for one in await to_telegram(redis) if isinstance(one, Notice)]


@pytest.mark.parametrize(
    ("allowed", "person", "is_served", "is_told"),
    [
        (NOBODY, None, False, True),
        (NOBODY, {}, False, True),
        (NOBODY, {"is_invited": True}, True, False),
        (NOBODY, {"is_invited": True, "status": "blocked"}, False, False),
        (NOBODY, {"role": "owner"}, False, True),
        (ANNA, None, True, False),
        (ANNA, {"status": "blocked"}, False, False),
        (AllowList(frozenset({8})), None, False, True),
        (EVERYBODY, None, True, False),
        (EVERYBODY, {"status": "blocked"}, False, False),
    ],
)
async def test_who_may_talk(
    make_intake: MakeIntake,
    rest: FakeRestService,
    redis: Redis,
    allowed: AllowList,
    person: dict[str, object] | None,
    is_served: bool,
    is_told: bool,
) -> None:
    if person is not None:
        await rest.add(7, **person)
    await make_intake(allowed).take([updates.message("hello")])

    assert bool(await to_secretary(redis)) == is_served
    assert await notices(redis) == (["not_permitted"] if is_told else [])
    assert rest.calls == []


@pytest.mark.parametrize("text", ["hello", "/start", "/help", "/new", "/other"])
async def test_a_stranger_is_refused_from_redis_alone_and_told_their_number(
    make_intake: MakeIntake, rest: FakeRestService, redis: Redis, text: str
) -> None:
    with capture_logs() as logs:
        await make_intake(NOBODY).take([updates.message(text)])

    (answer,) = await to_telegram(redis)
    assert isinstance(answer, Notice)
    assert answer.parameters == {"telegram_id": "7"}
    assert [one["telegram_id"] for one in logs if one["event"] == "refused"] == [7]
    assert await to_secretary(redis) == []
    assert rest.calls == []


async def test_a_stranger_is_told_once_an_hour(make_intake: MakeIntake, redis: Redis) -> None:
    intake = make_intake(NOBODY)
    for _ in range(3):
        await intake.take([updates.message("let me in"), updates.message("please")])
    await intake.take([updates.message("and me?", telegram_id=8)])

    assert [one.chat_id for one in await to_telegram(redis)] == [7, 8]
    assert 3500 < await redis.ttl("tg_bot:424242:refused:7") <= 3600


async def test_a_refusal_that_was_lost_in_a_crash_is_made_again(
    make_intake: MakeIntake, redis: Redis
) -> None:
    """The crash came after the hour had begun and before the refusal was in the queue."""
    update = updates.message("hello")
    await make_intake(NOBODY).take([update])
    await redis.delete(
        "queue:to_telegram:waiting:tg:424242:7",
        "queue:to_telegram:seen",
        "queue:to_telegram:active",
        "queue:to_telegram",
    )
    await make_intake(NOBODY).take([update])
    assert await notices(redis) == ["not_permitted"]


async def test_bots_are_ignored(intake: Intake, redis: Redis) -> None:
    await intake.take([updates.message("hello", **{"from": updates.user(is_bot=True)})])
    assert await to_secretary(redis) == []
    assert await to_telegram(redis) == []


async def test_the_senders_id_counts_and_no_other(make_intake: MakeIntake, redis: Redis) -> None:
    """Neither the chat, nor a name, nor who wrote what is forwarded or answered."""
    mallory = updates.message(
        "hello",
        telegram_id=66,
        chat={"id": 7, "type": "private"},
        forward_origin={"type": "user", "sender_user": updates.user(7)},
        reply_to_message={"message_id": 1, "from": updates.user(7)},
    )
    await make_intake(ANNA).take([mallory])
    assert await to_secretary(redis) == []


class TestGroups:
    @pytest.mark.parametrize(
        "text", ["/help", "/help@Fake_Bot", "hi @fake_bot!", "@FAKE_BOT: hi", "/start code"]
    )
    async def test_who_speaks_to_the_bot_is_told_where_to_go(
        self, intake: Intake, redis: Redis, rest: FakeRestService, text: str
    ) -> None:
        await intake.take([updates.group_message(text)])
        assert await notices(redis) == ["private_chats_only"]
        assert await to_secretary(redis) == []
        assert rest.calls == []

    @pytest.mark.parametrize(
        "text", ["hello all", "/help@other_bot", "@fake_bot2 hi", "x@fake_bot", "@fake_botany"]
    )
    async def test_who_speaks_to_others_is_left_alone(
        self, intake: Intake, redis: Redis, text: str
    ) -> None:
        await intake.take([updates.group_message(text)])
        assert await to_telegram(redis) == []

    async def test_a_bot_that_does_not_know_its_name_yet_answers_only_bare_commands(
        self, intake: Intake, redis: Redis
    ) -> None:
        intake._dispatcher = Dispatcher(intake._dispatcher._context)
        for text in ("hi @ all", "hi @fake_bot", "/help@fake_bot"):
            await intake.take([updates.group_message(text)])
        assert await to_telegram(redis) == []
        assert await dead_letters(redis) == []

        await intake.take([updates.group_message("/help")])
        assert await notices(redis) == ["private_chats_only"]

    async def test_once_a_day_and_group(self, intake: Intake, redis: Redis) -> None:
        await intake.take([updates.group_message("/help") for _ in range(3)])
        await intake.take([updates.group_message("/help", chat_id=-5)])
        assert await notices(redis) == ["private_chats_only"] * 2
        assert 86_000 < await redis.ttl("tg_bot:424242:group:-5") <= 86_400

    async def test_somebody_blocked_is_not_answered_there_either(
        self, intake: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add(7, status="blocked")
        await intake.take([updates.group_message("/help")])
        assert await to_telegram(redis) == []


async def test_a_command_to_another_bot_is_still_a_command_in_a_private_chat(
    intake: Intake, redis: Redis
) -> None:
    await intake.take([updates.message("/help@other_bot")])
    assert await notices(redis) == ["help"]


async def test_who_is_let_in_is_heard_at_once(
    make_intake: MakeIntake, redis: Redis, rest: FakeRestService
) -> None:
    """Both were waiting in Telegram while the bot was away."""
    rest.codes.add("c0de")
    await make_intake(NOBODY).take([updates.message("/start c0de"), updates.message("hello")])

    assert await notices(redis) == ["paired"]
    (message,) = await to_secretary(redis)
    assert isinstance(message, UserMessage)
