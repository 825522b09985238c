"""Users who come together are created together, and none of them harms another."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import structlog
from structlog.testing import capture_logs

from assistant.src.services.rest_service import RestServiceClient
from assistant.src.storage.user_creation import UserCreator
from assistant.tests.snapshot_builders import make_user
from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import MAX_USER_BATCH, UpsertedUser, UserCreate
from smart_kit.errors import (
    Conflict,
    DomainError,
    InvalidRequest,
    NotAuthenticated,
    NotPermitted,
    UpstreamUnavailable,
)


@dataclass
class BatchServer(RestServiceClient):
    """Creates users, and records the Telegram ids of each request."""

    requests: list[list[int]] = field(default_factory=list)
    correlation_ids: list[str | None] = field(default_factory=list)
    refused: int | None = None
    """A Telegram id that is refused, with its whole request."""
    refusal: type[DomainError] = InvalidRequest
    forgotten: int | None = None
    """A Telegram id that is missing in the response."""
    on_request: Callable[[], Awaitable[None]] | None = None
    """What happens while it answers the next request."""

    async def upsert_users(self, profiles: list[UserCreate]) -> list[UpsertedUser]:
        ids = [profile.telegram_id for profile in profiles]
        self.requests.append(ids)
        known = structlog.contextvars.get_contextvars()
        self.correlation_ids.append(known["correlation_id"])
        on_request, self.on_request = self.on_request, None
        if on_request is not None:
            await on_request()
        if self.refused in ids:
            raise self.refusal("refused")
        users = [
            make_user(one.telegram_id, first_name=one.first_name)
            for one in profiles
            if one.telegram_id != self.forgotten
        ]
        return [UpsertedUser(user=user, is_new=True) for user in users]


@pytest.fixture
def server() -> BatchServer:
    return BatchServer()


@pytest.fixture
def creator(server: BatchServer) -> UserCreator:
    return UserCreator(server)


def create(creator: UserCreator, telegram_id: int) -> asyncio.Task[UpsertedUser]:
    sender = Sender(telegram_id=telegram_id, first_name=f"Person {telegram_id}")
    with structlog.contextvars.bound_contextvars(correlation_id=f"message of {telegram_id}"):
        return asyncio.create_task(creator.create(sender))


async def test_those_who_come_together_share_a_request(
    creator: UserCreator, server: BatchServer
) -> None:
    created = await asyncio.gather(*(create(creator, number) for number in range(1, 21)))

    assert server.requests == [list(range(1, 21))]
    assert [one.user.first_name for one in created] == [f"Person {n}" for n in range(1, 21)]
    assert all(one.is_new for one in created)


async def test_a_request_has_a_hundred_profiles_at_most(
    creator: UserCreator, server: BatchServer
) -> None:
    await asyncio.gather(*(create(creator, number) for number in range(1, 251)))

    assert [len(ids) for ids in server.requests] == [MAX_USER_BATCH, MAX_USER_BATCH, 50]


async def test_those_who_come_during_a_request_share_the_next(
    creator: UserCreator, server: BatchServer
) -> None:
    later: list[asyncio.Task[UpsertedUser]] = []

    async def let_others_come() -> None:
        for number in (2, 3):
            later.append(create(creator, number))
            await asyncio.sleep(0)

    server.on_request = let_others_come
    with capture_logs() as lines:
        first = await create(creator, 1)
        await asyncio.gather(*later)
        await create(creator, 4)

    assert first.user.telegram_id == 1
    assert server.requests == [[1], [2, 3], [4]]
    before, shared, after = server.correlation_ids
    assert (before, after) == ("message of 1", "message of 4")
    (line,) = lines
    assert line["correlation_id"] == shared
    assert line["correlation_ids"] == ["message of 2", "message of 3"]


@pytest.mark.parametrize("refusal", [InvalidRequest, Conflict])
async def test_a_refused_profile_fails_only_its_own_callers(
    creator: UserCreator, server: BatchServer, refusal: type[DomainError]
) -> None:
    server.refused, server.refusal = 2, refusal
    created = await asyncio.gather(
        *(create(creator, number) for number in (1, 2, 3, 2)), return_exceptions=True
    )

    assert [isinstance(one, refusal) for one in created] == [False, True, False, True]


@pytest.mark.parametrize("refusal", [NotAuthenticated, NotPermitted])
async def test_a_refused_service_is_not_asked_again_for_each_profile(
    creator: UserCreator, server: BatchServer, refusal: type[DomainError]
) -> None:
    server.refused, server.refusal = 2, refusal
    failed = await asyncio.gather(
        *(create(creator, number) for number in (1, 2, 3)), return_exceptions=True
    )

    assert [type(one) for one in failed] == [refusal] * 3
    assert server.requests == [[1, 2, 3]]


async def test_a_user_missing_in_the_response_fails_only_their_own_caller(
    creator: UserCreator, server: BatchServer
) -> None:
    server.forgotten = 2
    first, missing, third = await asyncio.gather(
        *(create(creator, number) for number in (1, 2, 3)), return_exceptions=True
    )

    assert isinstance(missing, UpstreamUnavailable)
    assert [one.user.telegram_id for one in (first, third)] == [1, 3]  # type: ignore[union-attr]
    assert (await create(creator, 4)).user.telegram_id == 4


async def test_a_cancelled_request_fails_all_callers_and_not_the_next(
    creator: UserCreator, server: BatchServer
) -> None:
    later: list[asyncio.Task[UpsertedUser]] = []

    async def cancel() -> None:
        later.append(create(creator, 3))
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    server.on_request = cancel
    failed = await asyncio.gather(create(creator, 1), create(creator, 2), return_exceptions=True)

    assert [type(one) for one in failed] == [UpstreamUnavailable] * 2
    with pytest.raises(UpstreamUnavailable):
        await later[0]
    assert (await create(creator, 4)).user.telegram_id == 4


async def test_each_caller_gets_an_error_of_its_own(
    creator: UserCreator, server: BatchServer
) -> None:
    async def fail() -> None:
        raise UpstreamUnavailable("down", status=503, retry_after=7.0)

    server.on_request = fail
    first, second = await asyncio.gather(
        create(creator, 1), create(creator, 2), return_exceptions=True
    )

    assert first is not second
    for one in (first, second):
        assert isinstance(one, UpstreamUnavailable)
        assert (one.message, one.status, one.retry_after) == ("down", 503, 7.0)


async def test_a_failed_request_fails_only_its_own_callers(
    creator: UserCreator, server: BatchServer
) -> None:
    later: list[asyncio.Task[UpsertedUser]] = []

    async def fail() -> None:
        later.append(create(creator, 3))
        await asyncio.sleep(0)
        raise UpstreamUnavailable("down")

    server.on_request = fail
    failed = await asyncio.gather(create(creator, 1), create(creator, 2), return_exceptions=True)

    assert all(isinstance(one, UpstreamUnavailable) for one in failed)
    assert (await later[0]).user.telegram_id == 3
    assert server.requests == [[1, 2], [3]], "a request that got no answer is not split"


async def test_a_cancelled_caller_harms_no_other(creator: UserCreator, server: BatchServer) -> None:
    tasks = [create(creator, number) for number in (1, 2, 3)]
    await asyncio.sleep(0)  # all of them wait now
    tasks[0].cancel()

    async def cancel_another() -> None:
        tasks[1].cancel()
        await asyncio.sleep(0)

    server.on_request = cancel_another
    await asyncio.wait(tasks)

    assert [task.cancelled() for task in tasks] == [True, True, False]
    assert server.requests == [[2, 3]]


async def test_a_failed_request_ends_although_a_caller_was_cancelled(
    creator: UserCreator, server: BatchServer
) -> None:
    tasks = [create(creator, number) for number in (1, 2)]

    async def fail() -> None:
        tasks[0].cancel()
        await asyncio.sleep(0)
        raise UpstreamUnavailable("down")

    server.on_request = fail
    await asyncio.wait(tasks)

    assert tasks[0].cancelled()
    assert isinstance(tasks[1].exception(), UpstreamUnavailable)


async def test_nothing_is_sent_if_all_callers_are_cancelled(
    creator: UserCreator, server: BatchServer
) -> None:
    task = create(creator, 1)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await create(creator, 2)

    assert server.requests == [[2]]
