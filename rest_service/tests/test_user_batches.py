"""Creating and updating users together."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.app.database import SessionFactory
from rest_service.app.models import User
from rest_service.tests.api_helpers import (
    OWNER_TELEGRAM_ID,
    Client,
    JsonObject,
    Make,
    Sql,
    list_items,
    make_user_headers,
)
from rest_service.tests.lock_waits import wait_for_lock
from rest_service.tests.snapshot_helpers import read_stored_user
from smart_kit.contracts.keys import user_key
from smart_kit.contracts.users import MAX_USER_BATCH, UserSnapshot
from smart_kit.redis import Redis

ALICE = {"telegram_id": 7, "first_name": "Alice", "username": "alice", "language_code": "en"}
BOB = {"telegram_id": 8, "first_name": "Bob"}


async def upsert(http: Client, *profiles: JsonObject, **headers: str) -> list[JsonObject]:
    answer = await http.put("/users", json={"profiles": profiles}, headers=headers)
    assert answer.status_code == 200, answer.text
    users: list[JsonObject] = answer.json()["users"]
    return users


@contextmanager
def deleting_after_insertion(engine: AsyncEngine, sql: Sql, where: str) -> Iterator[None]:
    """Delete users between the first insertion, which finds them, and their selection."""

    def delete(connection: Connection, _: object, statement: str, *__: object) -> None:
        if statement.startswith("INSERT INTO users") and not inserted:
            inserted.append(statement)
            connection.connection.run_async(lambda _: sql(f"DELETE FROM users {where}"))

    inserted: list[str] = []
    event.listen(engine.sync_engine, "after_cursor_execute", delete)
    try:
        yield
    finally:
        event.remove(engine.sync_engine, "after_cursor_execute", delete)
    assert inserted


async def test_new_users_are_created_and_known_users_updated(
    service: Client, admin: Client, make: Make
) -> None:
    known = await make("users", **ALICE)
    bob, alice = await upsert(service, BOB, ALICE | {"first_name": "Alicia", "username": None})

    assert (bob["is_new"], alice["is_new"]) == (True, False)
    stored = {user["telegram_id"]: user for user in await list_items(admin, "/users")}
    assert (stored[8]["first_name"], stored[8]["role"]) == ("Bob", "user")
    assert stored[8]["id"] == bob["user"]["id"]
    changed = {"first_name": "Alicia", "username": None, "updated_at": stored[7]["updated_at"]}
    assert stored[7] == known | changed
    (owner,) = await upsert(service, {"telegram_id": OWNER_TELEGRAM_ID})
    assert owner["user"]["role"] == "owner"


async def test_omitted_fields_of_known_users_stay(service: Client) -> None:
    (first,) = await upsert(service, ALICE)
    (second,) = await upsert(service, {"telegram_id": 7})

    assert second == {"user": first["user"], "is_new": False}


async def test_snapshots_are_in_redis_as_they_are_returned(
    service: Client, make: Make, redis: Redis, sql: Sql
) -> None:
    known, poet = await make("users", **ALICE), await make("assistants")
    thread = await make("threads", user_id=known["id"], assistant_id=poet["id"])
    for profile in (ALICE, ALICE | {"first_name": "Alicia"}):
        await redis.delete(user_key(7))  # also a known user's, who has not changed
        users = await upsert(service, profile, BOB)

        for one in users:
            assert await read_stored_user(redis, one["user"]) == UserSnapshot(**one["user"])
        assert users[0]["user"]["threads"] == {poet["id"]: thread["thread_id"]}
        versions = await sql("SELECT version FROM users ORDER BY telegram_id")
        assert [(one["user"]["version"],) for one in users] == versions


async def test_newer_snapshot_in_redis_is_kept(
    service: Client, admin: Client, redis: Redis
) -> None:
    (alice,) = await upsert(service, ALICE)
    newer = UserSnapshot(**alice["user"] | {"version": alice["user"]["version"] + 1})
    await redis.set(user_key(7), newer.model_dump_json())

    await upsert(service, BOB, ALICE)

    assert await read_stored_user(redis, ALICE) == newer
    assert await redis.exists(user_key(8))


async def test_later_profile_of_one_telegram_id_counts(service: Client) -> None:
    users = await upsert(service, ALICE, BOB, {"telegram_id": 7, "first_name": "Alicia"})

    assert [(one["user"]["telegram_id"], one["is_new"]) for one in users] == [(7, True), (8, True)]
    assert users[0]["user"]["first_name"] == "Alicia"
    assert users[0]["user"]["language_code"] == "en"


async def test_each_written_user_has_an_audit_entry(service: Client, admin: Client) -> None:
    alice, bob = await upsert(service, ALICE, BOB)
    await upsert(service, ALICE, BOB | {"first_name": "Bobby"}, {"telegram_id": 9})

    entries = await list_items(admin, "/audit")
    written = [entry for entry in entries if entry["action"] == "upsert_users"]
    counts = {user["user"]["id"]: 0 for user in (alice, bob)}
    for entry in written:
        counts[entry["object_id"]] = counts.get(entry["object_id"], 0) + 1
        assert entry["user_id"] == entry["object_id"] == entry["after"]["id"]
        assert (entry["caller"], entry["object_type"]) == ("service", "users")
    assert counts.pop(alice["user"]["id"]) == 1, "she was unchanged at the second time"
    assert counts.pop(bob["user"]["id"]) == 2
    assert list(counts.values()) == [1]


@pytest.mark.parametrize(
    ("profiles", "named"),
    [
        ([ALICE, {"telegram_id": 0}], "profiles.1.telegram_id"),
        ([{"first_name": "Alice"}], "profiles.0.telegram_id"),
        ([], "profiles"),
        ([{"telegram_id": 1 + number} for number in range(MAX_USER_BATCH + 1)], "profiles"),
    ],
)
async def test_a_bad_profile_is_named_and_nobody_is_created(
    service: Client, admin: Client, profiles: list[JsonObject], named: str
) -> None:
    answer = await service.put("/users", json={"profiles": profiles})

    assert answer.status_code == 422
    assert named in answer.json()["detail"]
    assert await list_items(admin, "/users") == []


async def test_concurrent_requests_create_each_user_once(service: Client, admin: Client) -> None:
    people = [{"telegram_id": number} for number in range(1, 21)]
    answers = await asyncio.gather(
        *(upsert(service, *(people[number:] + people[:number])) for number in range(0, 20, 3))
    )

    new = [one["user"]["telegram_id"] for users in answers for one in users if one["is_new"]]
    assert sorted(new) == list(range(1, 21))
    assert len({one["user"]["id"] for users in answers for one in users}) == 20
    assert len(await list_items(admin, "/users")) == 20


async def test_unknown_users_are_created_in_the_order_of_telegram_ids(
    service: Client, sessions: SessionFactory, sql: Sql
) -> None:
    """So that two requests for the same users cannot wait for each other."""
    async with sessions() as session:
        session.add(User(telegram_id=1))
        await session.flush()
        waiting = asyncio.ensure_future(upsert(service, {"telegram_id": 2}, {"telegram_id": 1}))
        await wait_for_lock(sql, waiting)
        (second,) = await upsert(service, {"telegram_id": 2})
        await session.rollback()

    assert second["is_new"]
    assert [one["is_new"] for one in await waiting] == [False, True]


async def test_user_whose_deletion_is_pending_is_created_anew(
    service: Client, make: Make, sessions: SessionFactory, sql: Sql
) -> None:
    known = await make("users", **ALICE)
    async with sessions() as session:
        await session.delete(await session.get_one(User, UUID(known["id"])))
        await session.flush()
        waiting = asyncio.ensure_future(upsert(service, ALICE, BOB))
        await wait_for_lock(sql, waiting)
        await session.commit()
    alice, bob = await waiting

    assert alice["is_new"]
    assert bob["is_new"]
    assert alice["user"]["id"] != known["id"]


async def test_user_deleted_during_the_request_is_created_anew(
    service: Client, make: Make, engine: AsyncEngine, sql: Sql
) -> None:
    for profile in (ALICE, BOB):
        await make("users", **profile)
    with deleting_after_insertion(engine, sql, "WHERE telegram_id = 7"):
        users = await upsert(service, ALICE, BOB)

    assert [one["is_new"] for one in users] == [True, False]


async def test_snapshot_has_what_an_administrator_changes_during_the_request(
    service: Client, admin: Client, make: Make, engine: AsyncEngine, sql: Sql, redis: Redis
) -> None:
    known = await make("users", **ALICE)
    blocking: list[asyncio.Task[object]] = []

    def block_user(connection: Connection, _: object, statement: str, *__: object) -> None:
        if statement.startswith("SELECT users") and not blocking:
            request = admin.patch(f"/users/{known['id']}", json={"status": "blocked"})
            blocking.append(asyncio.ensure_future(request))
            connection.connection.run_async(lambda _: wait_for_lock(sql, blocking[0]))

    event.listen(engine.sync_engine, "after_cursor_execute", block_user)
    try:
        await upsert(service, ALICE | {"first_name": "Alicia"})
        await blocking[0]
    finally:
        event.remove(engine.sync_engine, "after_cursor_execute", block_user)

    stored = await read_stored_user(redis, known)
    assert (stored.status, stored.first_name) == ("blocked", "Alicia")


async def test_deletion_of_all_during_the_request_is_a_conflict(
    service: Client, make: Make, engine: AsyncEngine, sql: Sql
) -> None:
    await make("users", **ALICE)
    with deleting_after_insertion(engine, sql, ""):
        answer = await service.put("/users/by-telegram-id/7", json={})

    assert answer.status_code == 409
    assert answer.json()["detail"] == "The user is being deleted at this moment. Try again."


async def test_caller_may_act_for_a_user_as_with_a_single_profile(
    service: Client, make: Make
) -> None:
    user = await make("users")

    single = await service.put("/users/by-telegram-id/7", json={}, headers=make_user_headers(user))
    together = await upsert(service, {"telegram_id": 8}, **make_user_headers(user))

    assert single.status_code == 201
    assert together[0]["is_new"]
