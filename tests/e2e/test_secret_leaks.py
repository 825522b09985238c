"""No key is to be found anywhere: not in an answer, a log, Redis or the database.

What is there is found: the same search finds witnesses that are planted in long texts.
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
"""That Alice causes."""

INSTRUCTIONS_WITNESS, MESSAGE_WITNESS = "witness-Wd93kTq71Xs", "witness-Hb40pRz86Yn"
EXPECTED_PLACES = {
    INSTRUCTIONS_WITNESS: {"table assistants", "table versions", "table audit_log", "key config"},
    MESSAGE_WITNESS: {"table messages", "key history", "a chat"},
}


@dataclass
class SuiteWithCanaries:
    """A suite with a canary in each place that keeps a secret, and what the outside has heard."""

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


def test_no_key_leaves_but_to_the_server_it_is_for(planted_suite: SuiteWithCanaries) -> None:
    suite = planted_suite.suite
    alice = suite.get_or_create_user("Alice")
    alice.send_and_wait("Hello")
    alice.send_and_wait("Use the tool, please")
    with suite.make_admin_client() as admin:
        path = f"/providers/{planted_suite.provider}"
        seen = [
            admin.get("/providers").text,
            admin.get("/secrets").text,
            admin.get("/audit", params={"limit": 200}).text,
            admin.get("/tools").text,
            admin.patch(path, json={"api_key": ROTATED_KEY}).text,
            admin.post(f"{path}/test", json={"model": "gpt-6-luna"}).text,
            admin.post("/providers", json={"name": "x", "base_url": 3, "api_key": TOOL_KEY}).text,
        ]
        instructed = {"instructions": _make_long_text(INSTRUCTIONS_WITNESS)}
        admin.patch(f"/assistants/{planted_suite.secretary}", json=instructed).raise_for_status()
    alice.send_and_wait("Hello again")
    alice.send_and_wait(_make_long_text(MESSAGE_WITNESS))
    seen += _read_records(planted_suite, suite.get_user_id(alice))
    heard = {one.headers.get("authorization", "") for one in planted_suite.model.requests}
    assert {f"Bearer {MODEL_KEY}", f"Bearer {ROTATED_KEY}"} <= heard

    written_data = collect_stored_data(suite)
    written_data += [("an answer", text) for text in seen] + [("a chat", str(alice.get_messages()))]
    for canary in CANARIES:
        assert find_places(canary, written_data) == set()
    for witness, places in EXPECTED_PLACES.items():
        assert places <= {place.partition(":")[0] for place in find_places(witness, written_data)}
    kinds = {place.partition("/")[0] for place, _ in written_data}
    assert {"file postgres", "file redis", "file logs"} <= kinds


def test_keys_are_rotated_while_people_talk_tools_are_called_and_an_administrator_writes(
    planted_suite: SuiteWithCanaries,
) -> None:
    suite = planted_suite.suite
    people = [suite.get_or_create_user(f"Person {number}") for number in range(6)]
    is_over = threading.Event()

    def converse(person: SandboxUser, words: str) -> set[str]:
        told = set()
        while not is_over.is_set():
            told.add(person.send_and_wait(words, seconds=90))
        return told

    with ThreadPoolExecutor(len(people) + 1) as threads:
        lines = ("Hello", "Use the tool, please")
        talking = [
            threads.submit(converse, person, lines[number % 2])
            for number, person in enumerate(people)
        ]
        writing = threads.submit(_write_until_over, planted_suite, is_over)
        try:
            done = [suite.try_manage("rotate-keys", *words) for words in ((), ("--drop-old",))]
        finally:
            is_over.set()
        answers = {answer for one in talking for answer in one.result()}
        written = writing.result()
    assert [one.returncode for one in done] == [0, 0], [one.stdout for one in done]
    assert answers == {"Heard."}
    assert people[0].send_and_wait("Use the tool, please") == "Heard."
    with suite.make_admin_client() as admin:
        states = [one["api_key_state"] for one in admin.get("/providers").json()["items"]]
        stored_secrets = admin.get("/secrets", params={"limit": 200}).json()
    states += [one["state"] for one in stored_secrets["items"]]
    assert set(states) == {"stored"}
    assert stored_secrets["total"] == len(written) + 1
    assert len(written) > 2


def _make_long_text(witness: str) -> str:
    """A text that databases compress; no longer than a message may be."""
    return f"{'You are kind and helpful. ' * 70}{witness}{' You are helpful and kind.' * 70}"


def _respond(request: RecordedRequest) -> Any:
    newest = request.messages[-1]
    if newest["role"] == "user" and "tool" in str(newest["content"]):
        return make_tool_call_response(("look_up", {"word": "canary"}))
    if newest["role"] == "tool":
        assert TOOL_KEY not in str(newest["content"])
        assert "HTTP 404" in str(newest["content"])  # it has been called, with its secret
    return make_text_response("Heard.")


def _write_until_over(planted: SuiteWithCanaries, is_over: threading.Event) -> list[str]:
    """New secrets and changed keys, again and again; returns the secrets' names.

    While its one process begins anew rest_service cannot be reached; nothing else may fail.
    """
    written: list[str] = []
    with planted.suite.make_admin_client() as admin:

        def send(method: str, path: str, body: dict[str, Any], *accepted: int) -> None:
            deadline = time.monotonic() + 60
            while True:
                try:
                    answer = admin.request(method, path, json=body)
                except httpx2.TransportError:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
                    continue
                assert answer.status_code in accepted, answer.text
                return

        while not is_over.is_set() and len(written) < 150:
            name = f"secret_{len(written)}"
            body = {"name": name, "origin": "https://api.example.org", "value": TOOL_KEY}
            send("POST", "/secrets", body, 201, 409)  # the answer to the first may have been lost
            written.append(name)
            send("PATCH", f"/providers/{planted.provider}", {"api_key": MODEL_KEY}, 200)
            time.sleep(0.2)
    return written


def _read_records(planted: SuiteWithCanaries, user: str) -> list[str]:
    """What is kept of each turn of a person, and of each version."""
    with planted.suite.make_admin_client() as admin:

        def texts(path: str) -> list[str]:
            return [admin.get(path, params={"limit": 200}).raise_for_status().text]

        def turns() -> list[str]:
            found = planted.suite.get_json("/turns", user_id=user, limit=200)["items"]
            return [one["message_id"] for one in found]

        wait_until(lambda: len(turns()) == TURN_COUNT)
        paths = [f"/turns/{turn}/trace" for turn in turns()]
        for kind, row in (("assistants", planted.secretary), ("tools", planted.tool)):
            path = f"/{kind}/{row}/versions"
            found = admin.get(path).raise_for_status().json()["items"]
            paths += [f"{path}/{one['number']}" for one in found]
        seen = [admin.get(path).raise_for_status().text for path in paths]
        for path in ("/models", "/usage", "/usage/totals", "/turns"):
            seen += texts(path)
    assert any("look_up" in text and "(secret words)" in text for text in seen)
    return seen


def _plant_secrets(suite: SuiteHarness, url: str) -> tuple[str, str, str]:
    """A tool that sends a secret to the model's server, which answers 404 and sends it back.

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
        made = admin.post("/tools", json=tool).raise_for_status().json()
        secretary = suite.get_secretary_id()
        admin.post(f"/assistants/{secretary}/tools/{made['id']}").raise_for_status()
    (provider,) = suite.get_json("/providers")["items"]
    return str(provider["id"]), secretary, str(made["id"])
