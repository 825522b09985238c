"""A real second server behind the OpenAI protocol, beside the demo: llama.cpp's own."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from smart_kit.testing.suite import ROOT, Person, Suite, wait_until
from tests.e2e.llama_cpp.model import SAID, TOLD
from tests.e2e.own_records import OwnAssistant, OwnModel, own_assistant

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.local]

KEY = "llama-key"
MODEL = "chain"
PROVIDER = f"server of {MODEL}"
START_SECONDS = 120.0


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
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
            assert select.select([server.stdout], [], [], START_SECONDS)[0], "it does not start"
            address = server.stdout.readline().strip()
            assert address, f"it has ended: {server.wait(START_SECONDS)}"
            yield f"{address}/v1"
        finally:
            server.terminate()
            try:
                server.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="module")
def assistant(suite: Suite, llama: str) -> Iterator[OwnAssistant]:
    """Answered by llama.cpp's model, beside the demo's."""
    model = OwnModel(MODEL, llama, KEY)
    with own_assistant(suite, model, tools=["get_time"]) as mine:
        yield mine


@pytest.mark.parametrize("capabilities", [["tools"], ["tools", "streaming"]])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_it_talks_and_calls_tools(
    assistant: OwnAssistant, api: str, capabilities: list[str]
) -> None:
    suite = assistant.suite
    _change_model(suite, {"api": api, "capabilities": capabilities})
    person = assistant.newcomer("Ann")

    assert person.ask("Hello") == SAID
    assert person.ask("What time is it?") == TOLD
    steps = _newest_turn(suite, person)["steps"]
    assert [(one["kind"], one["name"]) for one in steps] == [
        ("model", MODEL),
        ("tool", "get_time"),
        ("model", MODEL),
    ]
    assert all(one["provider"] == PROVIDER for one in steps if one["kind"] == "model")
    assert all(one["prompt_tokens"] > 0 for one in steps if one["kind"] == "model")


def test_both_servers_answer_in_one_suite(suite: Suite, assistant: OwnAssistant) -> None:
    _change_model(suite, {"api": "chat", "capabilities": ["tools"]})
    bob, carol = suite.newcomer("Bob"), assistant.newcomer("Carol")
    assert bob.ask("what is 2 + 3?") == "2 + 3 = 5"
    assert carol.ask("what is 2 + 3?") == SAID


def test_the_connection_test_tells_a_wrong_key_from_a_right_one(
    suite: Suite, assistant: OwnAssistant
) -> None:
    providers = suite.read("/providers")["items"]
    with suite.admin() as admin:
        path = f"/providers/{next(one['id'] for one in providers if one['name'] == PROVIDER)}"
        well = admin.post(f"{path}/test", json={"model": MODEL}).raise_for_status().json()
        assert (well["is_well"], well["model_names"]) == (True, [MODEL])
        admin.patch(path, json={"api_key": "another"}).raise_for_status()
        try:
            unwell = admin.post(f"{path}/test", json={}).raise_for_status().json()
        finally:
            admin.patch(path, json={"api_key": KEY}).raise_for_status()
    assert (unwell["is_well"], unwell["problem"]) == (False, "wrong_key")


def _change_model(suite: Suite, fields: dict[str, Any]) -> None:
    models = suite.read("/models")["items"]
    model = next(one["id"] for one in models if one["provider_model_name"] == MODEL)
    with suite.admin() as admin:
        admin.patch(f"/models/{model}", json=fields).raise_for_status()


def _newest_turn(suite: Suite, person: Person) -> dict[str, Any]:
    """Archived a moment after its answer was sent."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = suite.read("/turns", user_id=suite.user_id(person), limit=1)["items"]
        return bool(found) and len(found[0]["steps"]) == 3

    wait_until(is_there)
    return found[0]
