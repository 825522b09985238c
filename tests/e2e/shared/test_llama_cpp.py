"""A real second server behind the OpenAI protocol, beside the demo: llama.cpp's own."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from smart_kit.testing.suite_harness import ROOT, SandboxUser, SuiteHarness, wait_until
from tests.e2e.llama_cpp.model import TEXT_REPLY, TOOL_RESULT_REPLY
from tests.e2e.temporary_records import ModelSpec, TemporaryAssistant, temporary_assistant

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.local]

KEY = "llama-key"
MODEL = "chain"
PROVIDER = f"server of {MODEL}"
START_TIMEOUT_SECONDS = 120.0


@pytest.fixture(scope="module")
def llama_server_url() -> Iterator[str]:
    """Its address."""
    tried = subprocess.run((sys.executable, "-c", "import xllamacpp"), capture_output=True)
    if tried.returncode:
        assert "CI" not in os.environ, tried.stderr.decode()
        pytest.skip("llama.cpp does not run on this machine: it needs libgomp")
    command = (sys.executable, "-m", "tests.e2e.llama_cpp.server", KEY)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            assert select.select([server.stdout], [], [], START_TIMEOUT_SECONDS)[0], (
                "it does not start"
            )
            address = server.stdout.readline().strip()
            assert address, f"it has ended: {server.wait(START_TIMEOUT_SECONDS)}"
            yield f"{address}/v1"
        finally:
            server.terminate()
            try:
                server.wait(START_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="module")
def assistant(suite: SuiteHarness, llama_server_url: str) -> Iterator[TemporaryAssistant]:
    """Answered by llama.cpp's model, beside the demo's."""
    model = ModelSpec(MODEL, llama_server_url, KEY)
    with temporary_assistant(suite, model, tools=["get_time"]) as mine:
        yield mine


@pytest.mark.parametrize("capabilities", [["tools"], ["tools", "streaming"]])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_it_talks_and_calls_tools(
    assistant: TemporaryAssistant, api: str, capabilities: list[str]
) -> None:
    suite = assistant.suite
    _update_model(suite, {"api": api, "capabilities": capabilities})
    person = assistant.create_user("Ann")

    assert person.send_and_wait("Hello") == TEXT_REPLY
    assert person.send_and_wait("What time is it?") == TOOL_RESULT_REPLY
    steps = _wait_for_newest_turn(suite, person)["steps"]
    assert [(one["kind"], one["name"]) for one in steps] == [
        ("model", MODEL),
        ("tool", "get_time"),
        ("model", MODEL),
    ]
    assert all(one["provider"] == PROVIDER for one in steps if one["kind"] == "model")
    assert all(one["prompt_tokens"] > 0 for one in steps if one["kind"] == "model")


def test_both_servers_answer_in_one_suite(
    suite: SuiteHarness, assistant: TemporaryAssistant
) -> None:
    _update_model(suite, {"api": "chat", "capabilities": ["tools"]})
    bob, carol = suite.create_user("Bob"), assistant.create_user("Carol")
    assert bob.send_and_wait("what is 2 + 3?") == "2 + 3 = 5"
    assert carol.send_and_wait("what is 2 + 3?") == TEXT_REPLY


def test_the_connection_test_tells_a_wrong_key_from_a_right_one(
    suite: SuiteHarness, assistant: TemporaryAssistant
) -> None:
    providers = suite.get_json("/providers")["items"]
    with suite.make_admin_client() as admin:
        path = f"/providers/{next(one['id'] for one in providers if one['name'] == PROVIDER)}"
        healthy = admin.post(f"{path}/test", json={"model": MODEL}).raise_for_status().json()
        assert (healthy["is_healthy"], healthy["model_names"]) == (True, [MODEL])
        admin.patch(path, json={"api_key": "another"}).raise_for_status()
        try:
            unhealthy = admin.post(f"{path}/test", json={}).raise_for_status().json()
        finally:
            admin.patch(path, json={"api_key": KEY}).raise_for_status()
    assert (unhealthy["is_healthy"], unhealthy["error_code"]) == (False, "invalid_key")


def _update_model(suite: SuiteHarness, fields: dict[str, Any]) -> None:
    models = suite.get_json("/models")["items"]
    model = next(one["id"] for one in models if one["provider_model_name"] == MODEL)
    with suite.make_admin_client() as admin:
        admin.patch(f"/models/{model}", json=fields).raise_for_status()


def _wait_for_newest_turn(suite: SuiteHarness, person: SandboxUser) -> dict[str, Any]:
    """Archived a moment after its answer was sent."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = suite.get_json("/turns", user_id=suite.get_user_id(person), limit=1)["items"]
        return bool(found) and len(found[0]["steps"]) == 3

    wait_until(is_there)
    return found[0]
