from datetime import timedelta

from rest_service.tests.api_helpers import Client, Make, list_items, make_user_headers
from smart_kit.contracts.base import utc_now

KEY = "tg:1:77/2.0"


def make_future_time(**delta: float) -> str:
    return (utc_now() + timedelta(**delta)).isoformat()


class TestReceipts:
    async def test_new_job_has_a_receipt(self, service: Client, make: Make) -> None:
        user = await make("users")
        body = {"user_id": user["id"], "text": "Tea", "at": make_future_time(hours=1)}
        job = (
            await service.post("/cron-jobs", json=body, headers=make_user_headers(user, KEY))
        ).json()
        effect = job["effect"]

        assert (effect["kind"], effect["before"]) == ("reminder_created", None)
        assert (effect["message_id"], effect["step"]) == ("tg:1:77", "2.0")
        facts = ("text", "at", "cron_expression", "timezone", "next_fire_at")
        assert {name: effect["after"][name] for name in facts} == {
            name: job[name] for name in facts
        }
        assert effect["reversal"] == {"method": "DELETE", "path": f"/api/cron-jobs/{job['id']}"}

    async def test_change_receipt_reverts_the_job(self, service: Client, make: Make) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        path, change = f"/cron-jobs/{job['id']}", {"at": make_future_time(hours=1), "text": "Cake"}

        changed = await service.patch(
            path, json=change, headers=make_user_headers(user, "tg:1:78/1.0")
        )
        effect = changed.json()["effect"]
        assert effect["kind"] == "reminder_changed"
        assert (effect["before"]["text"], effect["after"]["text"]) == (job["text"], "Cake")
        back = effect["reversal"]
        undone = await service.request(
            back["method"],
            back["path"].removeprefix("/api"),
            json=back["body"],
            headers=make_user_headers(user),
        )

        same = set(job) - {"updated_at"}
        assert {name: undone.json()[name] for name in same} == {name: job[name] for name in same}

    async def test_cancellation_receipt_recreates_the_job(
        self, service: Client, make: Make
    ) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"], priority="low", type="prompt")
        path = f"/cron-jobs/{job['id']}"

        gone = await service.delete(path, headers=make_user_headers(user, "tg:1:79/1.0"))
        assert gone.status_code == 204
        effects = await service.get("/effects", headers=make_user_headers(user))
        (effect,) = effects.json()["items"]
        assert (effect["kind"], effect["after"]) == ("reminder_cancelled", None)
        back = effect["reversal"]
        again = await service.post(
            back["path"].removeprefix("/api"), json=back["body"], headers=make_user_headers(user)
        )

        same = set(job) - {"id", "created_at", "updated_at"}
        assert {name: again.json()[name] for name in same} == {name: job[name] for name in same}

    async def test_no_receipt_without_a_step(self, admin: Client, make: Make) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        path = f"/cron-jobs/{job['id']}"

        await admin.patch(path, json={"text": "x"}, headers={"Idempotency-Key": "no-step"})

        assert await list_items(admin, "/effects") == []

    async def test_receipts_are_listed_newest_first_and_by_message(
        self, service: Client, make: Make
    ) -> None:
        user, other = await make("users"), await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        for number in (1, 2):
            key = f"tg:1:{number}/0.0"
            body = {"text": f"Tea {number}"}
            await service.patch(
                f"/cron-jobs/{job['id']}", json=body, headers=make_user_headers(user, key)
            )

        found = (await service.get("/effects", headers=make_user_headers(user))).json()["items"]
        assert [effect["message_id"] for effect in found] == ["tg:1:2", "tg:1:1"]
        path = f"/effects/{found[0]['id']}"
        assert (await service.get(path, headers=make_user_headers(user))).json() == found[0]
        assert (await service.get(path, headers=make_user_headers(other))).status_code == 404
        response = await service.get(
            "/effects", headers=make_user_headers(user), params={"message_id": "tg:1:1"}
        )
        assert [effect["message_id"] for effect in response.json()["items"]] == ["tg:1:1"]
