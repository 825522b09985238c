import pytest

from smart_kit.contracts.queue import Notice
from smart_kit.redis import Redis
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.intake import Intake
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeIntake
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import to_telegram

NOBODY = AllowList()


async def said(redis: Redis) -> list[tuple[str, dict[str, str]]]:
    return [
        (one.notice, one.parameters) for one in await to_telegram(redis) if isinstance(one, Notice)
    ]


@pytest.mark.parametrize("sizes", [(1, 1), (2,)], ids=["one by one", "at once"])
async def test_somebody_new_is_welcomed_and_known_from_then_on(
    intake: Intake, redis: Redis, rest: FakeRestService, sizes: tuple[int, ...]
) -> None:
    for size in sizes:
        await intake.take([updates.message("/start") for _ in range(size)])

    assert await said(redis) == [
        ("welcome", {"first_name": "Anna"}),
        ("welcome_back", {"first_name": "Anna"}),
    ]
    assert rest.users[7].first_name == "Anna"
    assert [call.method for call in rest.calls] == ["GET", "POST"]


async def test_who_is_known_is_greeted_without_asking(
    intake: Intake, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add(7)
    await intake.take([updates.message("/start")])
    assert [name for name, _ in await said(redis)] == ["welcome_back"]
    assert rest.calls == []


@pytest.mark.parametrize("status", [500, 400])
async def test_a_failing_service_is_confessed(
    intake: Intake, redis: Redis, rest: FakeRestService, status: int
) -> None:
    rest.failure = status
    await intake.take([updates.message("/start")])
    assert await said(redis) == [("try_again_later", {})]


class TestInvitation:
    @pytest.fixture
    def closed(self, make_intake: MakeIntake) -> Intake:
        return make_intake(NOBODY)

    async def test_a_good_code_lets_in(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.codes.add("c0de_-")
        await closed.take([updates.message("/start c0de_-")])
        assert await said(redis) == [("paired", {"first_name": "Anna"})]
        assert rest.users[7].is_invited

    @pytest.mark.parametrize("code", ["wrong", "not a code", "../users", "x" * 65, "ключ"])
    async def test_a_bad_code_does_not(
        self, closed: Intake, redis: Redis, rest: FakeRestService, code: str
    ) -> None:
        await closed.take([updates.message(f"/start {code}")])
        assert await said(redis) == [("pairing_failed", {})]
        assert len(rest.calls) == (code == "wrong")

    async def test_a_code_works_once(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.codes.add("c0de")
        await closed.take([updates.message("/start c0de"), updates.message("/start c0de", 8)])
        assert [name for name, _ in await said(redis)] == ["paired", "pairing_failed"]

    async def test_the_same_update_once_more_after_a_crash_does_not_shut_the_door(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.codes.add("c0de")
        update = updates.message("/start c0de")
        await closed.take([update])
        await redis.delete("queue:to_telegram:waiting:tg:424242:7", "queue:to_telegram:seen")
        await closed.take([update])
        assert [name for name, _ in await said(redis)] == ["welcome_back"]

    async def test_five_tries_an_hour(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        for _ in range(8):
            await closed.take([updates.message("/start guess")])
        assert len(rest.calls) == 5
        names = [name for name, _ in await said(redis)]
        assert names == ["pairing_failed"] * 5 + ["not_permitted"]
        assert 3500 < await redis.ttl("tg_bot:424242:tries:7") <= 3600

    async def test_somebody_else_has_their_own_tries(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.codes.add("c0de")
        await closed.take([updates.message("/start guess") for _ in range(9)])
        await closed.take([updates.message("/start c0de", telegram_id=8)])
        assert rest.users[8].is_invited

    async def test_who_is_blocked_may_not_try(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.codes.add("c0de")
        await rest.add(7, status="blocked")
        await closed.take([updates.message("/start c0de")])
        assert await said(redis) == []
        assert rest.calls == []

    async def test_who_may_talk_anyway_is_greeted_over_an_old_link(
        self, intake: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add(7)
        await intake.take([updates.message("/start old")])
        assert [name for name, _ in await said(redis)] == ["welcome_back"]

    async def test_a_failing_service_is_confessed(
        self, closed: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.failure = 502
        await closed.take([updates.message("/start c0de")])
        assert await said(redis) == [("try_again_later", {})]
