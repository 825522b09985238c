"""What administrators do to the records of which assistants are made."""

from typing import Any
from uuid import uuid4

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.admin_fixtures import (
    DOORMAN_ASSISTANT,
    add_admin_fixtures,
    make_bell_tool,
)
from tests.chaos.killable.external_server import BEARER_TOKEN
from tests.chaos.killable.stories.selections import call_bell, select_option
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession

MAX_ATTEMPTS = 3
"""Of a command that a death may break off."""


def provider_lifecycle(session: UserSession) -> None:
    """A server of models is added and tried, its list taken over, and all of it removed again."""
    killable, mark = session.killable, uuid4().hex
    url = killable.suite.url("SANDBOX_PORT", "/v1")
    provider = killable.create_record("providers", f"Server {mark}", base_url=url, api_key="any")
    names = [f"model-{mark}-{number}" for number in range(3)]
    assert killable.call_api("POST", f"/providers/{provider}/test", {"model": names[0]})[
        "is_healthy"
    ]
    listed = [{"provider_model_name": name, "is_user_selectable": True} for name in names]
    given = {"provider_id": provider, "models": {"models": listed}}
    taken = killable.call_api("POST", "/models/import", given)
    assert names in (taken["created"], taken["unchanged"]), taken  # all of them or none
    killable.call_api("PATCH", f"/providers/{provider}", {"name": f"Renamed {mark}"})
    rows = [str(killable.find_record("models", name)["id"]) for name in names]
    killable.call_api("PATCH", f"/models/{rows[0]}", {"input_price": "1"})
    wait_until(
        lambda: all(_is_in_snapshot(session, word) for word in (*names, f"Renamed {mark}")),
        TIMEOUT_SECONDS,
    )
    for row in rows:
        killable.call_api("DELETE", f"/models/{row}")
    killable.call_api("DELETE", f"/providers/{provider}")
    wait_until(lambda: not _is_in_snapshot(session, mark), TIMEOUT_SECONDS)


def assistant_lifecycle(session: UserSession) -> None:
    """An assistant with a tool and its secret: both are changed, put back, and removed again."""
    killable, mark = session.killable, uuid4().hex
    secret = killable.create_record(
        "secrets", f"key_{mark}", origin=killable.external_server.url, value="old"
    )
    tool = killable.create_record(
        "tools", f"bell_{mark}", **make_bell_tool(killable.external_server.url, f"key_{mark}")
    )
    helper = killable.create_record("assistants", f"Helper {mark}", instructions=f"Help {mark}.")
    killable.call_api("POST", f"/assistants/{helper}/tools/{tool}")
    killable.call_api("PATCH", f"/secrets/{secret}", {"value": BEARER_TOKEN})
    killable.call_api("PATCH", f"/tools/{tool}", {"description": f"Knocks {mark}."})
    killable.call_api("PATCH", f"/assistants/{helper}", {"instructions": f"Hinder {mark}."})
    wait_until(
        lambda: _is_in_snapshot(session, f"Knocks {mark}", f"Hinder {mark}"), TIMEOUT_SECONDS
    )
    _restore_version(session, f"/tools/{tool}/versions", to=1)
    _restore_version(session, f"/assistants/{helper}/versions", to=2)
    wait_until(
        lambda: _is_in_snapshot(session, f"Help {mark}") and not _is_in_snapshot(session, "Knocks"),
        TIMEOUT_SECONDS,
    )
    killable.call_api("DELETE", f"/assistants/{helper}/tools/{tool}")
    killable.call_api("DELETE", f"/assistants/{helper}")
    killable.call_api("DELETE", f"/tools/{tool}")
    killable.call_api("DELETE", f"/secrets/{secret}")
    wait_until(lambda: not _is_in_snapshot(session, mark), TIMEOUT_SECONDS)


def key_rotation(session: UserSession) -> None:
    """A new master key; the command that a death broke off is given again."""
    killable = session.killable
    add_admin_fixtures(killable)
    done = [killable.suite.try_manage("rotate-keys")]
    while done[-1].returncode and len(done) < MAX_ATTEMPTS:
        done.append(killable.suite.try_manage("rotate-keys"))
    assert done[-1].returncode == 0, [one.stdout for one in done]
    providers = killable.call_api("GET", "/providers?limit=200")["items"]
    secrets = killable.call_api("GET", "/secrets?limit=200")["items"]
    states = [one["api_key_state"] for one in providers] + [one["state"] for one in secrets]
    assert set(states) <= {"stored", "none"}, states
    select_option(session, "assistant", DOORMAN_ASSISTANT)
    call_bell(session)


def _restore_version(session: UserSession, path: str, to: int) -> None:
    """One version more, and no other, whoever has died; it is what the earlier one was."""
    before = _get_versions(session, path)
    session.killable.call_api("POST", f"{path}/{to}/restore")
    newest, *others = _get_versions(session, path)
    assert others == before, path
    assert newest["restored_from"] == to
    assert newest["content"] == next(one for one in before if one["number"] == to)["content"]


def _get_versions(session: UserSession, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.killable.call_api("GET", path)["items"]
    return found


def _is_in_snapshot(session: UserSession, *texts: str) -> bool:
    """Whether assistants are told of it."""
    snapshot = str(session.killable.redis.get("config:snapshot"))
    return all(word in snapshot for word in texts)
