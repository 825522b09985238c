import asyncio
from uuid import UUID

import pytest

from rest_service.tests.api_helpers import (
    OWNER_TELEGRAM_ID,
    Client,
    Make,
    list_items,
    make_user_headers,
)

ALICE = {"first_name": "Alice", "username": "alice", "language_code": "en"}


async def test_a_person_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    user = await make("users", telegram_id=7, **ALICE)
    path = f"/users/{user['id']}"

    assert user | ALICE == user
    assert (user["role"], user["status"], user["is_invited"]) == ("user", "active", False)
    assert (await admin.get(path)).json() == user
    assert (await admin.get("/users/by-telegram-id/7")).json() == user
    change = {"language": "ru", "timezone": "Asia/Tokyo", "status": "blocked", "username": None}
    changed = (await admin.patch(path, json=change)).json()
    assert changed == user | change | {"updated_at": changed["updated_at"]}
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404
    assert (await admin.get("/users/by-telegram-id/7")).status_code == 404


async def test_telegram_id_is_unique(admin: Client, make: Make) -> None:
    await make("users", telegram_id=7)

    again = await admin.post("/users", json={"telegram_id": 7})

    assert again.status_code == 409
    assert "7" in again.json()["detail"]


async def test_the_first_on_the_allow_list_is_the_owner(service: Client) -> None:
    path = f"/users/by-telegram-id/{OWNER_TELEGRAM_ID}"
    owner = await service.put(path, json=ALICE)
    other = await service.put("/users/by-telegram-id/8", json={})

    assert (owner.json()["role"], other.json()["role"]) == ("owner", "user")


@pytest.mark.parametrize(
    ("field", "value"),
    [("language", "de"), ("timezone", "Mars/Base"), ("role", "king"), ("status", None)],
)
async def test_a_value_out_of_range_is_refused(
    admin: Client, make: Make, field: str, value: str | None
) -> None:
    user = await make("users")
    answer = await admin.patch(f"/users/{user['id']}", json={field: value})

    assert answer.status_code in (400, 422)
    assert field in answer.json()["detail"]


class TestUpsert:
    async def test_new_user_is_created_and_known_user_returned(self, service: Client) -> None:
        first = await service.put("/users/by-telegram-id/7", json=ALICE)
        second = await service.put("/users/by-telegram-id/7", json=ALICE)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()

    async def test_new_data_from_telegram_is_stored(self, service: Client) -> None:
        first = (await service.put("/users/by-telegram-id/7", json=ALICE)).json()
        changes = {"first_name": "Alicia", "username": None}
        second = (await service.put("/users/by-telegram-id/7", json=changes)).json()

        assert second == first | changes | {"updated_at": second["updated_at"]}

    async def test_unchanged_data_is_not_written(self, service: Client, admin: Client) -> None:
        first = (await service.put("/users/by-telegram-id/7", json=ALICE)).json()
        await admin.patch(f"/users/{first['id']}", json={"language": "ru"})
        before = (await admin.get(f"/users/{first['id']}")).json()

        after = (await service.put("/users/by-telegram-id/7", json=ALICE)).json()

        assert after["updated_at"] == before["updated_at"]
        assert after["language"] == "ru"

    async def test_concurrent_upserts_create_one_user(self, service: Client, admin: Client) -> None:
        answers = await asyncio.gather(
            *(service.put("/users/by-telegram-id/7", json=ALICE) for _ in range(8))
        )

        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len(await list_items(admin, "/users")) == 1


