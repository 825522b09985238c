"""Stories in which an administrator changes the records that configure assistants."""

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
"""Attempts of a command that a kill may interrupt."""


def provider_lifecycle(session: UserSession) -> None:
    """A provider is created and tested, its models are imported, and all of it is deleted."""
    killable, tag = session.killable, uuid4().hex
    url = killable.suite.url("SANDBOX_PORT", "/v1")
    provider = killable.create_record("providers", f"Server {tag}", base_url=url, api_key="any")
    names = [f"model-{tag}-{number}" for number in range(3)]
    assert killable.call_api("POST", f"/providers/{provider}/test", {"model": names[0]})[
        "is_healthy"
    ]
    models = [{"provider_model_name": name, "is_user_selectable": True} for name in names]
    body = {"provider_id": provider, "models": {"models": models}}
    imported = killable.call_api("POST", "/models/import", body)
    # the import is atomic; a retry after a lost response finds all models unchanged
    assert names in (imported["created"], imported["unchanged"]), imported
    killable.call_api("PATCH", f"/providers/{provider}", {"name": f"Renamed {tag}"})
    model_ids = [str(killable.find_record("models", name)["id"]) for name in names]
    killable.call_api("PATCH", f"/models/{model_ids[0]}", {"input_price": "1"})
    wait_until(
        lambda: _is_in_snapshot(session, *names, f"Renamed {tag}"),
        TIMEOUT_SECONDS,
    )
    for model_id in model_ids:
        killable.call_api("DELETE", f"/models/{model_id}")
    killable.call_api("DELETE", f"/providers/{provider}")
    wait_until(lambda: not _is_in_snapshot(session, tag), TIMEOUT_SECONDS)


def assistant_lifecycle(session: UserSession) -> None:
    """An assistant with a tool and a secret is created, changed, restored and deleted."""
    killable, tag = session.killable, uuid4().hex
    secret = killable.create_record(
        "secrets", f"key_{tag}", origin=killable.external_server.url, value="old"
    )
    tool = killable.create_record(
        "tools", f"bell_{tag}", **make_bell_tool(killable.external_server.url, f"key_{tag}")
    )
    helper = killable.create_record("assistants", f"Helper {tag}", instructions=f"Help {tag}.")
    killable.call_api("POST", f"/assistants/{helper}/tools/{tool}")
    killable.call_api("PATCH", f"/secrets/{secret}", {"value": BEARER_TOKEN})
    killable.call_api("PATCH", f"/tools/{tool}", {"description": f"Knocks {tag}."})
    killable.call_api("PATCH", f"/assistants/{helper}", {"instructions": f"Hinder {tag}."})
    wait_until(lambda: _is_in_snapshot(session, f"Knocks {tag}", f"Hinder {tag}"), TIMEOUT_SECONDS)
    _restore_version(session, f"/tools/{tool}/versions", to=1)
    _restore_version(session, f"/assistants/{helper}/versions", to=2)
    wait_until(
        lambda: _is_in_snapshot(session, f"Help {tag}") and not _is_in_snapshot(session, "Knocks"),
        TIMEOUT_SECONDS,
    )
    killable.call_api("DELETE", f"/assistants/{helper}/tools/{tool}")
    killable.call_api("DELETE", f"/assistants/{helper}")
    killable.call_api("DELETE", f"/tools/{tool}")
    killable.call_api("DELETE", f"/secrets/{secret}")
    wait_until(lambda: not _is_in_snapshot(session, tag), TIMEOUT_SECONDS)


def key_rotation(session: UserSession) -> None:
    """The operator rotates the master key, and repeats the command if a kill interrupts it."""
    killable = session.killable
    add_admin_fixtures(killable)
    attempts = [killable.suite.try_manage("rotate-keys")]
    while attempts[-1].returncode and len(attempts) < MAX_ATTEMPTS:
        attempts.append(killable.suite.try_manage("rotate-keys"))
    assert attempts[-1].returncode == 0, [attempt.stdout for attempt in attempts]
    providers = killable.call_api("GET", "/providers?limit=200")["items"]
    secrets = killable.call_api("GET", "/secrets?limit=200")["items"]
    states = {provider["api_key_state"] for provider in providers}
    states |= {secret["state"] for secret in secrets}
    assert states <= {"stored", "none"}, states
    select_option(session, "assistant", DOORMAN_ASSISTANT)
    call_bell(session)


def _restore_version(session: UserSession, path: str, to: int) -> None:
    """Restore a version, and assert that this adds exactly one version with its content."""
    before = _get_versions(session, path)
    session.killable.call_api("POST", f"{path}/{to}/restore")
    newest, *others = _get_versions(session, path)
    assert others == before, path
    assert newest["restored_from"] == to
    (restored,) = (version for version in before if version["number"] == to)
    assert newest["content"] == restored["content"]


def _get_versions(session: UserSession, path: str) -> list[dict[str, Any]]:
    versions: list[dict[str, Any]] = session.killable.call_api("GET", path)["items"]
    return versions


def _is_in_snapshot(session: UserSession, *texts: str) -> bool:
    """Return whether the configuration snapshot in Redis contains all the texts."""
    snapshot = str(session.killable.redis.get("config:snapshot"))
    return all(text in snapshot for text in texts)
