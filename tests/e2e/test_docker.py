"""What only containers can show. Told by `./manage.py test --docker`."""

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
    pytest.mark.skipif(DEFAULT_MODE != "docker", reason="told where the suite runs in Docker"),
]

ONE_SHOT_SERVICES = "migrate"


def _inspect_containers(suite: SuiteHarness) -> list[dict[str, Any]]:
    ids = suite.run_compose("ps", "--all", "--quiet").split()
    facts: list[dict[str, Any]] = json.loads(_run_docker("inspect", *ids))
    assert len(facts) >= 9
    return facts


def _run_docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def _get_service_name(facts: dict[str, Any]) -> str:
    return str(facts["Config"]["Labels"]["com.docker.compose.service"])


def test_no_container_is_root_may_do_more_than_it_needs_or_can_write_its_root(
    suite: SuiteHarness,
) -> None:
    for facts in _inspect_containers(suite):
        host = facts["HostConfig"]
        assert facts["Config"]["User"] not in ("", "0", "root"), facts["Name"]
        assert host["ReadonlyRootfs"], facts["Name"]
        assert host["CapDrop"] == ["ALL"], facts["Name"]
        assert "no-new-privileges:true" in host["SecurityOpt"], facts["Name"]
        if _get_service_name(facts) == ONE_SHOT_SERVICES:
            continue
        tried = _run_docker(
            "exec", facts["Id"], "sh", "-c", "id -u; touch /here /app/here /etc/here 2>&1; true"
        )
        uid, *refusals = tried.splitlines()
        assert int(uid) > 0, facts["Name"]
        assert len(refusals) == 3, (facts["Name"], tried)
        assert all("annot touch" in line for line in refusals), (facts["Name"], tried)


