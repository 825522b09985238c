"""A real OpenAI-compatible server, llama.cpp, beside the demo model in one suite."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from smart_kit.testing.suite_harness import ROOT, SandboxUser, SuiteHarness, wait_until
from tests.e2e.llama_cpp.model import TEXT_REPLY, TOOL_RESULT_REPLY
from tests.e2e.temporary_records import (
    ModelSpec,
    TemporaryAssistant,
    get_provider_name,
    temporary_assistant,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.local]

KEY = "llama-key"
MODEL = "chain"
PROVIDER = get_provider_name(MODEL)
START_TIMEOUT_SECONDS = 120.0


@pytest.fixture(scope="module")
def llama_server_url() -> Iterator[str]:
    """Start the server, and yield its address with the path /v1."""
    import_check = subprocess.run((sys.executable, "-c", "import xllamacpp"), capture_output=True)
    if import_check.returncode:
        assert "CI" not in os.environ, import_check.stderr.decode()
        pytest.skip("llama.cpp does not run on this machine: it needs libgomp")
    command = (sys.executable, "-m", "tests.e2e.llama_cpp.server", KEY)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            assert select.select([server.stdout], [], [], START_TIMEOUT_SECONDS)[0], (
                "the server does not start"
            )
            address = server.stdout.readline().strip()
            assert address, f"the server has ended: {server.wait(START_TIMEOUT_SECONDS)}"
            yield f"{address}/v1"
        finally:
            server.terminate()
            try:
                server.wait(START_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="module")
def assistant(suite: SuiteHarness, llama_server_url: str) -> Iterator[TemporaryAssistant]:
    model = ModelSpec(MODEL, llama_server_url, KEY)
    with temporary_assistant(suite, model, tools=["get_time"]) as created:
        yield created


@pytest.mark.parametrize("capabilities", [["tools"], ["tools", "streaming"]])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_llama_cpp_answers_and_calls_tools(
    assistant: TemporaryAssistant, api: str, capabilities: list[str]
) -> None:
    suite = assistant.suite
    _update_model(suite, {"api": api, "capabilities": capabilities})
    user = assistant.create_user("Ann")

    assert user.send_and_wait("Hello") == TEXT_REPLY
    assert user.send_and_wait("What time is it?") == TOOL_RESULT_REPLY
    steps = _wait_for_newest_turn(suite, user)["steps"]
    assert [(step["kind"], step["name"]) for step in steps] == [
        ("model", MODEL),
        ("tool", "get_time"),
        ("model", MODEL),
    ]
    model_steps = [step for step in steps if step["kind"] == "model"]
    assert all(step["provider"] == PROVIDER for step in model_steps)
    assert all(step["prompt_tokens"] > 0 for step in model_steps)


def test_llama_cpp_and_the_demo_model_answer_in_one_suite(
    suite: SuiteHarness, assistant: TemporaryAssistant
) -> None:
    _update_model(suite, {"api": "chat", "capabilities": ["tools"]})
    bob, carol = suite.create_user("Bob"), assistant.create_user("Carol")
    assert bob.send_and_wait("what is 2 + 3?") == "2 + 3 = 5"
    assert carol.send_and_wait("what is 2 + 3?") == TEXT_REPLY


def test_the_connection_test_detects_an_invalid_key(
    suite: SuiteHarness, assistant: TemporaryAssistant
) -> None:
    providers = suite.get_json("/providers")["items"]
    with suite.make_admin_client() as admin:
        (provider,) = (item for item in providers if item["name"] == PROVIDER)
        path = f"/providers/{provider['id']}"
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
    (model,) = (item for item in models if item["provider_model_name"] == MODEL)
    with suite.make_admin_client() as admin:
        admin.patch(f"/models/{model['id']}", json=fields).raise_for_status()


def _wait_for_newest_turn(suite: SuiteHarness, user: SandboxUser) -> dict[str, Any]:
    """Return the newest turn, which is archived a moment after its answer."""
    user_id = suite.get_user_id(user)

    def get_newest() -> dict[str, Any]:
        turns = suite.get_json("/turns", user_id=user_id, limit=1)["items"]
        return turns[0] if turns else {"steps": []}

    wait_until(lambda: len(get_newest()["steps"]) == 3)
    return get_newest()
