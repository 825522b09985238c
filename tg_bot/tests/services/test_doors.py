"""What the bot remembers of people: who they are, who turned it away, and what they were told."""

import pytest
from structlog.testing import capture_logs

from smart_kit.contracts.keys import user_key
from smart_kit.redis import Redis
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.access import Access, Addressee
from tg_bot.tests.fake_rest_service import FakeRestService

BLOCKED = "Forbidden: bot was blocked by the user"


@pytest.fixture
async def access(redis: Redis) -> Access:
    return Access(redis, 42, AllowList())


async def transactions(redis: Redis) -> int:
    """How many the server has executed so far."""
    statistics = await redis.info("commandstats")
    return int(statistics.get("cmdstat_exec", {}).get("calls", 0))


class TestPeople:
    async def test_those_whom_the_suite_knows_are_found_by_their_number(
        self, access: Access, rest: FakeRestService
    ) -> None:
        anna, bob = await rest.add(9, first_name="Anna"), await rest.add(5, first_name="Bob")

        people = await access.read_people([9, 6, 5, 9])

        assert {one: person.id for one, person in people.items()} == {5: bob.id, 9: anna.id}
        assert await access.meet([9, 6, 5, 9]) == people

    async def test_of_nobody_nothing_is_asked(self, access: Access) -> None:
        assert await access.read_people([]) == {}
        assert await access.meet([]) == {}

    async def test_who_is_heard_of_is_tried_again_and_nobody_else(
        self, access: Access, redis: Redis
    ) -> None:
        for chat_id in (5, 6, 7):
            await access.turned_away(chat_id, BLOCKED)

        await access.read_people([5, 6])
        assert await redis.exists(*(f"tg_bot:42:turned_away:{one}" for one in (5, 6, 7))) == 3
        await access.meet([6, 5])

        assert [(await access.read_addressee(one)).silence for one in (5, 6, 7)] == [
            None,
            None,
            BLOCKED,
        ]

    async def test_a_record_that_cannot_be_read_counts_as_none_and_is_told_to_the_operator(
        self, access: Access, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add(5)
        await redis.set(user_key(6), '{"telegram_id": "six", "role": "king"}')

        with capture_logs() as lines:
            people = await access.read_people([5, 6])
            assert await access.read_addressee(6) == Addressee(None, None)

        assert set(people) == {5}
        assert len(lines) == 2
        for line in lines:
            assert (line["log_level"], line["event"]) == (
                "error",
                "user snapshot cannot be read",
            )
            assert line["problems"] > 1


class TestAddressee:
    async def test_somebody_known_hears_what_is_sent(
        self, access: Access, rest: FakeRestService
    ) -> None:
        user = await rest.add(7)

        addressee = await access.read_addressee(7)

        assert addressee.person is not None
        assert addressee.person.id == user.id
        assert (addressee.turned_us_away, addressee.silence) == (None, None)

    async def test_so_does_somebody_unknown(self, access: Access) -> None:
        addressee = await access.read_addressee(7)
        assert (addressee, addressee.silence) == (Addressee(None, None), None)

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_who_turned_the_bot_away_does_not_for_a_day(
        self, access: Access, redis: Redis, rest: FakeRestService, is_known: bool
    ) -> None:
        if is_known:
            await rest.add(7)
        await access.turned_away(7, BLOCKED)

        assert (await access.read_addressee(7)).silence == BLOCKED
        assert (await access.read_addressee(8)).silence is None
        assert 86_000 < await redis.ttl("tg_bot:42:turned_away:7") <= 86_400

    async def test_who_is_blocked_does_not_whatever_telegram_said(
        self, access: Access, rest: FakeRestService
    ) -> None:
        await rest.add(7, status="blocked")
        assert (await access.read_addressee(7)).silence == "the person is blocked"
        await access.turned_away(7, BLOCKED)
        assert (await access.read_addressee(7)).silence == "the person is blocked"

    async def test_another_bot_may_be_let_in_all_the_same(
        self, access: Access, redis: Redis
    ) -> None:
        await access.turned_away(7, BLOCKED)
        assert (await Access(redis, 43, AllowList()).read_addressee(7)).silence is None


class TestToldOnce:
    async def test_a_refusal_is_said_once_an_hour_and_again_for_the_same_message(
        self, access: Access, redis: Redis
    ) -> None:
        told = [
            await access.may_be_refused(telegram_id, message_id)
            for telegram_id, message_id in ((7, "a"), (7, "b"), (7, "a"), (8, "b"))
        ]

        assert told == [True, False, True, True]
        assert 3500 < await redis.ttl("tg_bot:42:refused:7") <= 3600

    async def test_the_hour_begins_with_the_first_refusal_and_not_anew(
        self, access: Access, redis: Redis
    ) -> None:
        await access.may_be_refused(7, "a")
        await redis.expire("tg_bot:42:refused:7", 60)

        assert not await access.may_be_refused(7, "b")
        assert await access.may_be_refused(7, "a")

        assert await redis.ttl("tg_bot:42:refused:7") <= 60

    async def test_a_group_is_sent_away_once_a_day(self, access: Access, redis: Redis) -> None:
        told = [
            await access.may_be_sent_away(chat_id, message_id)
            for chat_id, message_id in ((-7, "a"), (-7, "b"), (-7, "a"), (-8, "b"))
        ]

        assert told == [True, False, True, True]
        assert 86_000 < await redis.ttl("tg_bot:42:group:-7") <= 86_400

    async def test_a_person_and_a_group_of_one_number_are_two(self, access: Access) -> None:
        assert await access.may_be_refused(7, "a")
        assert await access.may_be_sent_away(7, "b")


class TestTries:
    async def test_five_an_hour_for_each_person(self, access: Access, redis: Redis) -> None:
        before = await transactions(redis)
        assert [await access.may_try(7) for _ in range(7)] == [True] * 5 + [False] * 2
        assert await transactions(redis) - before == 7, "in between, the key could expire"
        assert await access.may_try(8)
        assert 3500 < await redis.ttl("tg_bot:42:tries:7") <= 3600

    async def test_the_hour_begins_with_the_first(self, access: Access, redis: Redis) -> None:
        await access.may_try(7)
        await redis.expire("tg_bot:42:tries:7", 60)

        await access.may_try(7)

        assert await redis.ttl("tg_bot:42:tries:7") <= 60
        assert await redis.get("tg_bot:42:tries:7") == "2"