def test_ports_are_only_open_on_this_machine_and_only_those_that_somebody_needs(
    suite: SuiteHarness,
) -> None:
    published = {
        (_get_service_name(facts), binding["HostIp"])
        for facts in _inspect_containers(suite)
        for bindings in (facts["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    }
    outer = ("rest_service", "google_calendar_service", "tg_bot", "sandbox")
    assert published == {(name, "127.0.0.1") for name in outer}


def test_a_container_sees_its_own_variables_and_no_secret_of_another(suite: SuiteHarness) -> None:
    allowed = {
        service.name: {name.partition("=")[0] for name in service.variables} for service in SERVICES
    }
    secrets = {
        name for service in allowed.values() for name in service if "TOKEN" in name or "KEY" in name
    } | {"DATABASE_URL", "ASYNC_DATABASE_URL", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
    for facts in _inspect_containers(suite):
        name = _get_service_name(facts)
        if name in ("postgres", "redis"):
            continue
        seen = {line.partition("=")[0] for line in facts["Config"]["Env"]}
        assert not (seen & secrets) - allowed[name] - set(PROXY_VARIABLES), name


def test_after_a_restart_the_conversation_goes_on(suite: SuiteHarness) -> None:
    heidi = suite.get_or_create_user("Heidi")
    heidi.send_and_wait("My favourite colour is teal")
    suite.close()
    suite.manage("restart")

    assert suite.try_manage("status").returncode == 0
    assert "teal" in suite.get_or_create_user("Heidi").send_and_wait(
        "What was my previous message?"
    )


def test_logs_and_a_service_of_ones_own_choice(suite: SuiteHarness) -> None:
    suite.manage("restart", "--service", "tg_bot")
    assert "tg_bot" in suite.manage("logs", "-n", "5", "--service", "tg_bot")
    assert suite.try_manage("status", "--service", "tg_bot").returncode == 0


def test_three_assistants_and_two_rest_services_share_the_work_until_said_otherwise(
    suite: SuiteHarness,
) -> None:
    def running() -> list[str]:
        facts = [one for one in _inspect_containers(suite) if one["State"]["Running"]]
        return sorted(name for one in facts if (name := _get_service_name(one)) in shared)

    shared = ("assistant", "rest_service", "rest_service_replica")
    suite.manage("start", "--replicas", "assistant=3,rest_service=2")
    wanted = ["assistant"] * 3 + ["rest_service", "rest_service_replica"]
    assert running() == wanted
    said = suite.manage("status")
    assert all(f"\n{name} " in said for name in ("assistant.3", "rest_service", "rest_service.2"))
    judy = suite.get_or_create_user("Judy")
    for number in range(6):
        assert str(number + 7) in judy.send_and_wait(f"what is {number} + 7?")

    suite.close()
    suite.manage("restart", "--service", "assistant")
    suite.manage("restart", "--service", "rest_service")
    assert running() == wanted
    suite.manage("start", "--replicas", "assistant=1,rest_service=1")
    assert running() == ["assistant", "rest_service"]
    assert suite.try_manage("status").returncode == 0


@pytest.fixture
def bare_compose_suite(tmp_path: Path) -> Iterator[SuiteHarness]:
    """What a bare `docker compose up --build --wait` makes of a clone without any .env."""
    mine = SuiteHarness(tmp_path, mode="docker")
    ports = {name: value for name, value in mine.environment.items() if name.endswith("_PORT")}
    mine.environment = ports | {"COMPOSE_PROJECT_NAME": mine.environment["COMPOSE_PROJECT_NAME"]}
    yield mine
    mine.close()
    mine.run_compose(*COMPOSE_FILE_OPTIONS, "down", "--volumes", "--rmi", "local")


COMPOSE_FILE_OPTIONS = ("--file", "docker-compose.override.yml")


@pytest.mark.slow
def test_a_bare_docker_compose_up_makes_up_its_secrets_and_three_assistants_share_the_work(
    bare_compose_suite: SuiteHarness,
) -> None:
    scaled = ("--scale", "assistant=3", "--scale", "rest_service_replica=1")
    bare_compose_suite.run_compose(*COMPOSE_FILE_OPTIONS, "up", "--build", "--wait", *scaled)
    services = [
        _get_service_name(facts)
        for facts in _inspect_containers(bare_compose_suite)
        if facts["State"]["Running"]
    ]
    assert services.count("assistant") == 3
    assert services.count("rest_service_replica") == 1

    said = bare_compose_suite.run_compose(*COMPOSE_FILE_OPTIONS, "logs", "--no-log-prefix", "setup")
    link = re.search(rf"Chat: {bare_compose_suite.url('SANDBOX_PORT')}/\?token=(\S+)", said)
    assert link, said
    bare_compose_suite.environment["SANDBOX_CHAT_TOKEN"] = link[1]
    tell = re.search(r"Admin token: docker compose exec (\w+) sh -c '(.+)'", said)
    assert tell, said
    told = bare_compose_suite.run_compose(
        *COMPOSE_FILE_OPTIONS, "exec", "--no-TTY", tell[1], "sh", "-c", tell[2]
    )
    bare_compose_suite.environment["ADMIN_API_TOKEN"] = told.strip()
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
    mine = SuiteHarness(tmp_path / "state", mode="docker", entry_point=clone / "manage.py")
    yield mine
    mine.remove()


@pytest.mark.slow
def test_a_service_that_cannot_start_is_given_up_and_what_it_left_can_be_removed(
    broken_bot_suite: SuiteHarness,
) -> None:
    done = broken_bot_suite.try_manage("start", "--service", "tg_bot")
    assert done.returncode == 1
    assert "✗ tg_bot" in done.stdout
    assert "   | RuntimeError: broken by hand\n" in done.stdout
    for command in ("status", "doctor"):
        told = broken_bot_suite.try_manage(command)
        assert (told.returncode, "RuntimeError: broken by hand" in told.stdout) == (1, True)

    broken_bot_suite.manage("stop", "--remove", "--yes")
    mark = (
        f"label=com.docker.compose.project={broken_bot_suite.environment['COMPOSE_PROJECT_NAME']}"
    )
    assert _run_docker("ps", "--all", "--quiet", "--filter", mark) == ""
    assert _run_docker("volume", "ls", "--quiet", "--filter", mark) == ""
