import asyncio

from rest_service.tests.api_helpers import Client, JsonObject, Make, acting_as, listed

KEY = "tg:1:77/2.0"


def job_of(user: JsonObject, text: str = "Tea") -> JsonObject:
    return {"user_id": user["id"], "text": text, "cron_expression": "0 9 * * *"}


async def test_the_same_key_is_answered_the_same_and_done_once(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    body = job_of(user)

    first = await service.post("/cron-jobs", json=body, headers=acting_as(user, KEY))
    reordered = dict(reversed(body.items()))
    second = await service.post("/cron-jobs", json=reordered, headers=acting_as(user, KEY))

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.json()["effect"] is not None
    assert len(await listed(admin, "/cron-jobs")) == len(await listed(admin, "/effects")) == 1


async def test_the_first_answer_comes_again_even_when_much_has_happened(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    first = await service.post("/cron-jobs", json=job_of(user), headers=acting_as(user, KEY))
    await admin.delete(f"/cron-jobs/{first.json()['id']}")

    second = await service.post("/cron-jobs", json=job_of(user), headers=acting_as(user, KEY))

    assert second.json() == first.json()
    assert await listed(admin, "/cron-jobs") == []


async def test_the_same_key_with_another_request_is_refused(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    headers = acting_as(user, KEY)
    job = (await service.post("/cron-jobs", json=job_of(user), headers=headers)).json()

    other_body = await service.post("/cron-jobs", json=job_of(user, "Cake"), headers=headers)
    other_path = await service.delete(f"/cron-jobs/{job['id']}", headers=headers)

    assert other_body.status_code == other_path.status_code == 409
    assert "Idempotency-Key" in other_body.json()["detail"]
    assert len(await listed(admin, "/cron-jobs")) == 1


async def test_a_key_belongs_to_one_person(service: Client, make: Make) -> None:
    alice, bob = await make("users"), await make("users")

    jobs = [
        await service.post("/cron-jobs", json=job_of(user), headers=acting_as(user, KEY))
        for user in (alice, bob)
    ]

    assert [job.status_code for job in jobs] == [201, 201]
    assert jobs[0].json()["id"] != jobs[1].json()["id"]


async def test_an_administrators_keys_are_one_persons_too(admin: Client, make: Make) -> None:
    user = await make("users")
    headers = {"Idempotency-Key": KEY}

    jobs = [await admin.post("/cron-jobs", json=job_of(user), headers=headers) for _ in range(2)]

    assert jobs[0].json() == jobs[1].json()


async def test_of_many_at_once_one_is_done(service: Client, admin: Client, make: Make) -> None:
    user = await make("users")

    answers = await asyncio.gather(
        *(
            service.post("/cron-jobs", json=job_of(user), headers=acting_as(user, KEY))
            for _ in range(8)
        )
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await listed(admin, "/cron-jobs")) == len(await listed(admin, "/effects")) == 1


async def test_what_was_refused_may_be_tried_again_under_its_key(
    service: Client, make: Make
) -> None:
    user = await make("users")
    bad = job_of(user) | {"cron_expression": "x"}

    refused = await service.post("/cron-jobs", json=bad, headers=acting_as(user, KEY))
    mended = await service.post("/cron-jobs", json=job_of(user), headers=acting_as(user, KEY))

    assert (refused.status_code, mended.status_code) == (400, 201)


async def test_a_change_is_made_once(service: Client, admin: Client, make: Make) -> None:
    user = await make("users")
    path = f"/cron-jobs/{(await make('cron-jobs', user_id=user['id']))['id']}"

    first = await service.patch(path, json={"text": "Cake"}, headers=acting_as(user, KEY))
    await admin.patch(path, json={"text": "Pie"})
    second = await service.patch(path, json={"text": "Cake"}, headers=acting_as(user, KEY))

    assert second.json() == first.json()
    assert (await admin.get(path)).json()["text"] == "Pie"


async def test_a_removal_is_answered_the_same_although_nothing_is_left(
    service: Client, make: Make
) -> None:
    user = await make("users")
    path = f"/cron-jobs/{(await make('cron-jobs', user_id=user['id']))['id']}"

    answers = [await service.delete(path, headers=acting_as(user, KEY)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await service.delete(path, headers=acting_as(user))).status_code == 404


async def test_a_new_thread_begins_once(service: Client, make: Make) -> None:
    user, poet = await make("users"), await make("assistants")
    body = {"user_id": user["id"], "assistant_id": poet["id"]}

    threads = [
        await service.post("/threads", json=body, headers=acting_as(user, KEY)) for _ in range(2)
    ]

    assert threads[0].json() == threads[1].json()


async def test_a_key_must_be_readable(service: Client, make: Make) -> None:
    user = await make("users")

    for key in ("", "a b", "x" * 256, "é"):
        headers = {"X-User-Id": user["id"], "Idempotency-Key": key.encode("latin-1")}
        answer = await service.post("/cron-jobs", json=job_of(user), headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 422, key
