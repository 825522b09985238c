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

pytestmark = pytest.mark.e2e

KEY = "llama-key"
MODEL = "chain"
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
def suite(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """Two providers: the demo's model, and llama.cpp's for an assistant of its own."""
    running = Suite(tmp_path_factory.mktemp("suite"))
    try:
        running.manage("start")
        _add(running, llama)
        yield running
    finally:
        running.remove()


@pytest.mark.parametrize("capabilities", [["tools"], ["tools", "streaming"]])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_it_talks_and_calls_tools(suite: Suite, api: str, capabilities: list[str]) -> None:
    _change_model(suite, {"api": api, "capabilities": capabilities})
    person = suite.person(f"Ann of {api} and {len(capabilities)}")
    _choose_llama(suite, person)

    assert person.ask("Hello") == SAID
    assert person.ask("What time is it?") == TOLD
    steps = _newest_turn(suite, person)["steps"]
    assert [(one["kind"], one["name"]) for one in steps] == [
        ("model", MODEL),
        ("tool", "get_time"),
        ("model", MODEL),
    ]
    assert all(one["provider"] == "llama.cpp" for one in steps if one["kind"] == "model")
    assert all(one["prompt_tokens"] > 0 for one in steps if one["kind"] == "model")


def test_both_servers_answer_in_one_suite(suite: Suite) -> None:
    _change_model(suite, {"api": "chat", "capabilities": ["tools"]})
    bob, carol = suite.person("Bob"), suite.person("Carol")
    _choose_llama(suite, carol)
    assert bob.ask("what is 2 + 3?") == "2 + 3 = 5"
    assert carol.ask("what is 2 + 3?") == SAID


def test_the_connection_test_tells_a_wrong_key_from_a_right_one(suite: Suite) -> None:
    providers = suite.read("/providers")["items"]
    with suite.admin() as admin:
        path = f"/providers/{next(one['id'] for one in providers if one['name'] == 'llama.cpp')}"
        well = admin.post(f"{path}/test", json={"model": MODEL}).raise_for_status().json()
        assert (well["is_well"], well["model_names"]) == (True, [MODEL])
        admin.patch(path, json={"api_key": "another"}).raise_for_status()
        try:
            unwell = admin.post(f"{path}/test", json={}).raise_for_status().json()
        finally:
            admin.patch(path, json={"api_key": KEY}).raise_for_status()
    assert (unwell["is_well"], unwell["problem"]) == (False, "wrong_key")


def _add(suite: Suite, url: str) -> None:
    with suite.admin() as admin:
        body: dict[str, Any] = {"name": "llama.cpp", "base_url": url, "api_key": KEY}
        provider = admin.post("/providers", json=body).raise_for_status().json()
        body = {"provider_id": provider["id"], "provider_model_name": MODEL}
        admin.post("/models", json=body).raise_for_status()
        body = {"name": "Llama", "is_secretary": True, "model": MODEL, "fallback_models": []}
        body["instructions"] = "Say that you are a llama."
        assistant = admin.post("/assistants", json=body).raise_for_status().json()
        tools = suite.read("/tools")["items"]
        tool = next(one["id"] for one in tools if one["name"] == "get_time")
        admin.post(f"/assistants/{assistant['id']}/tools/{tool}").raise_for_status()


def _change_model(suite: Suite, fields: dict[str, Any]) -> None:
    models = suite.read("/models")["items"]
    model = next(one["id"] for one in models if one["provider_model_name"] == MODEL)
    with suite.admin() as admin:
        admin.patch(f"/models/{model}", json=fields).raise_for_status()


def _choose_llama(suite: Suite, person: Person) -> None:
    person.ask("/start")
    found = suite.read("/assistants")["items"]
    llama = {"assistant_id": next(one["id"] for one in found if one["name"] == "Llama")}
    with suite.admin() as admin:
        admin.patch(f"/users/{suite.user_id(person)}", json=llama).raise_for_status()


def _newest_turn(suite: Suite, person: Person) -> dict[str, Any]:
    """Archived a moment after its answer was sent."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = suite.read("/turns", user_id=suite.user_id(person), limit=1)["items"]
        return bool(found) and len(found[0]["steps"]) == 3

    wait_until(is_there)
    return found[0]
