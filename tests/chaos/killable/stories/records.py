"""What administrators do to the records of which assistants are made."""

from typing import Any
from uuid import uuid4

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.admin_fixtures import DOORMAN, add_admin_fixtures, bell
from tests.chaos.killable.outside_server import KEY
from tests.chaos.killable.stories.choices import choose, ring
from tests.chaos.killable.user_session import PATIENCE, UserSession

TRIES = 3
"""Of a command that a death may break off."""


def new_server(session: UserSession) -> None:
    """A server of models is added and tried, its list taken over, and all of it removed again."""
    killable, mark = session.killable, uuid4().hex
    url = killable.suite.url("SANDBOX_PORT", "/v1")
    provider = killable.make("providers", f"Server {mark}", base_url=url, api_key="any")
    names = [f"model-{mark}-{number}" for number in range(3)]
    assert killable.api("POST", f"/providers/{provider}/test", {"model": names[0]})["is_well"]
    listed = [{"provider_model_name": name, "is_choosable": True} for name in names]
    given = {"provider_id": provider, "models": {"models": listed}}
    taken = killable.api("POST", "/models/import", given)
    assert names in (taken["created"], taken["unchanged"]), taken  # all of them or none
    killable.api("PATCH", f"/providers/{provider}", {"name": f"Renamed {mark}"})
    rows = [str(killable.find("models", name)["id"]) for name in names]
    killable.api("PATCH", f"/models/{rows[0]}", {"input_price": "1"})
    wait_until(
        lambda: all(_stands(session, word) for word in (*names, f"Renamed {mark}")), PATIENCE
    )
    for row in rows:
        killable.api("DELETE", f"/models/{row}")
    killable.api("DELETE", f"/providers/{provider}")
    wait_until(lambda: not _stands(session, mark), PATIENCE)


def new_helper(session: UserSession) -> None:
    """An assistant with a tool and its secret: both are changed, put back, and removed again."""
    killable, mark = session.killable, uuid4().hex
    secret = killable.make("secrets", f"key_{mark}", origin=killable.outside.url, value="old")
    tool = killable.make("tools", f"bell_{mark}", **bell(killable.outside.url, f"key_{mark}"))
    helper = killable.make("assistants", f"Helper {mark}", instructions=f"Help {mark}.")
    killable.api("POST", f"/assistants/{helper}/tools/{tool}")
    killable.api("PATCH", f"/secrets/{secret}", {"value": KEY})
    killable.api("PATCH", f"/tools/{tool}", {"description": f"Knocks {mark}."})
    killable.api("PATCH", f"/assistants/{helper}", {"instructions": f"Hinder {mark}."})
    wait_until(lambda: _stands(session, f"Knocks {mark}", f"Hinder {mark}"), PATIENCE)
    _put_back(session, f"/tools/{tool}/versions", to=1)
    _put_back(session, f"/assistants/{helper}/versions", to=2)
    wait_until(
        lambda: _stands(session, f"Help {mark}") and not _stands(session, "Knocks"), PATIENCE
    )
    killable.api("DELETE", f"/assistants/{helper}/tools/{tool}")
    killable.api("DELETE", f"/assistants/{helper}")
    killable.api("DELETE", f"/tools/{tool}")
    killable.api("DELETE", f"/secrets/{secret}")
    wait_until(lambda: not _stands(session, mark), PATIENCE)


def rotation(session: UserSession) -> None:
    """A new master key; the command that a death broke off is given again."""
    killable = session.killable
    add_admin_fixtures(killable)
    done = [killable.suite.try_manage("rotate-keys")]
    while done[-1].returncode and len(done) < TRIES:
        done.append(killable.suite.try_manage("rotate-keys"))
    assert done[-1].returncode == 0, [one.stdout for one in done]
    providers = killable.api("GET", "/providers?limit=200")["items"]
    secrets = killable.api("GET", "/secrets?limit=200")["items"]
    states = [one["api_key_state"] for one in providers] + [one["state"] for one in secrets]
    assert set(states) <= {"kept", "none"}, states
    choose(session, "assistant", DOORMAN)
    ring(session)


def _put_back(session: UserSession, path: str, to: int) -> None:
    """One version more, and no other, whoever has died; it is what the earlier one was."""
    before = _versions(session, path)
    session.killable.api("POST", f"{path}/{to}/restore")
    newest, *others = _versions(session, path)
    assert others == before, path
    assert newest["restored_from"] == to
    assert newest["content"] == next(one for one in before if one["number"] == to)["content"]


def _versions(session: UserSession, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.killable.api("GET", path)["items"]
    return found


def _stands(session: UserSession, *words: str) -> bool:
    """Whether assistants are told of it."""
    snapshot = str(session.killable.redis.get("config:snapshot"))
    return all(word in snapshot for word in words)
