import asyncio
from datetime import datetime, timedelta

from pydantic import SecretStr

from rest_service.app.database import SessionFactory
from rest_service.app.services.users import invites
from rest_service.tests.api_helpers import OWNER_TELEGRAM_ID, Client, JsonObject, Sql, list_items
from rest_service.tests.lock_waits import wait_for_lock
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.users import InviteRedeem


async def invite(admin: Client, role: str = "user") -> JsonObject:
    answer = await admin.post("/invites", json={"role": role})
    assert answer.status_code == 201, answer.text
    created: JsonObject = answer.json()
    return created


async def redeem(service: Client, code: str, telegram_id: int = 7) -> JsonObject:
    body = {"code": code, "telegram_id": telegram_id, "first_name": "Alice"}
    answer = await service.post("/invites/redeem", json=body)
    return {"status_code": answer.status_code, **answer.json()}


async def test_code_is_random_and_valid_for_one_hour(admin: Client) -> None:
    first, second = await invite(admin), await invite(admin)

    assert len(first["code"]) >= 22  # 128 bits in base64
    assert first["code"] != second["code"]
    left = datetime.fromisoformat(first["expires_at"]) - utc_now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_only_the_hash_of_a_code_is_stored(admin: Client, sql: Sql) -> None:
    code = (await invite(admin))["code"]

    assert code not in str(await sql("SELECT * FROM invites"))


async def test_code_admits_a_new_user(admin: Client, service: Client) -> None:
    user = await redeem(service, (await invite(admin))["code"])

    assert user["status_code"] == 200
    assert (user["telegram_id"], user["first_name"]) == (7, "Alice")
    assert (user["is_invited"], user["role"]) == (True, "user")


async def test_code_admits_a_known_user(admin: Client, service: Client) -> None:
    known = (await service.put("/users/by-telegram-id/7", json={"first_name": "Al"})).json()

    user = await redeem(service, (await invite(admin))["code"])

    assert (user["id"], user["is_invited"]) == (known["id"], True)


async def test_code_admits_one_user(admin: Client, service: Client) -> None:
    code = (await invite(admin))["code"]

    assert (await redeem(service, code, 7))["status_code"] == 200
    refused = await redeem(service, code, 8)
    assert refused["status_code"] == 404
    assert "used or expired" in refused["detail"]
    assert [user["telegram_id"] for user in await list_items(admin, "/users")] == [7]


async def test_same_user_may_redeem_a_code_again(admin: Client, service: Client) -> None:
    """The first response may have been lost."""
    code = (await invite(admin))["code"]

    assert await redeem(service, code) == await redeem(service, code)


async def test_concurrent_redemptions_admit_one_user(admin: Client, service: Client) -> None:
    code = (await invite(admin))["code"]

    answers = await asyncio.gather(*(redeem(service, code, 10 + n) for n in range(6)))

    assert sorted(answer["status_code"] for answer in answers) == [200] + [404] * 5
    assert len(await list_items(admin, "/users")) == 1


async def test_an_expired_code_is_refused(admin: Client, service: Client, sql: Sql) -> None:
    code = (await invite(admin))["code"]
    await sql("UPDATE invites SET expires_at = now()")

    assert (await redeem(service, code))["status_code"] == 404


async def test_an_unknown_code_is_refused(service: Client) -> None:
    assert (await redeem(service, "no-such-code"))["status_code"] == 404


async def test_blocked_user_does_not_consume_the_code(admin: Client, service: Client) -> None:
    blocked = (await service.put("/users/by-telegram-id/7", json={})).json()
    await admin.patch(f"/users/{blocked['id']}", json={"status": "blocked"})
    code = (await invite(admin))["code"]

    assert (await redeem(service, code, 7))["status_code"] == 403
    assert (await redeem(service, code, 8))["status_code"] == 200


class TestOwner:
    async def test_first_redeemer_becomes_owner(self, admin: Client, service: Client) -> None:
        user = await redeem(service, (await invite(admin, "owner"))["code"])

        assert user["role"] == "owner"

    async def test_second_owner_is_refused(self, admin: Client, service: Client) -> None:
        first, second = await invite(admin, "owner"), await invite(admin, "owner")
        await redeem(service, first["code"], 7)

        late = await redeem(service, second["code"], 8)
        again = await admin.post("/invites", json={"role": "owner"})

        assert (late["status_code"], again.status_code) == (409, 409)
        assert [user["telegram_id"] for user in await list_items(admin, "/users")] == [7]

    async def test_concurrent_redemptions_make_one_owner(
        self, admin: Client, service: Client, sessions: SessionFactory, sql: Sql
    ) -> None:
        codes = [(await invite(admin, "owner"))["code"] for _ in range(2)]
        first = InviteRedeem(code=SecretStr(codes[0]), telegram_id=7)

        async with sessions.begin() as session:
            await invites.redeem(session, first, None)
            second = asyncio.ensure_future(redeem(service, codes[1], 8))
            await wait_for_lock(sql, second)  # as far as it gets before the commit

        assert (await second)["status_code"] == 409

    async def test_owner_keeps_role_with_user_code(self, admin: Client, service: Client) -> None:
        await service.put(f"/users/by-telegram-id/{OWNER_TELEGRAM_ID}", json={})

        user = await redeem(service, (await invite(admin))["code"], OWNER_TELEGRAM_ID)

        assert user["role"] == "owner"
