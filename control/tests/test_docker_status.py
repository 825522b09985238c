"""The report on containers that run, or do not run."""

import io
from typing import Any

import pytest

from control import mode_selection
from control.docker.compose import Compose
from control.docker.status import check_containers
from control.finding import Finding
from control.status_table import HEADINGS
from control.tests.fake_docker import HEALTHY, UNHEALTHY, FakeDocker, make_container


def test_status_shows_problems(docker: FakeDocker, output: io.StringIO) -> None:
    docker.set_containers(
        make_container("assistant", **UNHEALTHY),
        make_container("migrate", "exited"),
        make_container("tg_bot", "restarting", ExitCode=78),
    )
    docker.responses[f"logs {'tg_bot' * 4}"] = ["started\nTELEGRAM_TOKEN: field required\n", 0]
    docker.responses["stats"] = ['{"id": "' + "assistant" * 4 + '", "used": "66.5MiB / 23GiB"}', 0]
    assert docker.manage(output, "status", "--docker") == 1

    headings, assistant, migrate, bot = output.getvalue().splitlines()
    assert tuple(headings.split()) == HEADINGS
    assert "66 MB" in assistant
    assert assistant.endswith("redis: refused")
    assert migrate.split()[2] == "done"
    assert bot.endswith("exit status 78: TELEGRAM_TOKEN: field required")


@pytest.mark.parametrize(
    ("text", "health"),
    [
        ('{"event": "waiting for Redis", "level": "info"}\n', "does not answer: waiting for Redis"),
        ("", "does not answer"),
    ],
)
def test_unreachable_container_is_explained_by_its_last_log_line(
    docker: FakeDocker, output: io.StringIO, text: str, health: str
) -> None:
    refused = "bash: connect: Connection refused\nbash: line 1: /dev/tcp/127.0.0.1/8002: refused"
    check = {"Status": "unhealthy", "Log": [{"Output": refused}]}
    docker.set_containers(make_container("assistant", Health=check))
    docker.responses[f"logs {'assistant' * 4}"] = [text, 0]
    docker.manage(output, "status", "--docker")
    assert output.getvalue().splitlines()[-1].endswith(f"-       {health}")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "exit status 1"),
        (128, "exit status 128"),
        (137, "ended by a signal: Killed"),
        (192, "ended by a signal: Real-time signal 30"),
        (193, "exit status 193"),
        (255, "exit status 255"),
        (-7, "ended by a signal: Bus error"),
        (-1000, "exit status -1000"),
        (2**40, "exit status 1099511627776"),
    ],
)
def test_every_exit_status_is_shown(
    docker: FakeDocker, output: io.StringIO, code: int, text: str
) -> None:
    docker.set_containers(make_container("tg_bot", "exited", ExitCode=code))
    assert docker.manage(output, "status", "--docker") == 1
    assert f"  {text}" in output.getvalue().splitlines()[-1]


@pytest.mark.parametrize("state", ["created", "paused", "removing", "dead", "never heard of"])
def test_every_state_is_shown(docker: FakeDocker, output: io.StringIO, state: str) -> None:
    docker.set_containers(make_container("tg_bot", state, StartedAt="0001-01-01T00:00:00Z"))
    assert docker.manage(output, "status", "--docker") == 1
    assert f"  {state}  " in output.getvalue().splitlines()[-1]


def test_created_container_shows_its_unmet_dependencies(
    docker: FakeDocker, output: io.StringIO
) -> None:
    docker.set_containers(
        make_container("migrate", "exited", ExitCode=1),
        make_container("redis", **HEALTHY),
        make_container("rest_service", "created", needs="migrate:done:false,redis:healthy:false"),
        make_container("tg_bot", "created", needs="redis:healthy:false", Error="port is allocated"),
    )
    docker.manage(output, "status", "--docker", "--service", "rest_service", "--service", "tg_bot")
    rest, bot = output.getvalue().splitlines()[1:]
    assert rest.endswith("  waits for migrate")
    assert bot.endswith("  port is allocated")


def test_restarted_container_is_reported(docker: FakeDocker, output: io.StringIO) -> None:
    starting = {"Health": {"Status": "starting", "Log": []}}
    docker.set_containers(make_container("tg_bot", restarts=4, **starting))
    docker.responses["logs"] = ["PermissionError: main.py", 0]
    docker.manage(output, "status", "--docker")
    text = "has ended and started again (restarts: 4): PermissionError: main.py"
    assert output.getvalue().splitlines()[-1].endswith(text)


def test_container_removed_during_inspection_is_ignored(
    docker: FakeDocker, output: io.StringIO
) -> None:
    """Every inspection of it fails; those of the others succeed."""
    docker.set_containers(
        make_container("redis", **HEALTHY), make_container("tg_bot", "exited", ExitCode=3)
    )
    docker.responses["inspect"][1] = 1
    docker.set_stderr("Error: No such object: bbb")
    docker.responses["stats"] = ["", 1]
    docker.responses["logs"] = ["Error response from daemon: No such container", 1]
    assert docker.manage(output, "status", "--docker") == 1
    redis, bot = output.getvalue().splitlines()[1:]
    assert redis.split()[0] == "redis"
    assert bot.endswith("exit status 3, without output")


