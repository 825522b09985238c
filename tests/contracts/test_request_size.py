"""The model requests of the default secretary, from rest_service's default records."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICE, make_user
from rest_service.app import database, defaults
from rest_service.app.snapshots import configuration
from rest_service.tests.api_helpers import alembic_config
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.redis import Redis
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response
from smart_kit.testing.servers import Postgres

MAX_BYTES = 8 * 1024
"""Comparable assistants send 60 kB for a greeting."""

QUESTION = "What time is it in Tokyo?"


@pytest.fixture(scope="module")
def first_start(postgres: Postgres) -> ConfigurationSnapshot:
    """The configuration that rest_service creates in an empty database."""
    database_of_test = replace(postgres, name="request_size")
    engine = create_engine(postgres.sync_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # an earlier run may have left the database
        connection.execute(text(f"DROP DATABASE IF EXISTS {database_of_test.name}"))
        connection.execute(text(f"CREATE DATABASE {database_of_test.name}"))
    engine.dispose()
    command.upgrade(alembic_config(database_of_test.sync_url), "head")
    return asyncio.run(_create_defaults(database_of_test))


async def _create_defaults(postgres: Postgres) -> ConfigurationSnapshot:
    engine = create_async_engine(postgres.async_url)
    sessions = database.create_session_factory(engine)
    assert await defaults.create(sessions)
    async with sessions() as session:
        snapshot = await configuration.build_snapshot(session, ("gpt-6-luna",))
    await engine.dispose()
    return snapshot


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as scripted:
        yield scripted


@pytest.fixture
async def harness(
    redis: Redis, model: ScriptedModel, first_start: ConfigurationSnapshot
) -> AsyncIterator[AssistantHarness]:
    created = AssistantHarness(redis, model.url)
    await created.configure(*first_start.assistants)
    await created.store_user(make_user())
    yield created
    await created.close()


async def test_a_short_first_question_sends_at_most_8_kb(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Noon.")
    await harness.say(QUESTION)

    (request,) = model.requests
    assert [tool["function"]["name"] for tool in request.body["tools"]] == [
        "ask_writer",
        "cancel_reminder",
        "change_reminder",
        "change_settings",
        "change_task",
        "create_reminder",
        "create_task",
        "get_time",
        "get_weather",
        "list_reminders",
        "list_tasks",
    ]
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert len(request.raw) <= MAX_BYTES
    assert len(json.dumps(request.body)) <= MAX_BYTES, "also with spaces and escapes"


async def test_the_prompt_prefix_has_the_same_bytes_in_every_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Also for another user and in a replica that has just started: providers cache the prefix."""
    model.add_steps(
        make_tool_call_response(("get_time", {"place": "Tokyo"})),
        "Noon.",
        "You are welcome.",
        "Hello!",
    )
    await harness.say(QUESTION)
    await harness.say("Thanks")
    harness.orchestrator = harness.build_orchestrator()
    await harness.store_user(
        make_user(ALICE, first_name="Bob", timezone="Asia/Tokyo", language="ru")
    )
    await harness.redis.delete(*await harness.redis.keys("history:*"))
    await harness.say("hi")

    prefixes = {request.raw.partition(b'{"role":"user"')[0] for request in model.requests}
    assert len(model.requests) == 4
    assert len(prefixes) == 1
    (prefix,) = prefixes
    assert all(part in prefix for part in (b'"tools":[', b'{"role":"system"'))
