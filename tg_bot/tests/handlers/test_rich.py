"""/rich: the switch of rich messages."""

import pytest

from smart_kit.contracts.queue import Notice
from smart_kit.redis import Redis
from tg_bot.src.services.intake import Intake
from tg_bot.tests import updates
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import to_secretary, to_telegram


async def said(redis: Redis) -> list[str]:
    return [one.notice for one in await to_telegram(redis) if isinstance(one, Notice)]


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (True, "/rich off", False),
        (False, "/rich ON", True),
        (True, "/rich выкл", False),
        (False, "/rich вкл", True),
    ],
)
async def test_it_is_kept_and_confirmed(
    intake: Intake, redis: Redis, rest: FakeRestService, before: bool, text: str, after: bool
) -> None:
    person = await rest.add(7, rich_messages=before)
    await intake.take([updates.message(text)])

    assert rest.users[7].rich_messages is after
    (call,) = rest.calls
    assert (call.method, call.headers["X-User-Id"]) == ("PATCH", str(person.id))
    assert await said(redis) == ["rich_on" if after else "rich_off"]
    assert await to_secretary(redis) == []


@pytest.mark.parametrize("text", ["/rich", "/rich perhaps", "/rich on"])
async def test_without_a_change_it_says_how_it_is(
    intake: Intake, redis: Redis, rest: FakeRestService, text: str
) -> None:
    await rest.add(7)
    await intake.take([updates.message(text)])
    assert await said(redis) == ["rich_on"]
    assert rest.calls == []


async def test_somebody_new_can_choose(intake: Intake, redis: Redis, rest: FakeRestService) -> None:
    await intake.take([updates.message("/rich off")])
    assert rest.users[7].rich_messages is False
    assert await said(redis) == ["rich_off"]


async def test_a_failing_service_is_confessed(
    intake: Intake, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add(7)
    rest.failure = 400
    await intake.take([updates.message("/rich off")])
    assert await said(redis) == ["try_again_later"]