def test_compose_ps_is_retried_after_a_container_disappeared(
    docker: FakeDocker, output: io.StringIO
) -> None:
    docker.set_containers(make_container("redis", **HEALTHY))
    docker.responses["compose ps"] = [["ps", "", ["", 1], ["aaa", 0]], 0]
    docker.set_stderr("Error response from daemon: No such container: abc")
    assert docker.manage(output, "status", "--docker") == 0
    assert "redis" in output.getvalue()


def test_compose_call_has_a_timeout(
    docker: FakeDocker,
    output: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Compose.capture, "__kwdefaults__", {"stdin": "", "timeout": 0.5})
    docker.responses["compose ps"] = ["", None]
    assert docker.manage(output, "status", "--docker") == 1
    assert "docker compose ps does not answer within 0.5 s" in capsys.readouterr().err


def test_failed_engine_is_an_error(
    docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.responses["inspect"] = ["[]", 1]
    docker.set_stderr("Cannot connect to the Docker daemon")
    assert docker.manage(output, "status", "--docker") == 1
    assert "docker inspect: Cannot connect to the Docker daemon" in capsys.readouterr().err


def test_container_without_label_or_state_is_shown(docker: FakeDocker, output: io.StringIO) -> None:
    docker.set_containers({"Id": "abc", "Name": "/odd", "Config": {"Labels": None}, "State": None})
    assert docker.manage(output, "status", "--docker") == 1
    assert output.getvalue().splitlines()[-1].split()[:3] == ["odd", "abc", "unknown"]


def test_one_off_containers_are_ignored(docker: FakeDocker, output: io.StringIO) -> None:
    one_off = make_container("migrate", "running")
    one_off["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"
    docker.set_containers(make_container("redis", **HEALTHY), one_off)
    assert docker.manage(output, "status", "--docker") == 0


class TestFindings:
    """What `doctor` reports."""

    def check_containers(self, docker: FakeDocker) -> list[Finding]:
        return [*check_containers(docker.context(io.StringIO()))]

    @pytest.mark.parametrize(
        ("container", "verdict", "text"),
        [
            (
                make_container("tg_bot", "restarting", ExitCode=1),
                "error",
                "exit status 1: it broke",
            ),
            (make_container("tg_bot", **UNHEALTHY), "error", "redis: refused"),
            (make_container("tg_bot", "paused"), "error", "is paused"),
            (make_container("tg_bot", "dead", ExitCode=1), "error", "exit status 1: it broke"),
            (make_container("migrate", "exited", ExitCode=1), "error", "exit status 1: it broke"),
            (make_container("tg_bot", "created"), "error", "has not started"),
            (
                make_container("tg_bot", restarts=1, Health={"Status": "starting"}),
                "error",
                "has ended and started again (restarts: 1): it broke",
            ),
            (make_container("tg_bot", "removing"), "warning", "is being removed"),
            (make_container("tg_bot", "exited"), "warning", "is stopped"),
            (make_container("tg_bot", "exited", ExitCode=143), "warning", "is stopped"),
            (make_container("tg_bot", "exited", ExitCode=1), "error", "exit status 1: it broke"),
            (
                make_container("tg_bot", "exited", ExitCode=0, Error="port is already allocated"),
                "error",
                "exit status 0: port is already allocated",
            ),
            (
                make_container("tg_bot", restarts=0, Health={"Status": "starting"}),
                "warning",
                "is still starting (does not answer: it broke)",
            ),
            (
                make_container("migrate", restarts=0),
                "warning",
                "is still starting (still runs: it broke)",
            ),
        ],
    )
    def test_unhealthy_containers_are_reported_with_reason_and_advice(
        self, docker: FakeDocker, container: dict[str, Any], verdict: str, text: str
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY), container)
        docker.responses["logs"] = ["it broke\n", 0]
        (found,) = self.check_containers(docker)
        assert (found.severity, found.message) == (verdict, text)
        assert "./manage.py" in found.advice

    def test_healthy_suite_is_reported_in_one_line(self, docker: FakeDocker) -> None:
        docker.set_containers(
            make_container("redis", **HEALTHY), make_container("migrate", "exited")
        )
        assert self.check_containers(docker) == [
            Finding("suite", "runs in Docker, all 2 containers are healthy")
        ]

    @pytest.mark.parametrize("responses", [{"version": ["", 1]}, {"compose ps": ["", 0]}])
    def test_missing_engine_or_containers_give_no_finding(
        self, docker: FakeDocker, responses: dict[str, list[Any]]
    ) -> None:
        docker.responses |= responses
        assert self.check_containers(docker) == []

    def test_docker_suite_without_an_engine_is_an_error(self, docker: FakeDocker) -> None:
        docker.responses["version"] = ["", 1]
        mode_selection.save_last_mode(docker.home / ".local", "docker")
        (found,) = self.check_containers(docker)
        assert found.severity == "error"
        assert "was started in Docker, and no Docker Engine answers" in found.message

    def test_failed_compose_call_is_a_finding(self, docker: FakeDocker) -> None:
        docker.responses["compose ps"] = ["", 1]
        docker.set_stderr("no configuration file provided")
        (found,) = self.check_containers(docker)
        assert (found.severity, found.message) == (
            "error",
            "docker compose ps: no configuration file provided",
        )
