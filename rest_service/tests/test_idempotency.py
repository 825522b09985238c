import asyncio

import pytest

from rest_service.app.idempotency import compute_fingerprint
from rest_service.tests.api_helpers import Client, JsonObject, Make, list_items, make_user_headers

KEY = "tg:1:77/2.0"


def make_job_body(user: JsonObject, text: str = "Tea") -> JsonObject:
    return {"user_id": user["id"], "text": text, "cron_expression": "0 9 * * *"}


async def test_repeated_key_returns_same_response_and_acts_once(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    body = make_job_body(user)

    first = await service.post("/cron-jobs", json=body, headers=make_user_headers(user, KEY))
    reordered = dict(reversed(body.items()))
    second = await service.post("/cron-jobs", json=reordered, headers=make_user_headers(user, KEY))

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.json()["effect"] is not None
    assert (
        len(await list_items(admin, "/cron-jobs")) == len(await list_items(admin, "/effects")) == 1
    )


async def test_repeated_key_returns_original_response_after_later_changes(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    first = await service.post(
        "/cron-jobs", json=make_job_body(user), headers=make_user_headers(user, KEY)
    )
    await admin.delete(f"/cron-jobs/{first.json()['id']}")

    second = await service.post(
        "/cron-jobs", json=make_job_body(user), headers=make_user_headers(user, KEY)
    )

    assert second.json() == first.json()
    assert await list_items(admin, "/cron-jobs") == []


async def test_the_same_key_with_another_request_is_refused(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    headers = make_user_headers(user, KEY)
    job = (await service.post("/cron-jobs", json=make_job_body(user), headers=headers)).json()

    other_body = await service.post("/cron-jobs", json=make_job_body(user, "Cake"), headers=headers)
    other_path = await service.delete(f"/cron-jobs/{job['id']}", headers=headers)

    assert other_body.status_code == other_path.status_code == 409
    assert (
        other_body.json()["detail"]
        == "This Idempotency-Key has already been used for another request."
    )
    assert len(await list_items(admin, "/cron-jobs")) == 1


async def test_key_belongs_to_one_user(service: Client, admin: Client, make: Make) -> None:
    """Keys belong to a user, or to calls of administrators without a user."""
    alice, bob = await make("users"), await make("users")
    callers = [
        (service, alice, make_user_headers(alice, KEY)),
        (service, bob, make_user_headers(bob, KEY)),
        (admin, alice, {"Idempotency-Key": KEY}),
    ]

    jobs, repeated = [
        [
            await http.post("/cron-jobs", json=make_job_body(user), headers=headers)
            for http, user, headers in callers
        ]
        for _ in range(2)
    ]

    assert [job.status_code for job in (*jobs, *repeated)] == [201] * 6
    assert len({job.json()["id"] for job in jobs}) == 3
    assert [job.json() for job in repeated] == [job.json() for job in jobs]


async def test_each_key_of_a_person_has_its_own_answer(service: Client, make: Make) -> None:
    user = await make("users")
    keys = ("tg:1:77/2.0", "tg:1:77/2.1", "tg:1:78/2.0")

    jobs, repeated = [
        [
            await service.post(
                "/cron-jobs", json=make_job_body(user), headers=make_user_headers(user, key)
            )
            for key in keys
        ]
        for _ in range(2)
    ]

    assert len({job.json()["id"] for job in jobs}) == 3
    assert [job.json() for job in repeated] == [job.json() for job in jobs]


async def test_admin_keys_are_idempotent_too(admin: Client, make: Make) -> None:
    user = await make("users")
    headers = {"Idempotency-Key": KEY}

    jobs = [
        await admin.post("/cron-jobs", json=make_job_body(user), headers=headers) for _ in range(2)
    ]

    assert jobs[0].json() == jobs[1].json()


async def test_concurrent_requests_with_one_key_act_once(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")

    answers = await asyncio.gather(
        *(
            service.post(
                "/cron-jobs", json=make_job_body(user), headers=make_user_headers(user, KEY)
            )
            for _ in range(8)
        )
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (
        len(await list_items(admin, "/cron-jobs")) == len(await list_items(admin, "/effects")) == 1
    )


async def test_refused_request_can_be_retried_with_same_key(service: Client, make: Make) -> None:
    user = await make("users")
    bad = make_job_body(user) | {"cron_expression": "x"}

    refused = await service.post("/cron-jobs", json=bad, headers=make_user_headers(user, KEY))
    mended = await service.post(
        "/cron-jobs", json=make_job_body(user), headers=make_user_headers(user, KEY)
    )

    assert (refused.status_code, mended.status_code) == (400, 201)


async def test_a_change_is_made_once(service: Client, admin: Client, make: Make) -> None:
    user = await make("users")
    path = f"/cron-jobs/{(await make('cron-jobs', user_id=user['id']))['id']}"

    first = await service.patch(path, json={"text": "Cake"}, headers=make_user_headers(user, KEY))
    await admin.patch(path, json={"text": "Pie"})
    second = await service.patch(path, json={"text": "Cake"}, headers=make_user_headers(user, KEY))

    assert second.json() == first.json()
    assert (await admin.get(path)).json()["text"] == "Pie"


async def test_repeated_delete_returns_same_response(service: Client, make: Make) -> None:
    user = await make("users")
    path = f"/cron-jobs/{(await make('cron-jobs', user_id=user['id']))['id']}"

    answers = [await service.delete(path, headers=make_user_headers(user, KEY)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await service.delete(path, headers=make_user_headers(user))).status_code == 404


async def test_new_thread_is_created_once(service: Client, make: Make) -> None:
    user, poet = await make("users"), await make("assistants")
    body = {"user_id": user["id"], "assistant_id": poet["id"]}

    threads = [
        await service.post("/threads", json=body, headers=make_user_headers(user, KEY))
        for _ in range(2)
    ]

    assert threads[0].json() == threads[1].json()


async def test_malformed_key_is_refused(service: Client, make: Make) -> None:
    user = await make("users")

    for key in ("", "a b", "x" * 256, "é"):
        headers = {"X-User-Id": user["id"], "Idempotency-Key": key.encode("latin-1")}
        answer = await service.post("/cron-jobs", json=make_job_body(user), headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 422, key


@pytest.mark.parametrize(
    ("key", "origin"),
    [
        ("tg:1:77/2.0", ("tg:1:77", "2.0")),
        ("by/hand/2.0", ("by/hand", "2.0")),
        ("tg:1:77", None),
        ("tg:1:77/", None),
        ("/2.0", None),
    ],
)
async def test_key_contains_message_id_and_step(
    service: Client, make: Make, key: str, origin: tuple[str, str] | None
) -> None:
    user = await make("users")

    job = await service.post(
        "/cron-jobs", json=make_job_body(user), headers=make_user_headers(user, key)
    )

    effect = job.json()["effect"]
    assert (effect and (effect["message_id"], effect["step"])) == origin


FIRST_REQUEST = ("POST", "/tasks", b'{"a": 1, "b": {"c": [2, 3], "d": 4}}')


@pytest.mark.parametrize(
    ("method", "path", "body", "is_same"),
    [
        ("POST", "/tasks", b'{"b":{"d":4,"c":[2,3]},"a":1}', True),
        ("POST", "/tasks", b'{"a": 1, "b": {"c": [3, 2], "d": 4}}', False),
        ("POST", "/tasks", b'{"a": 1}', False),
        ("PATCH", *FIRST_REQUEST[1:], False),
        ("POST", "/tasks/1", FIRST_REQUEST[2], False),
    ],
)
def test_fingerprint_depends_on_method_path_and_content(
    method: str, path: str, body: bytes, is_same: bool
) -> None:
    assert (
        compute_fingerprint(method, path, body) == compute_fingerprint(*FIRST_REQUEST)
    ) == is_same


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{", b"[" * 100_000], ids=["nothing", "bytes", "half", "deep"]
)
def test_non_json_body_matches_only_itself(body: bytes) -> None:
    found = compute_fingerprint("POST", "/tasks", body)

    assert found == compute_fingerprint("POST", "/tasks", body)
    assert found != compute_fingerprint("POST", "/tasks", body + b"\xfe")
