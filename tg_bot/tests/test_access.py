"""What the bot stores about users: snapshots, blocks, and notices already sent."""

import pytest
from structlog.testing import capture_logs

from smart_kit.contracts.keys import user_key
from smart_kit.redis import Redis
from tg_bot.src.access import AccessControl, Recipient
from tg_bot.src.config.settings import AllowList
from tg_bot.tests.fake_rest_service import FakeRestService

BLOCKED = "Forbidden: bot was blocked by the user"


@pytest.fixture
async def access(redis: Redis) -> AccessControl:
    return AccessControl(redis, 42, AllowList())


async def count_transactions(redis: Redis) -> int:
    """Return how many commands the server has executed so far."""
    statistics = await redis.info("commandstats")
    return int(statistics.get("cmdstat_exec", {}).get("calls", 0))


class TestPeople:
    async def test_known_users_are_found_by_their_telegram_id(
        self, access: AccessControl, rest: FakeRestService
    ) -> None:
        anna, bob = (
            await rest.add_user(9, first_name="Anna"),
            await rest.add_user(5, first_name="Bob"),
        )

        people = await access.get_users([9, 6, 5, 9])

        assert {one: person.id for one, person in people.items()} == {5: bob.id, 9: anna.id}

    async def test_of_nobody_nothing_is_asked(self, access: AccessControl) -> None:
        assert await access.get_users([]) == {}

    async def test_who_is_heard_of_is_tried_again_and_nobody_else(
        self, access: AccessControl, redis: Redis
    ) -> None:
        for chat_id in (5, 6, 7):
            await access.mark_bot_blocked(chat_id, BLOCKED)

        await access.get_users([6, 5])

        assert [(await access.get_recipient(one)).block_reason for one in (5, 6, 7)] == [
            None,
            None,
            BLOCKED,
        ]

    async def test_a_record_that_cannot_be_read_counts_as_none_and_is_told_to_the_operator(
        self, access: AccessControl, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add_user(5)
        await redis.set(user_key(6), '{"telegram_id": "six", "role": "king"}')

        with capture_logs() as lines:
            people = await access.get_users([5, 6])
            assert await access.get_recipient(6) == Recipient(None, None)

        assert set(people) == {5}
        assert len(lines) == 2
        for line in lines:
            assert (line["log_level"], line["event"]) == (
                "error",
                "user snapshot unreadable",
            )
            assert line["problems"] > 1


class TestRecipient:
    async def test_somebody_known_hears_what_is_sent(
        self, access: AccessControl, rest: FakeRestService
    ) -> None:
        user = await rest.add_user(7)

        addressee = await access.get_recipient(7)

        assert addressee.user is not None
        assert addressee.user.id == user.id
        assert (addressee.bot_blocked_reason, addressee.block_reason) == (None, None)

    async def test_so_does_somebody_unknown(self, access: AccessControl) -> None:
        addressee = await access.get_recipient(7)
        assert (addressee, addressee.block_reason) == (Recipient(None, None), None)

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_who_turned_the_bot_away_does_not_for_a_day(
        self, access: AccessControl, redis: Redis, rest: FakeRestService, is_known: bool
    ) -> None:
        if is_known:
            await rest.add_user(7)
        await access.mark_bot_blocked(7, BLOCKED)

        assert (await access.get_recipient(7)).block_reason == BLOCKED
        assert (await access.get_recipient(8)).block_reason is None
        assert 86_000 < await redis.ttl("tg_bot:42:bot_blocked:7") <= 86_400

    async def test_who_is_blocked_does_not_whatever_telegram_said(
        self, access: AccessControl, rest: FakeRestService
    ) -> None:
        await rest.add_user(7, status="blocked")
        assert (await access.get_recipient(7)).block_reason == "the user is blocked"
        await access.mark_bot_blocked(7, BLOCKED)
        assert (await access.get_recipient(7)).block_reason == "the user is blocked"

    async def test_another_bot_may_be_let_in_all_the_same(
        self, access: AccessControl, redis: Redis
    ) -> None:
        await access.mark_bot_blocked(7, BLOCKED)
        assert (await AccessControl(redis, 43, AllowList()).get_recipient(7)).block_reason is None


class TestNoticeOnce:
    async def test_a_refusal_is_said_once_an_hour_and_again_for_the_same_message(
        self, access: AccessControl, redis: Redis
    ) -> None:
        results = [
            await access.allow_refusal_notice(telegram_id, message_id)
            for telegram_id, message_id in ((7, "a"), (7, "b"), (7, "a"), (8, "b"))
        ]

        assert results == [True, False, True, True]
        assert 3500 < await redis.ttl("tg_bot:42:refused:7") <= 3600

    async def test_the_hour_begins_with_the_first_refusal_only(
        self, access: AccessControl, redis: Redis
    ) -> None:
        await access.allow_refusal_notice(7, "a")
        await redis.expire("tg_bot:42:refused:7", 60)

        assert not await access.allow_refusal_notice(7, "b")
        assert await access.allow_refusal_notice(7, "a")

        assert await redis.ttl("tg_bot:42:refused:7") <= 60

    async def test_a_group_is_sent_away_once_a_day(
        self, access: AccessControl, redis: Redis
    ) -> None:
        results = [
            await access.allow_group_notice(chat_id, message_id)
            for chat_id, message_id in ((-7, "a"), (-7, "b"), (-7, "a"), (-8, "b"))
        ]

        assert results == [True, False, True, True]
        assert 86_000 < await redis.ttl("tg_bot:42:group:-7") <= 86_400

    async def test_a_person_and_a_group_of_one_number_are_two(self, access: AccessControl) -> None:
        assert await access.allow_refusal_notice(7, "a")
        assert await access.allow_group_notice(7, "b")


class TestInviteAttempts:
    async def test_five_an_hour_for_each_person(self, access: AccessControl, redis: Redis) -> None:
        before = await count_transactions(redis)
        assert [await access.allow_invite_attempt(7) for _ in range(7)] == [True] * 5 + [False] * 2
        assert await count_transactions(redis) - before == 7, "in between, the key could expire"
        assert await access.allow_invite_attempt(8)
        assert 3500 < await redis.ttl("tg_bot:42:invite_attempts:7") <= 3600

    async def test_the_hour_begins_with_the_first(
        self, access: AccessControl, redis: Redis
    ) -> None:
        await access.allow_invite_attempt(7)
        await redis.expire("tg_bot:42:invite_attempts:7", 60)

        await access.allow_invite_attempt(7)

        assert await redis.ttl("tg_bot:42:invite_attempts:7") <= 60
        assert await redis.get("tg_bot:42:invite_attempts:7") == "2"
