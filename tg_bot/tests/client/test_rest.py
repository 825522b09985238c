from collections.abc import AsyncIterator

import httpx2
import pytest

from smart_kit.contracts.queue import Sender
from smart_kit.errors import NotFound, UpstreamUnavailable
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from tg_bot.src.client.rest import RestClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests.fake_rest_service import FakeRestService

ANNA = Sender(telegram_id=7, first_name="Anna", language_code="ru")


@pytest.fixture
async def rest_client(settings: TgBotSettings, rest: FakeRestService) -> AsyncIterator[RestClient]:
    made = RestClient(settings, rest.make_transport())
    yield made
    await made.close()


async def test_new_user_is_created_once(rest_client: RestClient, rest: FakeRestService) -> None:
    first, is_new = await rest_client.get_or_create_user(ANNA)
    again, is_still_new = await rest_client.get_or_create_user(ANNA)

    assert (is_new, is_still_new) == (True, False)
    assert first.id == again.id
    assert (first.first_name, first.language_code) == ("Anna", "ru")
    assert [call.method for call in rest.calls] == ["GET", "POST", "GET"]


async def test_user_created_by_another_process_is_returned(
    settings: TgBotSettings, rest: FakeRestService
) -> None:
    user = await rest.add_user(7)
    del rest.users[7]

    async def hide_at_first(request: httpx2.Request) -> httpx2.Response:
        answer = await rest.handle_request(request)
        rest.users[7] = user
        return answer

    transport = Httpx2Transport("http://rest", httpx2.MockTransport(hide_at_first))
    service = RestClient(settings, transport)
    assert await service.get_or_create_user(ANNA) == (user, False)
    assert [call.method for call in rest.calls] == ["GET", "POST", "GET"]
    await service.close()


async def test_user_is_found_by_telegram_id(rest_client: RestClient, rest: FakeRestService) -> None:
    user = await rest.add_user(7)
    assert await rest_client.get_user(7) == user
    with pytest.raises(NotFound):
        await rest_client.get_user(8)


async def test_invitation_code_is_sent_unmasked(
    rest_client: RestClient, rest: FakeRestService
) -> None:
    """By default a SecretStr serializes as asterisks."""
    rest.invite_codes.add("s3cret-code")
    assert (await rest_client.redeem_invite("s3cret-code", ANNA)).is_invited
    with pytest.raises(NotFound):
        await rest_client.redeem_invite("s3cret-code", ANNA)


async def test_server_error_raises_unavailable(
    rest_client: RestClient, rest: FakeRestService
) -> None:
    rest.failure_status = 503
    with pytest.raises(UpstreamUnavailable):
        await rest_client.get_user(7)
