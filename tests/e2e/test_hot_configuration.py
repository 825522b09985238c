"""What an administrator changes, the next message meets: in every replica, whatever is down."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel, says
from smart_kit.testing.suite import Suite, wait_until
from tests.e2e.fault_injection import NO_RATE_LIMITS, kill, lift_limits, parts_of

pytestmark = pytest.mark.e2e

REPLICAS = 3
PEOPLE = 12


def _mirror(asked: Asked) -> Answer:
    """A model that says who it is and what it was told to be."""
    return says(f"{asked.body['model']}: {asked.messages[0]['content']}")


@pytest.fixture
def mirrored(own_suite: Suite) -> Iterator[Suite]:
    """A suite whose model answers with its own instructions."""
    with ScriptedModel(otherwise=_mirror) as model:
        own_suite.environment |= NO_RATE_LIMITS | {"OPENAI_BASE_URL": model.url}
        yield own_suite


def test_a_change_is_used_in_each_replica_without_a_restart(mirrored: Suite) -> None:
    mirrored.try_manage("start", "--replicas", f"assistant={REPLICAS}")
    ports = _ports(mirrored)
    wait_until(lambda: None not in map(_version, ports), seconds=120)
    lift_limits(mirrored)
    people = [mirrored.person(f"Person {number}") for number in range(PEOPLE)]
    secretary = mirrored.secretary()
    _register(mirrored, "other-model")

    for change, answer in (
        ({"instructions": "Be brief."}, "gpt-6-luna: Be brief."),
        ({"model": "other-model"}, "other-model: Be brief."),
        ({"model": None, "instructions": "Be kind."}, "gpt-6-luna: Be kind."),
    ):
        _change(mirrored, secretary, change)
        newest = _newest(mirrored)
        wait_until(lambda: set(map(_version, ports)) == {newest})  # noqa: B023 # asked within the loop
        with ThreadPoolExecutor(PEOPLE) as threads:
            told = list(threads.map(lambda one: one.ask("Who are you?"), people))
        assert set(told) == {answer}
    turns = [_metric(port, 'smart_assistant_turns_total{status="done"}') for port in ports]
    assert sum(filter(None, turns)) >= 3 * PEOPLE, "more where a turn was tried again"
    assert all(parts_of(mirrored)[name].restarts == 0 for name in ("assistant", "rest_service"))


def test_without_rest_service_people_are_answered_also_by_an_assistant_that_starts_meanwhile(
    mirrored: Suite,
) -> None:
    mirrored.manage("start")
    alice = mirrored.person("Alice")
    _change(mirrored, mirrored.secretary(), {"instructions": "Be brief."})
    assert alice.ask("Hello") == "gpt-6-luna: Be brief."
    mirrored.manage("stop", "--service", "rest_service")

    assert alice.ask("Hello again") == "gpt-6-luna: Be brief."
    kill(mirrored, "assistant")
    wait_until(lambda: parts_of(mirrored)["assistant"].restarts >= 1)
    assert alice.ask("Still there?", seconds=90) == "gpt-6-luna: Be brief."


def test_what_is_refused_changes_nothing(mirrored: Suite) -> None:
    mirrored.manage("start")
    secretary = mirrored.secretary()
    _change(mirrored, secretary, {"instructions": "Be brief."})
    before = _newest(mirrored)
    with mirrored.admin() as admin:
        for wrong, word in (
            ({"model": "nobody-has-it"}, "nobody-has-it"),
            ({"fallback_models": ["nobody-has-it"]}, "nobody-has-it"),
            ({"temperature": 3}, "temperature"),
            ({"is_secretary": False}, "last active secretary"),
            ({"unknown": 1}, "unknown"),
        ):
            refused = admin.patch(f"/assistants/{secretary}", json=wrong)
            assert refused.status_code in (400, 409, 422), refused.text
            assert word in refused.json()["detail"]
    assert _newest(mirrored) == before
    assert mirrored.person("Alice").ask("Hello") == "gpt-6-luna: Be brief."


def test_an_assistant_is_put_back_to_an_earlier_version(mirrored: Suite) -> None:
    mirrored.manage("start")
    secretary, alice = mirrored.secretary(), mirrored.person("Alice")
    for instructions in ("Be brief.", "Be rude."):
        _change(mirrored, secretary, {"instructions": instructions})
    assert alice.ask("Hello") == "gpt-6-luna: Be rude."
    with mirrored.admin() as admin:
        path = f"/assistants/{secretary}/versions"
        newest, earlier = (one["number"] for one in mirrored.read(path)["items"][:2])
        compared = mirrored.read(f"{path}/compare", before=earlier, after=newest)
        (difference,) = compared["differences"]
        assert difference["field"] == "instructions"
        assert (difference["before"], difference["after"]) == ("Be brief.", "Be rude.")
        admin.post(f"{path}/{earlier}/restore").raise_for_status()
    assert alice.ask("Hello again") == "gpt-6-luna: Be brief."


def _ports(suite: Suite) -> list[int]:
    first = int(suite.environment["ASSISTANT_PORT"])
    return [first, *(first + 100 * number - 50 for number in range(2, REPLICAS + 1))]


def _register(suite: Suite, model: str) -> None:
    (provider,) = suite.read("/providers")["items"]
    with suite.admin() as admin:
        body = {"provider_id": provider["id"], "provider_model_name": model}
        admin.post("/models", json=body).raise_for_status()


def _change(suite: Suite, assistant: str, fields: dict[str, object]) -> None:
    with suite.admin() as admin:
        admin.patch(f"/assistants/{assistant}", json=fields).raise_for_status()


def _newest(suite: Suite) -> float:
    """The configuration's version, as the newest version of any assistant tells it."""
    (newest,) = suite.read(f"/assistants/{suite.secretary()}/versions", limit=1)["items"]
    return float(newest["configuration_version"])


def _version(port: int) -> float | None:
    return _metric(port, "smart_assistant_configuration_version")


def _metric(port: int, name: str) -> float | None:
    try:
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    except httpx2.HTTPError:  # it is not there yet
        return None
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None
