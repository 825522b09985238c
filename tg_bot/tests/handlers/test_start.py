import pytest

from smart_kit.contracts.queue import Notice
from smart_kit.redis import Redis
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeUpdateProcessor
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import read_telegram_queue

ALLOW_NOBODY = AllowList()


async def read_notices(redis: Redis) -> list[tuple[str, dict[str, str]]]:
    return [
        (message.notice, message.parameters)
        for message in await read_telegram_queue(redis)
        if isinstance(message, Notice)
    ]


@pytest.mark.parametrize("sizes", [(1, 1), (2,)], ids=["one by one", "at once"])
async def test_new_user_is_created_and_welcomed(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, sizes: tuple[int, ...]
) -> None:
    for size in sizes:
        await update_processor.process_batch([updates.message("/start") for _ in range(size)])

    assert await read_notices(redis) == [
        ("welcome", {"first_name": "Anna"}),
        ("welcome_back", {"first_name": "Anna"}),
    ]
    assert rest.users[7].first_name == "Anna"
    assert [call.method for call in rest.calls] == ["GET", "POST"]


async def test_known_user_is_greeted_without_a_request(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    await update_processor.process_batch([updates.message("/start")])
    assert [name for name, _ in await read_notices(redis)] == ["welcome_back"]
    assert rest.calls == []


@pytest.mark.parametrize("status", [500, 400])
async def test_rest_failure_asks_to_try_again_later(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, status: int
) -> None:
    rest.failure_status = status
    await update_processor.process_batch([updates.message("/start")])
    assert await read_notices(redis) == [("try_again_later", {})]


class TestInvitation:
    @pytest.fixture
    def invite_only_processor(self, make_update_processor: MakeUpdateProcessor) -> UpdateProcessor:
        return make_update_processor(ALLOW_NOBODY)

    async def test_valid_code_grants_access(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.invite_codes.add("c0de_-")
        await invite_only_processor.process_batch([updates.message("/start c0de_-")])
        assert await read_notices(redis) == [("invite_redeemed", {"first_name": "Anna"})]
        assert rest.users[7].is_invited

    @pytest.mark.parametrize("code", ["wrong", "not a code", "../users", "x" * 65, "ключ"])
    async def test_invalid_code_grants_no_access(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, code: str
    ) -> None:
        await invite_only_processor.process_batch([updates.message(f"/start {code}")])
        assert await read_notices(redis) == [("invite_invalid", {})]
        assert len(rest.calls) == (code == "wrong")

    async def test_code_works_once(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.invite_codes.add("c0de")
        await invite_only_processor.process_batch(
            [updates.message("/start c0de"), updates.message("/start c0de", 8)]
        )
        assert [name for name, _ in await read_notices(redis)] == [
            "invite_redeemed",
            "invite_invalid",
        ]

    async def test_repeated_update_keeps_the_granted_access(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.invite_codes.add("c0de")
        update = updates.message("/start c0de")
        await invite_only_processor.process_batch([update])
        await redis.delete("queue:to_telegram:waiting:tg:424242:7", "queue:to_telegram:seen")
        await invite_only_processor.process_batch([update])
        assert [name for name, _ in await read_notices(redis)] == ["welcome_back"]

    async def test_five_attempts_per_hour_are_allowed(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        for _ in range(8):
            await invite_only_processor.process_batch([updates.message("/start guess")])
        assert len(rest.calls) == 5
        names = [name for name, _ in await read_notices(redis)]
        assert names == ["invite_invalid"] * 5 + ["not_permitted"]
        assert 3500 < await redis.ttl("tg_bot:424242:invite_attempts:7") <= 3600

    async def test_attempts_are_counted_per_user(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.invite_codes.add("c0de")
        await invite_only_processor.process_batch(
            [updates.message("/start guess") for _ in range(9)]
        )
        await invite_only_processor.process_batch([updates.message("/start c0de", telegram_id=8)])
        assert rest.users[8].is_invited

    async def test_blocked_user_cannot_redeem_a_code(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.invite_codes.add("c0de")
        await rest.add_user(7, status="blocked")
        await invite_only_processor.process_batch([updates.message("/start c0de")])
        assert await read_notices(redis) == []
        assert rest.calls == []

    async def test_allowed_user_is_greeted_despite_an_old_link(
        self, update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add_user(7)
        await update_processor.process_batch([updates.message("/start old")])
        assert [name for name, _ in await read_notices(redis)] == ["welcome_back"]

    async def test_rest_failure_asks_to_try_again_later(
        self, invite_only_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.failure_status = 502
        await invite_only_processor.process_batch([updates.message("/start c0de")])
        assert await read_notices(redis) == [("try_again_later", {})]