class TestSelection:
    async def test_an_assistant_is_chosen_and_unchosen(self, admin: Client, make: Make) -> None:
        poet, user = await make("assistants", is_secretary=True), await make("users")
        path = f"/users/{user['id']}"

        chosen = await admin.patch(path, json={"assistant_id": poet["id"]})
        unchosen = await admin.patch(path, json={"assistant_id": None})

        assert chosen.json()["assistant_id"] == poet["id"]
        assert unchosen.json()["assistant_id"] is None

    async def test_unknown_or_inactive_assistant_cannot_be_chosen(
        self, admin: Client, make: Make
    ) -> None:
        retired = await make("assistants", is_secretary=True, is_active=False)
        user = await make("users")

        for assistant_id, status in ((str(UUID(int=1)), 404), (retired["id"], 400)):
            body = {"assistant_id": assistant_id}
            assert (await admin.patch(f"/users/{user['id']}", json=body)).status_code == status

    async def test_only_active_secretaries_can_be_chosen(
        self, admin: Client, service: Client, make: Make
    ) -> None:
        """Administrators too: the assistant service ignores other choices."""
        user, writer = await make("users"), await make("assistants", name="Writer")
        secretary = await make("assistants", is_secretary=True)
        path, own = f"/users/{user['id']}", make_user_headers(user)

        for caller, headers in ((service, own), (admin, {})):
            refused = await caller.patch(path, json={"assistant_id": writer["id"]}, headers=headers)
            assert (refused.status_code, "Writer is not a secretary" in refused.text) == (400, True)
        chosen = await service.patch(path, json={"assistant_id": secretary["id"]}, headers=own)
        assert chosen.json()["assistant_id"] == secretary["id"]

    async def test_only_active_selectable_models_can_be_chosen(
        self, admin: Client, service: Client, make: Make
    ) -> None:
        user, provider = await make("users"), await make("providers")
        closed = await make("providers", is_active=False)
        for name, fields in (
            ("open", {"is_user_selectable": True}),
            ("dear", {}),
            ("retired", {"is_user_selectable": True, "is_active": False}),
            ("homeless", {"is_user_selectable": True, "provider_id": closed["id"]}),
        ):
            model = {"provider_id": provider["id"], "provider_model_name": name} | fields
            await make("models", **model)
        path, own = f"/users/{user['id']}", make_user_headers(user)

        for name, reason in (
            ("dear", "users may choose"),
            ("retired", "not active"),
            ("homeless", "not active"),
            ("tiny", "no model 'tiny'"),
        ):
            refused = await service.patch(path, json={"model": name}, headers=own)
            assert (refused.status_code, reason in refused.text) == (400, True), refused.text
        chosen = await service.patch(path, json={"model": "open"}, headers=own)
        assert chosen.json()["model"] == "open"
        assert (await service.patch(path, json={"model": None}, headers=own)).json()[
            "model"
        ] is None
        for name in ("dear", "retired"):
            assert (await admin.patch(path, json={"model": name})).status_code == 400

    async def test_unchanged_choice_is_not_validated_again(self, admin: Client, make: Make) -> None:
        """A client may send back unchanged fields with its change."""
        own = {"provider_id": (await make("providers"))["id"]}
        model = await make("models", **own, is_user_selectable=True)
        secretary, user = await make("assistants", is_secretary=True), await make("users")
        await make("assistants", is_secretary=True)
        path = f"/users/{user['id']}"
        chosen = {"model": model["provider_model_name"], "assistant_id": secretary["id"]}
        assert (await admin.patch(path, json=chosen)).status_code == 200
        off = {"is_active": False}
        await admin.patch(f"/assistants/{secretary['id']}", json=off)
        await admin.patch(f"/models/{model['id']}", json={"is_user_selectable": False})

        response = await admin.put(path, json=chosen | {"language": "ru"})

        assert (response.status_code, response.json()["language"]) == (200, "ru")
        for name, value in chosen.items():
            await admin.patch(path, json={name: None})
            assert (await admin.patch(path, json={name: value})).status_code == 400


async def test_only_admin_can_set_a_budget(admin: Client, service: Client, make: Make) -> None:
    user = await make("users")
    path, budget = f"/users/{user['id']}", {"daily_budget": "0.50"}

    refused = await service.patch(path, json=budget, headers=make_user_headers(user))
    assert (refused.status_code, "daily_budget" in refused.text) == (403, True)
    assert (await admin.patch(path, json=budget)).json()["daily_budget"] == "0.5"
    assert (await admin.get(path)).json()["daily_budget"] == "0.5"
    assert (await admin.patch(path, json={"daily_budget": "-1"})).status_code == 422
    assert (await admin.patch(path, json={"daily_budget": None})).json()["daily_budget"] is None


async def test_deleting_a_user_deletes_jobs_but_not_threads(admin: Client, make: Make) -> None:
    user, poet = await make("users"), await make("assistants")
    await make("cron-jobs", user_id=user["id"])
    await make("threads", user_id=user["id"], assistant_id=poet["id"])

    assert (await admin.delete(f"/users/{user['id']}")).status_code == 204

    assert await list_items(admin, "/cron-jobs") == []
    assert len(await list_items(admin, "/threads")) == 1


async def test_rich_messages_are_on_by_default(service: Client, make: Make) -> None:
    user = await make("users")
    assert user["rich_messages"] is True

    path = f"/users/{user['id']}"
    changed = await service.patch(
        path, json={"rich_messages": False}, headers=make_user_headers(user)
    )
    assert changed.json()["rich_messages"] is False
    refused = await service.patch(
        path, json={"rich_messages": None}, headers=make_user_headers(user)
    )
    assert refused.status_code == 400
