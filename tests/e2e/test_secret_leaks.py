"""No secret is found in responses, logs, Redis or the database.

The secrets are canaries: unique strings that a search would find anywhere. Witnesses, planted in
long texts that are stored on purpose, prove that the search finds what is there.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    make_text_response,
    make_tool_call_response,
)
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.fault_injection import NO_RATE_LIMITS, disable_rate_limits
from tests.e2e.secret_scan import collect_stored_data, find_places

pytestmark = pytest.mark.e2e

MODEL_KEY = "canary-model-key-7Qd2LxVb91"
TOOL_KEY = "canary-tool-key-K3vN8wRt55"
ROTATED_KEY = "canary-rotated-key-Zp6Yc4Hm20"
CANARIES = (MODEL_KEY, TOOL_KEY, ROTATED_KEY)
TURN_COUNT = 4
"""The number of messages that Alice sends."""

INSTRUCTIONS_WITNESS, MESSAGE_WITNESS = "witness-Wd93kTq71Xs", "witness-Hb40pRz86Yn"
EXPECTED_PLACES = {
    INSTRUCTIONS_WITNESS: {"table assistants", "table versions", "table audit_log", "key config"},
    MESSAGE_WITNESS: {"table messages", "key history", "a chat"},
}


@dataclass
class SuiteWithCanaries:
    """A suite with a canary in each place that stores a secret, and its model server."""

    suite: SuiteHarness
    model: ScriptedModel
    provider: str
    secretary: str
    tool: str


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(default_step=_respond) as running:
        yield running


@pytest.fixture(scope="module")
def settings(model: ScriptedModel) -> dict[str, str]:
    return NO_RATE_LIMITS | {
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": MODEL_KEY,
        "REST_TOOL_PRIVATE_HOSTS": model.url.split("/")[2],
        "LOG_LEVEL": "DEBUG",
    }


@pytest.fixture(scope="module")
def planted_suite(module_suite: SuiteHarness, model: ScriptedModel) -> SuiteWithCanaries:
    module_suite.manage("start")
    disable_rate_limits(module_suite)
    return SuiteWithCanaries(module_suite, model, *_plant_secrets(module_suite, model.url))


def test_no_key_is_stored_or_shown_in_plain_text(planted_suite: SuiteWithCanaries) -> None:
    suite = planted_suite.suite
    alice = suite.get_or_create_user("Alice")
    alice.send_and_wait("Hello")
    alice.send_and_wait("Use the tool, please")
    with suite.make_admin_client() as admin:
        path = f"/providers/{planted_suite.provider}"
        responses = [
            admin.get("/providers").text,
            admin.get("/secrets").text,
            admin.get("/audit", params={"limit": 200}).text,
            admin.get("/tools").text,
            admin.patch(path, json={"api_key": ROTATED_KEY}).text,
            admin.post(f"{path}/test", json={"model": "gpt-6-luna"}).text,
            admin.post("/providers", json={"name": "x", "base_url": 3, "api_key": TOOL_KEY}).text,
        ]
        fields = {"instructions": _make_long_text(INSTRUCTIONS_WITNESS)}
        admin.patch(f"/assistants/{planted_suite.secretary}", json=fields).raise_for_status()
    alice.send_and_wait("Hello again")
    alice.send_and_wait(_make_long_text(MESSAGE_WITNESS))
    responses += _read_records(planted_suite, suite.get_user_id(alice))
    requests = planted_suite.model.requests
    sent_keys = {request.headers.get("authorization", "") for request in requests}
    assert {f"Bearer {MODEL_KEY}", f"Bearer {ROTATED_KEY}"} <= sent_keys

    stored_data = collect_stored_data(suite)
    stored_data += [("a response", text) for text in responses]
    stored_data.append(("a chat", str(alice.get_messages())))
    for canary in CANARIES:
        assert find_places(canary, stored_data) == set()
    for witness, places in EXPECTED_PLACES.items():
        assert places <= {place.partition(":")[0] for place in find_places(witness, stored_data)}
    kinds = {place.partition("/")[0] for place, _ in stored_data}
    assert {"file postgres", "file redis", "file logs"} <= kinds


def test_keys_rotate_without_errors_while_users_and_administrators_are_active(
    planted_suite: SuiteWithCanaries,
) -> None:
    suite = planted_suite.suite
    users = [suite.get_or_create_user(f"User {number}") for number in range(6)]
    is_over = threading.Event()

    def converse(user: SandboxUser, text: str) -> set[str]:
        answers = set()
        while not is_over.is_set():
            answers.add(user.send_and_wait(text, seconds=90))
        return answers

    with ThreadPoolExecutor(len(users) + 1) as threads:
        texts = ("Hello", "Use the tool, please")
        conversations = [
            threads.submit(converse, user, texts[number % 2]) for number, user in enumerate(users)
        ]
        writing = threads.submit(_write_until_over, planted_suite, is_over)
        try:
            rotations = [
                suite.try_manage("rotate-keys", *options) for options in ((), ("--drop-old",))
            ]
        finally:
            is_over.set()
        answers = {answer for conversation in conversations for answer in conversation.result()}
        written = writing.result()
    assert all(rotation.returncode == 0 for rotation in rotations), [
        rotation.stdout for rotation in rotations
    ]
    assert answers == {"Heard."}
    assert users[0].send_and_wait("Use the tool, please") == "Heard."
    with suite.make_admin_client() as admin:
        providers = admin.get("/providers").json()["items"]
        stored_secrets = admin.get("/secrets", params={"limit": 200}).json()
    states = [provider["api_key_state"] for provider in providers]
    states += [secret["state"] for secret in stored_secrets["items"]]
    assert set(states) == {"stored"}
    assert stored_secrets["total"] == len(written) + 1
    assert len(written) > 2


def _make_long_text(witness: str) -> str:
    """Return a text that databases compress, within the length limit of a message."""
    return f"{'You are kind and helpful. ' * 70}{witness}{' You are helpful and kind.' * 70}"


def _respond(request: RecordedRequest) -> Any:
    newest = request.messages[-1]
    if newest["role"] == "user" and "tool" in str(newest["content"]):
        return make_tool_call_response(("look_up", {"word": "canary"}))
    if newest["role"] == "tool":
        assert TOOL_KEY not in str(newest["content"])
        assert "HTTP 404" in str(newest["content"]), "the tool has not called its server"
    return make_text_response("Heard.")


def _write_until_over(planted: SuiteWithCanaries, is_over: threading.Event) -> list[str]:
    """Create secrets and change a key repeatedly; return the names of the secrets.

    Requests are repeated while rest_service restarts; every other error fails the test.
    """
    written: list[str] = []
    with planted.suite.make_admin_client() as admin:

        def send(method: str, path: str, body: dict[str, Any], *accepted: int) -> None:
            deadline = time.monotonic() + 60
            while True:
                try:
                    response = admin.request(method, path, json=body)
                except httpx2.TransportError:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
                    continue
                assert response.status_code in accepted, response.text
                return

        while not is_over.is_set() and len(written) < 150:
            name = f"secret_{len(written)}"
            body = {"name": name, "origin": "https://api.example.org", "value": TOOL_KEY}
            send("POST", "/secrets", body, 201, 409)  # 409 if the first response was lost
            written.append(name)
            send("PATCH", f"/providers/{planted.provider}", {"api_key": MODEL_KEY}, 200)
            time.sleep(0.2)
    return written


def _read_records(planted: SuiteWithCanaries, user: str) -> list[str]:
    """Return the API's responses about all turns, versions, models and usage."""

    def get_turns() -> list[str]:
        turns = planted.suite.get_json("/turns", user_id=user, limit=200)["items"]
        return [turn["message_id"] for turn in turns]

    wait_until(lambda: len(get_turns()) == TURN_COUNT)
    paths = [f"/turns/{turn}/trace" for turn in get_turns()]
    with planted.suite.make_admin_client() as admin:
        for kind, record_id in (("assistants", planted.secretary), ("tools", planted.tool)):
            path = f"/{kind}/{record_id}/versions"
            versions = admin.get(path).raise_for_status().json()["items"]
            paths += [f"{path}/{version['number']}" for version in versions]
        texts = [admin.get(path).raise_for_status().text for path in paths]
        for path in ("/models", "/usage", "/usage/totals", "/turns"):
            texts.append(admin.get(path, params={"limit": 200}).raise_for_status().text)
    assert any("look_up" in text and "(secret words)" in text for text in texts)
    return texts


def _plant_secrets(suite: SuiteHarness, url: str) -> tuple[str, str, str]:
    """Add a tool that sends a secret to the model server, which echoes it in a 404 response.

    Returns the ids of provider, secretary and tool.
    """
    with suite.make_admin_client() as admin:
        secret = {"name": "words", "origin": url.removesuffix("/v1"), "value": TOOL_KEY}
        admin.post("/secrets", json=secret).raise_for_status()
        tool: dict[str, Any] = {
            "name": "look_up",
            "tool_type": "rest",
            "description": "Looks up a word.",
            "input_schema": {
                "type": "object",
                "properties": {"word": {"type": "string"}},
                "required": ["word"],
            },
            "effect_class": "reads_outside",
            "http_call": {
                "method": "POST",
                "url": f"{url}/words/{{word}}",
                "headers": {"Authorization": "Bearer {secret:words}"},
            },
        }
        created = admin.post("/tools", json=tool).raise_for_status().json()
        secretary = suite.get_secretary_id()
        admin.post(f"/assistants/{secretary}/tools/{created['id']}").raise_for_status()
    (provider,) = suite.get_json("/providers")["items"]
    return str(provider["id"]), secretary, str(created["id"])
