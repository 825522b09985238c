"""What administrators do to the records of which assistants are made."""

from typing import Any
from uuid import uuid4

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.offers import DOORMAN, add_offers, bell
from tests.chaos.killable.outside import KEY
from tests.chaos.killable.stories.choices import choose, ring
from tests.chaos.killable.talk import PATIENCE, Talk

TRIES = 3
"""Of a command that a death may break off."""


def new_server(talk: Talk) -> None:
    """A server of models is added and tried, its list taken over, and all of it removed again."""
    stage, mark = talk.stage, uuid4().hex
    url = stage.suite.url("SANDBOX_PORT", "/v1")
    provider = stage.make("providers", f"Server {mark}", base_url=url, api_key="any")
    names = [f"model-{mark}-{number}" for number in range(3)]
    assert stage.api("POST", f"/providers/{provider}/test", {"model": names[0]})["is_well"]
    listed = [{"provider_model_name": name, "is_choosable": True} for name in names]
    given = {"provider_id": provider, "models": {"models": listed}}
    taken = stage.api("POST", "/models/import", given)
    assert names in (taken["created"], taken["unchanged"]), taken  # all of them or none
    stage.api("PATCH", f"/providers/{provider}", {"name": f"Renamed {mark}"})
    rows = [str(stage.find("models", name)["id"]) for name in names]
    stage.api("PATCH", f"/models/{rows[0]}", {"input_price": "1"})
    wait_until(lambda: all(_stands(talk, word) for word in (*names, f"Renamed {mark}")), PATIENCE)
    for row in rows:
        stage.api("DELETE", f"/models/{row}")
    stage.api("DELETE", f"/providers/{provider}")
    wait_until(lambda: not _stands(talk, mark), PATIENCE)


def new_helper(talk: Talk) -> None:
    """An assistant with a tool and its secret: both are changed, put back, and removed again."""
    stage, mark = talk.stage, uuid4().hex
    secret = stage.make("secrets", f"key_{mark}", origin=stage.outside.url, value="old")
    tool = stage.make("tools", f"bell_{mark}", **bell(stage.outside.url, f"key_{mark}"))
    helper = stage.make("assistants", f"Helper {mark}", instructions=f"Help {mark}.")
    stage.api("POST", f"/assistants/{helper}/tools/{tool}")
    stage.api("PATCH", f"/secrets/{secret}", {"value": KEY})
    stage.api("PATCH", f"/tools/{tool}", {"description": f"Knocks {mark}."})
    stage.api("PATCH", f"/assistants/{helper}", {"instructions": f"Hinder {mark}."})
    wait_until(lambda: _stands(talk, f"Knocks {mark}", f"Hinder {mark}"), PATIENCE)
    _put_back(talk, f"/tools/{tool}/versions", to=1)
    _put_back(talk, f"/assistants/{helper}/versions", to=2)
    wait_until(lambda: _stands(talk, f"Help {mark}") and not _stands(talk, "Knocks"), PATIENCE)
    stage.api("DELETE", f"/assistants/{helper}/tools/{tool}")
    stage.api("DELETE", f"/assistants/{helper}")
    stage.api("DELETE", f"/tools/{tool}")
    stage.api("DELETE", f"/secrets/{secret}")
    wait_until(lambda: not _stands(talk, mark), PATIENCE)


def rotation(talk: Talk) -> None:
    """A new master key; the command that a death broke off is given again."""
    stage = talk.stage
    add_offers(stage)
    done = [stage.suite.try_manage("rotate-keys")]
    while done[-1].returncode and len(done) < TRIES:
        done.append(stage.suite.try_manage("rotate-keys"))
    assert done[-1].returncode == 0, [one.stdout for one in done]
    providers = stage.api("GET", "/providers?limit=200")["items"]
    secrets = stage.api("GET", "/secrets?limit=200")["items"]
    states = [one["api_key_state"] for one in providers] + [one["state"] for one in secrets]
    assert set(states) <= {"kept", "none"}, states
    choose(talk, "assistant", DOORMAN)
    ring(talk)


def _put_back(talk: Talk, path: str, to: int) -> None:
    """One version more, and no other, whoever has died; it is what the earlier one was."""
    before = _versions(talk, path)
    talk.stage.api("POST", f"{path}/{to}/restore")
    newest, *others = _versions(talk, path)
    assert others == before, path
    assert newest["restored_from"] == to
    assert newest["content"] == next(one for one in before if one["number"] == to)["content"]


def _versions(talk: Talk, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = talk.stage.api("GET", path)["items"]
    return found


def _stands(talk: Talk, *words: str) -> bool:
    """Whether assistants are told of it."""
    snapshot = str(talk.stage.redis.get("config:snapshot"))
    return all(word in snapshot for word in words)
