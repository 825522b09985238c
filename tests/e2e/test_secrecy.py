"""No key is to be found anywhere: not in an answer, a log, Redis or the database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smart_kit.testing.models import Asked, ScriptedModel, calls, says
from smart_kit.testing.suite import Person, Suite
from tests.e2e.harm import UNPACED, lift_limits, redis_of

pytestmark = pytest.mark.e2e

MODEL_KEY = "canary-model-key-7Qd2LxVb91"
TOOL_KEY = "canary-tool-key-K3vN8wRt55"
ROTATED_KEY = "canary-rotated-key-Zp6Yc4Hm20"
CANARIES = (MODEL_KEY, TOOL_KEY, ROTATED_KEY)


@dataclass
class Planted:
    """A suite with a canary in each place that keeps a secret, and what the outside has heard."""

    suite: Suite
    model: ScriptedModel
    provider: str


@pytest.fixture
def planted(own_suite: Suite) -> Iterator[Planted]:
    with ScriptedModel(otherwise=_answer) as model:
        own_suite.environment |= UNPACED | {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": MODEL_KEY,
            "REST_TOOL_PRIVATE_HOSTS": model.url.split("/")[2],
            "LOG_LEVEL": "DEBUG",
        }
        own_suite.manage("start")
        lift_limits(own_suite)
        yield Planted(own_suite, model, _plant(own_suite, model.url))


def test_no_key_leaves_but_to_the_server_it_is_for(planted: Planted) -> None:
    suite = planted.suite
    alice = suite.person("Alice")
    alice.ask("Hello")
    alice.ask("Use the tool, please")
    with suite.admin() as admin:
        path = f"/providers/{planted.provider}"
        seen = [
            admin.get("/providers").text,
            admin.get("/secrets").text,
            admin.get("/audit", params={"limit": 200}).text,
            admin.get("/tools").text,
            admin.patch(path, json={"api_key": ROTATED_KEY}).text,
            admin.post(f"{path}/test", json={"model": "gpt-6-luna"}).text,
            admin.post("/providers", json={"name": "x", "base_url": 3, "api_key": TOOL_KEY}).text,
        ]
    alice.ask("Hello again")
    heard = {one.headers.get("authorization", "") for one in planted.model.asked}
    assert {f"Bearer {MODEL_KEY}", f"Bearer {ROTATED_KEY}"} <= heard

    places = {
        "an answer": "\n".join(seen),
        "a chat": str(alice.messages()),
        "Redis": _redis_text(suite),
        "the database": _dump(suite),
        "a log": _logs(suite),
    }
    for place, text in places.items():
        found = [canary for canary in CANARIES if canary in text]
        assert found == [], f"in {place}"
        assert len(text) > 100, f"nothing was looked at in {place}"


def test_keys_are_rotated_while_people_talk(planted: Planted) -> None:
    suite = planted.suite
    people = [suite.person(f"Person {number}") for number in range(6)]
    old = suite.environment.pop("LLM_MODEL_DECRYPT_KEY", "")
    is_over = threading.Event()

    def talk(person: Person) -> list[str]:
        told = []
        while not is_over.is_set():
            told.append(person.ask("Hello", seconds=90))
        return told

    with ThreadPoolExecutor(len(people)) as threads:
        talking = [threads.submit(talk, person) for person in people]
        try:
            rotated = suite.try_manage("rotate-keys")
        finally:
            is_over.set()
        told = [answer for one in talking for answer in one.result()]
    assert rotated.returncode == 0, rotated.stdout
    assert set(told) == {"Heard."}
    assert people[0].ask("Use the tool, please") == "Heard."
    assert old == ""
    with suite.admin() as admin:
        states = [one["api_key_state"] for one in admin.get("/providers").json()["items"]]
        states += [one["state"] for one in admin.get("/secrets").json()["items"]]
    assert set(states) == {"kept"}


def _answer(asked: Asked) -> Any:
    newest = asked.messages[-1]
    if newest["role"] == "user" and "tool" in str(newest["content"]):
        return calls(("look_up", {"word": "canary"}))
    if newest["role"] == "tool":
        assert TOOL_KEY not in str(newest["content"])
    return says("Heard.")


def _plant(suite: Suite, url: str) -> str:
    """A tool that sends a secret to the model's server, which answers 404 and quotes it."""
    with suite.admin() as admin:
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
        assistants = admin.get("/assistants").raise_for_status().json()["items"]
        secretary = next(one["id"] for one in assistants if one["is_secretary"])
        admin.post(f"/assistants/{secretary}/tools/{made['id']}").raise_for_status()
        (provider,) = admin.get("/providers").raise_for_status().json()["items"]
    return str(provider["id"])


def _redis_text(suite: Suite) -> str:
    with redis_of(suite) as client:
        dumped = [(key, client.dump(key)) for key in client.keys("*")]
        texts = [client.get(key) for key in client.keys("*") if client.type(key) == "string"]
    append_only = (suite.state_dir / "redis").rglob("*")
    files = [path.read_bytes() for path in append_only if path.is_file()]
    return f"{dumped}{texts}{b''.join(files)!r}"


def _dump(suite: Suite) -> str:
    """All rows of all tables, and the files below them with what was there before."""
    folder = (suite.state_dir / "postgres").resolve()
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("latin-1") for path in files)


def _logs(suite: Suite) -> str:
    logs = Path(suite.state_dir / "logs").glob("*.log")
    return "".join(path.read_text() for path in logs)
