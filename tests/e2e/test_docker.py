"""Properties that only containers have. Run by `./manage.py test --docker`."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control.services import SERVICES
from control.variables import PROXY_VARIABLES
from smart_kit.testing.suite_harness import DEFAULT_MODE, ROOT, SuiteHarness

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(DEFAULT_MODE != "docker", reason="the suite does not run in Docker"),
]

ONE_SHOT_SERVICE = "migrate"
"""Its container has exited, so no command can run in it."""


def _inspect_containers(suite: SuiteHarness) -> list[dict[str, Any]]:
    ids = suite.run_compose("ps", "--all", "--quiet").split()
    containers: list[dict[str, Any]] = json.loads(_run_docker("inspect", *ids))
    assert len(containers) >= 9
    return containers


def _run_docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def _get_service_name(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def test_containers_run_unprivileged_with_a_read_only_file_system(suite: SuiteHarness) -> None:
    for container in _inspect_containers(suite):
        name, host = container["Name"], container["HostConfig"]
        assert container["Config"]["User"] not in ("", "0", "root"), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        if _get_service_name(container) == ONE_SHOT_SERVICE:
            continue
        output = _run_docker(
            "exec", container["Id"], "sh", "-c", "id -u; touch /here /app/here /etc/here 2>&1; true"
        )
        uid, *errors = output.splitlines()
        assert int(uid) > 0, name
        assert len(errors) == 3, (name, output)
        assert all("annot touch" in line for line in errors), (name, output)


def test_only_four_services_publish_ports_and_only_on_localhost(suite: SuiteHarness) -> None:
    published = {
        (_get_service_name(container), binding["HostIp"])
        for container in _inspect_containers(suite)
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    }
    expected = ("rest_service", "google_calendar_service", "tg_bot", "sandbox")
    assert published == {(name, "127.0.0.1") for name in expected}


def test_a_container_sees_no_secret_of_another_service(suite: SuiteHarness) -> None:
    allowed = {
        service.name: {name.partition("=")[0] for name in service.variables} for service in SERVICES
    }
    secrets = {
        name for service in allowed.values() for name in service if "TOKEN" in name or "KEY" in name
    } | {"DATABASE_URL", "ASYNC_DATABASE_URL", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
    for container in _inspect_containers(suite):
        name = _get_service_name(container)
        if name in ("postgres", "redis"):
            continue
        variables = {line.partition("=")[0] for line in container["Config"]["Env"]}
        assert not (variables & secrets) - allowed[name] - set(PROXY_VARIABLES), name


def test_a_conversation_continues_after_a_restart(suite: SuiteHarness) -> None:
    heidi = suite.get_or_create_user("Heidi")
    heidi.send_and_wait("My favourite colour is teal")
    suite.close()
    suite.manage("restart")

    assert suite.try_manage("status").returncode == 0
    assert "teal" in suite.get_or_create_user("Heidi").send_and_wait(
        "What was my previous message?"
    )


def test_restart_logs_and_status_accept_a_single_service(suite: SuiteHarness) -> None:
    suite.manage("restart", "--service", "tg_bot")
    assert "tg_bot" in suite.manage("logs", "-n", "5", "--service", "tg_bot")
    assert suite.try_manage("status", "--service", "tg_bot").returncode == 0


def _get_running_services(suite: SuiteHarness) -> list[str]:
    containers = _inspect_containers(suite)
    return sorted(
        _get_service_name(container) for container in containers if container["State"]["Running"]
    )


def test_replicas_keep_running_across_restarts_until_they_are_removed(suite: SuiteHarness) -> None:
    def list_running() -> list[str]:
        return [name for name in _get_running_services(suite) if name in scaled]

    scaled = ("assistant", "rest_service", "rest_service_replica")
    suite.manage("start", "--replicas", "assistant=3,rest_service=2")
    expected = ["assistant"] * 3 + ["rest_service", "rest_service_replica"]
    assert list_running() == expected
    output = suite.manage("status")
    assert all(f"\n{name} " in output for name in ("assistant.3", "rest_service", "rest_service.2"))
    judy = suite.get_or_create_user("Judy")
    for number in range(6):
        assert str(number + 7) in judy.send_and_wait(f"what is {number} + 7?")

    suite.close()
    suite.manage("restart", "--service", "assistant")
    suite.manage("restart", "--service", "rest_service")
    assert list_running() == expected
    suite.manage("start", "--replicas", "assistant=1,rest_service=1")
    assert list_running() == ["assistant", "rest_service"]
    assert suite.try_manage("status").returncode == 0


@pytest.fixture
def bare_compose_suite(tmp_path: Path) -> Iterator[SuiteHarness]:
    """A suite for a bare `docker compose up` in a clone without .env: no secrets are set."""
    bare = SuiteHarness(tmp_path, mode="docker")
    ports = {name: value for name, value in bare.environment.items() if name.endswith("_PORT")}
    bare.environment = ports | {"COMPOSE_PROJECT_NAME": bare.environment["COMPOSE_PROJECT_NAME"]}
    yield bare
    bare.close()
    bare.run_compose(*COMPOSE_FILE_OPTIONS, "down", "--volumes", "--rmi", "local")


COMPOSE_FILE_OPTIONS = ("--file", "docker-compose.override.yml")


@pytest.mark.slow
def test_a_bare_docker_compose_up_generates_secrets_and_scales(
    bare_compose_suite: SuiteHarness,
) -> None:
    scaled = ("--scale", "assistant=3", "--scale", "rest_service_replica=1")
    bare_compose_suite.run_compose(*COMPOSE_FILE_OPTIONS, "up", "--build", "--wait", *scaled)
    services = _get_running_services(bare_compose_suite)
    assert services.count("assistant") == 3
    assert services.count("rest_service_replica") == 1

    log = bare_compose_suite.run_compose(*COMPOSE_FILE_OPTIONS, "logs", "--no-log-prefix", "setup")
    link = re.search(rf"Chat: {bare_compose_suite.url('SANDBOX_PORT')}/\?token=(\S+)", log)
    assert link, log
    bare_compose_suite.environment["SANDBOX_CHAT_TOKEN"] = link[1]
    command = re.search(r"Admin token: docker compose exec (\w+) sh -c '(.+)'", log)
    assert command, log
    token = bare_compose_suite.run_compose(
        *COMPOSE_FILE_OPTIONS, "exec", "--no-TTY", command[1], "sh", "-c", command[2]
    )
    bare_compose_suite.environment["ADMIN_API_TOKEN"] = token.strip()
    with bare_compose_suite.make_admin_client() as api:
        assert api.get("/assistants").status_code == 200
    ivan = bare_compose_suite.get_or_create_user("Ivan")
    for number in range(6):
        assert str(number + 7) in ivan.send_and_wait(f"what is {number} + 7?")


@pytest.fixture
def broken_bot_suite(tmp_path: Path) -> Iterator[SuiteHarness]:
    """A clone made under umask 077, with a bot that cannot start."""
    clone = tmp_path / "clone"
    unneeded = shutil.ignore_patterns(".git", ".venv", ".local", ".env", ".*_cache", "__pycache__")
    shutil.copytree(ROOT, clone, ignore=unneeded)
    for path in clone.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    main = clone / "tg_bot" / "src" / "main.py"
    main.write_text(f"raise RuntimeError('broken by hand')\n{main.read_text()}")
    broken = SuiteHarness(tmp_path / "state", mode="docker", entry_point=clone / "manage.py")
    yield broken
    broken.remove()


@pytest.mark.slow
def test_a_service_that_cannot_start_is_reported_and_removable(
    broken_bot_suite: SuiteHarness,
) -> None:
    started = broken_bot_suite.try_manage("start", "--service", "tg_bot")
    assert started.returncode == 1
    assert "✗ tg_bot" in started.stdout
    assert "   | RuntimeError: broken by hand\n" in started.stdout
    for command in ("status", "doctor"):
        result = broken_bot_suite.try_manage(command)
        assert (result.returncode, "RuntimeError: broken by hand" in result.stdout) == (1, True)

    broken_bot_suite.manage("stop", "--remove", "--yes")
    project = broken_bot_suite.environment["COMPOSE_PROJECT_NAME"]
    label = f"label=com.docker.compose.project={project}"
    assert _run_docker("ps", "--all", "--quiet", "--filter", label) == ""
    assert _run_docker("volume", "ls", "--quiet", "--filter", label) == ""
