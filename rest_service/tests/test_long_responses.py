"""Parsing time of responses and files grows linearly with their length."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio

from rest_service.tests.api_helpers import Client, Make, list_items
from rest_service.tests.fake_provider_server import (
    FakeProviderServer,
    respond_with,
    run_fake_provider_server,
)

JSON_HEADERS = {"Content-Type": "application/json"}
MODELS_PATH = "/v1/models"
LONG_KEY = "".join(chr(ord("a") + number * number % 26) for number in range(4096))


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeProviderServer]:
    async with run_fake_provider_server() as running:
        yield running


@contextmanager
def assert_cpu_seconds_under(seconds: float) -> Iterator[None]:
    """In CPU time of this process, which other processes do not affect."""
    started_at = time.process_time()
    yield
    assert time.process_time() - started_at < seconds


@pytest.mark.parametrize("part", ["://", "http://a:", "@x://y:", " "])
async def test_long_error_message_is_truncated_quickly(
    admin: Client, make: Make, server: FakeProviderServer, part: str
) -> None:
    provider = await make("providers", base_url=f"{server.url}/v1", api_key=LONG_KEY)
    text = f"So it is. {part * (1_000_000 // len(part))}"
    server.responders[MODELS_PATH] = respond_with(500, {"error": {"message": text}})
    with assert_cpu_seconds_under(5):
        found = (await admin.post(f"/providers/{provider['id']}/test", json={})).json()

    assert (found["error_code"], "Its message: So it is." in found["detail"]) == ("refused", True)
    assert len(found["detail"]) < 300


async def test_long_name_list_is_scanned_for_the_key_quickly(
    admin: Client, make: Make, server: FakeProviderServer
) -> None:
    provider = await make("providers", base_url=f"{server.url}/v1", api_key=LONG_KEY)
    own = {"provider_id": provider["id"]}
    names = [LONG_KEY[50:80], *(f"n{number:06}" for number in range(70_000))]
    server.responders[MODELS_PATH] = respond_with(200, {"data": [{"id": name} for name in names]})
    with assert_cpu_seconds_under(10):
        found = (await admin.post(f"/providers/{provider['id']}/test", json={})).json()
        refused = await admin.post("/models/import", json=own)
        last = await admin.post("/models/import", json=own | {"only": [names[-1], "none"]})

    assert found["model_names"] == names[1:1001]
    assert (refused.status_code, "more than 1000" in refused.text) == (400, True)
    assert last.json()["created"] == [names[-1]]
    assert last.json()["skipped"] == [{"name": "none", "reason": "is not in the list"}]


@pytest.mark.parametrize("form", ["data", "models", "prices"])
async def test_only_requested_entries_of_long_file_are_parsed(
    admin: Client, make: Make, form: str
) -> None:
    names = [f"n{number}" for number in range(150_000)]
    lists = {
        "data": {"data": [{"id": name} for name in names]},
        "models": {"models": [{"provider_model_name": name} for name in names]},
        "prices": {name: {"mode": "chat"} for name in names},
    }
    own = {"provider_id": (await make("providers"))["id"], "models": lists[form]}
    only = [f"none{number}" for number in range(999)]
    with assert_cpu_seconds_under(5):
        body = json.dumps(own | {"only": [*only, names[-1]]})
        found = await admin.post("/models/import", content=body, headers=JSON_HEADERS)
        refused = await admin.post("/models/import", content=json.dumps(own), headers=JSON_HEADERS)

    assert (found.json()["created"], len(found.json()["skipped"])) == ([names[-1]], 999)
    assert (refused.status_code, "more than 1000" in refused.text) == (400, True)


async def test_long_parameters_of_many_models_are_checked_quickly(
    admin: Client, make: Make
) -> None:
    parameters = {"stop": "://" * 2600}
    models = [
        {"provider_model_name": f"m{number}", "parameters": parameters} for number in range(200)
    ]
    body = {"provider_id": (await make("providers"))["id"], "models": {"models": models}}
    with assert_cpu_seconds_under(10):
        answer = await admin.post("/models/import", json=body)

    assert (
        len(answer.json()["created"]) == len(await list_items(admin, "/models", limit=200)) == 200
    )
