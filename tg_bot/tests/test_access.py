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
    async def test_known_users_are_returned_by_telegram_id(
        self, access: AccessControl, rest: FakeRestService
    ) -> None:
        anna, bob = (
            await rest.add_user(9, first_name="Anna"),
            await rest.add_user(5, first_name="Bob"),
        )

        users = await access.refresh_senders([9, 6, 5, 9])

        assert {telegram_id: user.id for telegram_id, user in users.items()} == {
            5: bob.id,
            9: anna.id,
        }

    async def test_no_ids_return_no_users(self, access: AccessControl) -> None:
        assert await access.refresh_senders([]) == {}

    async def test_only_users_who_wrote_are_unblocked(
        self, access: AccessControl, redis: Redis
    ) -> None:
        for chat_id in (5, 6, 7):
            await access.mark_bot_blocked(chat_id, BLOCKED)

        await access.refresh_senders([6, 5])

        assert [
            (await access.get_recipient(telegram_id)).block_reason for telegram_id in (5, 6, 7)
        ] == [
            None,
            None,
            BLOCKED,
        ]

    async def test_unreadable_user_is_unknown_and_logged(
        self, access: AccessControl, redis: Redis, rest: FakeRestService
    ) -> None:
        await rest.add_user(5)
        await redis.set(user_key(6), '{"telegram_id": "six", "role": "king"}')

        with capture_logs() as lines:
            users = await access.refresh_senders([5, 6])
            assert await access.get_recipient(6) == Recipient(None, None)

        assert set(users) == {5}
        assert len(lines) == 2
        for line in lines:
            assert (line["log_level"], line["event"]) == (
                "error",
                "user snapshot unreadable",
            )
            assert line["problems"] > 1


class TestRecipient:
    async def test_known_user_can_receive_messages(
        self, access: AccessControl, rest: FakeRestService
    ) -> None:
        user = await rest.add_user(7)

        addressee = await access.get_recipient(7)

        assert addressee.user is not None
        assert addressee.user.id == user.id
        assert (addressee.bot_blocked_reason, addressee.block_reason) == (None, None)

    async def test_unknown_user_can_receive_messages(self, access: AccessControl) -> None:
        addressee = await access.get_recipient(7)
        assert (addressee, addressee.block_reason) == (Recipient(None, None), None)

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_bot_block_is_remembered_for_a_day(
        self, access: AccessControl, redis: Redis, rest: FakeRestService, is_known: bool
    ) -> None:
        if is_known:
            await rest.add_user(7)
        await access.mark_bot_blocked(7, BLOCKED)

        assert (await access.get_recipient(7)).block_reason == BLOCKED
        assert (await access.get_recipient(8)).block_reason is None
        assert 86_000 < await redis.ttl("tg_bot:42:bot_blocked:7") <= 86_400

    async def test_blocked_user_cannot_receive_messages(
        self, access: AccessControl, rest: FakeRestService
    ) -> None:
        await rest.add_user(7, status="blocked")
        assert (await access.get_recipient(7)).block_reason == "the user is blocked"
        await access.mark_bot_blocked(7, BLOCKED)
        assert (await access.get_recipient(7)).block_reason == "the user is blocked"

    async def test_block_of_one_bot_does_not_affect_another(
        self, access: AccessControl, redis: Redis
    ) -> None:
        await access.mark_bot_blocked(7, BLOCKED)
        assert (await AccessControl(redis, 43, AllowList()).get_recipient(7)).block_reason is None


class TestNoticeOnce:
    async def test_refusal_is_allowed_hourly_and_for_the_same_message(
        self, access: AccessControl, redis: Redis
    ) -> None:
        results = [
            await access.allow_refusal_notice(telegram_id, message_id)
            for telegram_id, message_id in ((7, "a"), (7, "b"), (7, "a"), (8, "b"))
        ]

        assert results == [True, False, True, True]
        assert 3500 < await redis.ttl("tg_bot:42:refused:7") <= 3600

    async def test_hour_starts_at_the_first_refusal(
        self, access: AccessControl, redis: Redis
    ) -> None:
        await access.allow_refusal_notice(7, "a")
        await redis.expire("tg_bot:42:refused:7", 60)

        assert not await access.allow_refusal_notice(7, "b")
        assert await access.allow_refusal_notice(7, "a")

        assert await redis.ttl("tg_bot:42:refused:7") <= 60

    async def test_group_notice_is_allowed_once_a_day(
        self, access: AccessControl, redis: Redis
    ) -> None:
        results = [
            await access.allow_group_notice(chat_id, message_id)
            for chat_id, message_id in ((-7, "a"), (-7, "b"), (-7, "a"), (-8, "b"))
        ]

        assert results == [True, False, True, True]
        assert 86_000 < await redis.ttl("tg_bot:42:group:-7") <= 86_400

    async def test_user_and_group_notices_are_counted_separately(
        self, access: AccessControl
    ) -> None:
        assert await access.allow_refusal_notice(7, "a")
        assert await access.allow_group_notice(7, "b")


class TestInviteAttempts:
    async def test_five_invite_attempts_per_hour_and_user(
        self, access: AccessControl, redis: Redis
    ) -> None:
        before = await count_transactions(redis)
        assert [await access.allow_invite_attempt(7) for _ in range(7)] == [True] * 5 + [False] * 2
        assert await count_transactions(redis) - before == 7, "in between, the key could expire"
        assert await access.allow_invite_attempt(8)
        assert 3500 < await redis.ttl("tg_bot:42:invite_attempts:7") <= 3600

    async def test_hour_starts_at_the_first_attempt(
        self, access: AccessControl, redis: Redis
    ) -> None:
        await access.allow_invite_attempt(7)
        await redis.expire("tg_bot:42:invite_attempts:7", 60)

        await access.allow_invite_attempt(7)

        assert await redis.ttl("tg_bot:42:invite_attempts:7") <= 60
        assert await redis.get("tg_bot:42:invite_attempts:7") == "2"
