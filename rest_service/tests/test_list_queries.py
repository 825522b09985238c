"""Lists use indexes, however many rows there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.tests.api_helpers import Client, JsonObject, Make, make_user_headers

Statement = tuple[str, Any]
USER_RESOURCES = (
    "tasks",
    "calendar",
    "cron-jobs",
    "threads",
    "messages",
    "turns",
    "usage",
    "effects",
)
CREATABLE_RESOURCES = (
    "tasks",
    "calendar",
    "cron-jobs",
    "assistants",
    "tools",
    "providers",
    "secrets",
    "users",
)


@contextmanager
def record_statements(engine: AsyncEngine) -> Iterator[list[Statement]]:
    """Record the statements sent to Postgres."""
    recorded: list[Statement] = []

    def record(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        recorded.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", record)
    try:
        yield recorded
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", record)


@pytest_asyncio.fixture(loop_scope="session")
async def person(make: Make) -> JsonObject:
    return await make("users")


@pytest.mark.parametrize("resource", CREATABLE_RESOURCES)
async def test_a_longer_list_costs_no_more_statements(
    admin: Client, make: Make, engine: AsyncEngine, person: JsonObject, resource: str
) -> None:
    owned = {"user_id": person["id"]} if resource in USER_RESOURCES else {}
    counts = []
    for _ in range(2):
        await make(resource, **owned)
        with record_statements(engine) as statements:
            assert (await admin.get(f"/{resource}")).status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("resource", USER_RESOURCES)
async def test_lists_of_a_user_use_an_index(
    service: Client, engine: AsyncEngine, person: JsonObject, resource: str
) -> None:
    await _assert_uses_index(service, engine, resource, make_user_headers(person))


@pytest.mark.parametrize("path", ["audit", "audit?user_id={id}", "audit?object_id={id}"])
async def test_audit_log_uses_an_index(
    admin: Client, engine: AsyncEngine, person: JsonObject, path: str
) -> None:
    await _assert_uses_index(admin, engine, path.format(id=person["id"]), {})


@pytest.mark.parametrize("name", ["assistant_id", "model", "provider", "message_id", "from_at"])
async def test_usage_uses_an_index(admin: Client, engine: AsyncEngine, name: str) -> None:
    values = {"assistant_id": str(UUID(int=1)), "from_at": "2026-11-23T00:00:00Z"}
    await _assert_uses_index(admin, engine, f"usage?{name}={values.get(name, 'x')}", {})


@pytest.mark.parametrize("resource", ["assistants", "tools"])
async def test_versions_use_an_index(
    admin: Client, make: Make, engine: AsyncEngine, resource: str
) -> None:
    row = await make(resource)
    await _assert_uses_index(admin, engine, f"{resource}/{row['id']}/versions", {})


async def _assert_uses_index(
    http: Client, engine: AsyncEngine, path: str, headers: dict[str, str]
) -> None:
    with record_statements(engine) as statements:
        assert (await http.get(f"/{path}", headers=headers)).status_code == 200
    (rows,) = [statement for statement in statements if "LIMIT" in statement[0]]
    async with engine.connect() as connection:
        await connection.exec_driver_sql(
            "SET LOCAL enable_seqscan = off"
        )  # the tables are nearly empty
        plan = await connection.exec_driver_sql(f"EXPLAIN {rows[0]}", rows[1])
        shown = "\n".join(line for (line,) in plan)
    assert "Index" in shown, shown
    assert "Seq Scan" not in shown, shown
