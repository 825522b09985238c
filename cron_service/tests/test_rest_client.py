"""How jobs are listed."""

from datetime import timedelta

import pytest

from cron_service.app import rest_client as rest_client_module
from cron_service.app.rest_client import MAX_PAGES, RestClient
from cron_service.tests.fake_rest_service import FakeRestService
from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.errors import NotAuthenticated, UpstreamUnavailable

HOUR = timedelta(hours=1)


async def fetch_texts(client: RestClient, service: FakeRestService) -> list[list[str]]:
    due_before = service.now() + HOUR
    return [
        [job.text for job in page] async for page in client.fetch_scheduled_jobs(42, due_before)
    ]


async def test_all_pages_are_fetched_in_the_order_of_the_fires(
    rest_client: RestClient, rest_service: FakeRestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_client_module, "PAGE_SIZE", 2)
    monkeypatch.setattr(rest_client_module, "MAX_PAGES", 3)
    for number in (3, 1, 5, 2, 4):
        rest_service.add_run(str(number), in_seconds=number)
    rest_service.add_run("too late", in_seconds=3700)

    assert await fetch_texts(rest_client, rest_service) == [["1", "2"], ["3", "4"], ["5"]]
    assert [(query["bot_id"], query["offset"]) for query in rest_service.lists] == [
        ("42", "0"),
        ("42", "2"),
        ("42", "4"),
    ]


async def test_full_last_page_is_not_followed_by_an_empty_one(
    rest_client: RestClient, rest_service: FakeRestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_client_module, "PAGE_SIZE", 1)
    rest_service.add_run("stretch")

    assert await fetch_texts(rest_client, rest_service) == [["stretch"]]
    assert len(rest_service.lists) == 1


async def test_list_is_limited(
    rest_client: RestClient, rest_service: FakeRestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_client_module, "PAGE_SIZE", 1)
    for number in range(MAX_PAGES + 1):
        rest_service.add_run(str(number), in_seconds=number)

    assert len(await fetch_texts(rest_client, rest_service)) == MAX_PAGES


class FailingClient(RestClient):
    """Fails so many times, then returns an empty page."""

    def __init__(self, *errors: Exception) -> None:
        self.calls = 0
        self._errors = list(errors)

    async def call(self, *_: object, **options: object) -> Page[CronJobRead]:  # type: ignore[override]
        self.calls += 1
        assert options["max_attempts"] == 1, "one layer of retries"
        if self._errors:
            raise self._errors.pop(0)
        return Page[CronJobRead](items=[], total=0, limit=1, offset=0)


UNAVAILABLE = UpstreamUnavailable("rest_service: connection refused")


@pytest.mark.clock("virtual")
async def test_page_is_fetched_again_while_rest_service_is_unavailable(
    rest_service: FakeRestService,
) -> None:
    client = FailingClient(*[UNAVAILABLE] * 3)

    assert await fetch_texts(client, rest_service) == [[]]
    assert client.calls == 4


@pytest.mark.clock("virtual")
async def test_retries_are_limited(rest_service: FakeRestService) -> None:
    client = FailingClient(*[UNAVAILABLE] * 4)
    with pytest.raises(UpstreamUnavailable):
        await fetch_texts(client, rest_service)

    assert client.calls == 4


async def test_refused_request_is_not_repeated(rest_service: FakeRestService) -> None:
    client = FailingClient(NotAuthenticated())
    with pytest.raises(NotAuthenticated):
        await fetch_texts(client, rest_service)

    assert client.calls == 1
