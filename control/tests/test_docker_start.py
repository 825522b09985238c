"""Starting in Docker."""

import io
import math
import time
from pathlib import Path

import pytest

from control.docker import compose_process, readiness, timeouts
from control.tests.fake_docker import HEALTHY, UNHEALTHY, FakeDocker, make_container


class JumpingClock:
    """Stands still until a file contains this text as a whole line; then each call takes
    minutes."""

    sleep = staticmethod(time.sleep)

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text
        self._now = 0.0

    def monotonic(self) -> float:
        text = self._file.read_text() if self._file.exists() else ""
        if self._text in text.rpartition("\n")[0]:
            self._now += 1000.0
        return self._now


class TestStart:
    def test_containers_receive_translated_addresses(
        self, docker: FakeDocker, home: Path, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        environ = {"OPENAI_BASE_URL": "http://localhost:11434/v1", "REDIS_PORT": "7777"}
        assert docker.manage(output, "start", "--docker", **environ) == 0

        environment = docker.get_only_call("compose", "up", "--remove-orphans")["environment"]
        assert environment["OPENAI_BASE_URL"] == "http://host.docker.internal:11434/v1"
        assert (environment["REDIS_HOST"], environment["REDIS_PORT"]) == ("redis", "6379")
        assert environment["DATABASE_URL"].endswith("@postgres:5432/smart_assistant")
        assert environment["REST_SERVICE_URL"] == "http://rest_service:8000"
        assert environment["TELEGRAM_API_URL"] == "http://sandbox:8080"
        assert (home / ".local" / "mode").read_text() == "docker\n"
        assert "http://127.0.0.1:8080/?token=" in output.getvalue()

    def test_database_password_is_in_no_command_line(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        docker.manage(output, "start", "--docker", POSTGRES_PASSWORD="o'hara, the long one")
        call = docker.get_only_call("compose", "exec", "psql")
        assert call["stdin"] == "ALTER ROLE smart_assistant PASSWORD 'o''hara, the long one';"
        assert not any("hara" in word for call in docker.calls for word in call["arguments"])

    def test_external_server_is_neither_started_nor_changed(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        url = "postgresql://me:secret@db.example/mine"
        docker.manage(output, "start", "--docker", DATABASE_URL=url, ASYNC_DATABASE_URL=url)
        assert (
            "postgres=0" in docker.get_only_call("compose", "up", "--remove-orphans")["arguments"]
        )
        assert not any("exec" in call["arguments"] for call in docker.calls)

    def test_failed_build_prints_the_last_lines(
        self, docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.responses["compose build"] = ["step 1\nno space left on device", 17]
        assert docker.manage(output, "start", "--docker") == 1
        assert "no space left on device" in capsys.readouterr().err

    def test_sandbox_profile_is_used_when_needed(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        docker.manage(output, "status", "--docker")
        real = {"TELEGRAM_TOKEN": f"1:{'A' * 35}", "OPENAI_API_KEY": "sk-real"}
        docker.manage(output, "status", "--docker", **real)
        first, second = (call["arguments"] for call in docker.calls if "ps" in call["arguments"])
        assert "sandbox" in first
        assert "sandbox" not in second


class TestGivingUp:
    """Failed containers are reported while Compose still waits for them."""

    def hang_compose(self, docker: FakeDocker) -> None:
        """Compose waits for a dependency that never becomes healthy."""
        docker.responses["up --remove-orphans"] = ["Container x Waiting", None]

    def has_exited(self, docker: FakeDocker) -> bool:
        pid = docker.get_only_call("compose", "up", "--remove-orphans")["pid"]
        return not Path(f"/proc/{pid}").exists()

    def test_failed_task_is_reported_with_its_log_and_dependents(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        self.hang_compose(docker)
        databases = [make_container("postgres", **HEALTHY), make_container("redis", **HEALTHY)]
        migrate = make_container("migrate", "exited", restarts=3, ExitCode=1)
        rest = make_container("rest_service", "created", needs="redis:x:false,migrate:x:false")
        assistant = make_container("assistant", "created", needs="rest_service:x:false")
        docker.set_container_sequence(databases, [*databases, migrate, rest, assistant])
        docker.responses[f"logs {'migrate' * 4}"] = ["Traceback\nPermissionError: env.py\n", 0]

        assert docker.manage(output, "start", "--docker") == 1
        message = output.getvalue()
        failed = [line.split(maxsplit=2)[1:] for line in message.splitlines() if "✗" in line]
        assert failed == [
            ["migrate", "exit status 1: PermissionError: env.py"],
            ["assistant", "waits for rest_service"],
            ["rest_service", "waits for migrate"],
        ]
        assert "   | Traceback\n   | PermissionError: env.py\n" in message
        assert "! not healthy: migrate, assistant, rest_service. Fix the cause" in message
        assert self.has_exited(docker)

    def test_restarts_before_this_start_do_not_count(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        failing = make_container("tg_bot", "restarting", restarts=40, ExitCode=1)
        healthy = make_container("tg_bot", restarts=41, **HEALTHY)
        docker.set_container_sequence(*[[failing]] * 5, [healthy])
        assert docker.manage(output, "start", "--docker") == 0

    def test_task_result_of_an_earlier_start_does_not_count(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        """Compose takes time to begin: a task has failed only after it has started again."""
        self.hang_compose(docker)
        earlier = make_container("migrate", "exited", ExitCode=3, StartedAt="2026-11-20T12:00:00Z")
        failed = make_container("migrate", "exited", ExitCode=4)
        docker.set_container_sequence(*[[earlier]] * 5, [failed])
        assert docker.manage(output, "start", "--docker") == 1
        assert "exit status 4" in output.getvalue()

    def test_replaced_container_is_reported_only_once_recreated(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        old = make_container("tg_bot", **HEALTHY)
        new = make_container("tg_bot", **HEALTHY) | {"Id": "new"}
        docker.set_container_sequence([old], [old], [new])
        assert docker.manage(output, "restart", "--docker", "--service", "tg_bot") == 0
        assert output.getvalue().count("✓ tg_bot") == 1

    @pytest.mark.parametrize("is_sick", [False, True])
    def test_unhealthy_container_is_reported_after_the_timeout(
        self,
        docker: FakeDocker,
        output: io.StringIO,
        monkeypatch: pytest.MonkeyPatch,
        is_sick: bool,
    ) -> None:
        """This is faster if the container reports its problem itself."""
        monkeypatch.setattr(
            readiness, "time", JumpingClock(docker.home / "docker-calls", "--remove-orphans")
        )
        monkeypatch.setattr(
            timeouts, "START_TIMEOUT_SECONDS" if is_sick else "UNHEALTHY_TIMEOUT_SECONDS", math.inf
        )
        self.hang_compose(docker)
        starting = {"Health": {"Status": "starting", "Log": []}}
        docker.set_containers(
            make_container("tg_bot", restarts=0, **(UNHEALTHY if is_sick else starting))
        )
        assert docker.manage(output, "start", "--docker") == 1
        assert ("redis: refused" if is_sick else "does not answer") in output.getvalue()
        assert self.has_exited(docker)

    def test_failed_database_is_reported_and_stops_the_start(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.responses["up --wait postgres"] = ["", None]
        failing = [make_container("postgres", "restarting", restarts=3)]
        docker.set_container_sequence([], failing, since="--wait")
        docker.responses[f"logs {'postgres' * 4}"] = ["FATAL: no such role\n", 0]
        assert docker.manage(output, "start", "--docker") == 1
        assert "✗ postgres" in output.getvalue()
        assert "   | FATAL: no such role" in output.getvalue()
        assert not any("--remove-orphans" in call["arguments"] for call in docker.calls)

    def test_schema_is_unchanged_if_its_database_fails(
        self, docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.responses["up --wait postgres"] = ["", None]
        failing = [make_container("postgres", "restarting", restarts=3)]
        docker.set_container_sequence([], failing, since="--wait")
        assert docker.manage(output, "upgrade", "--docker") == 1
        assert "the database does not start" in capsys.readouterr().err
        assert not any("run" in call["arguments"] for call in docker.calls)

    def test_unexplained_compose_failure_prints_its_last_line(
        self, docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.set_containers(
            make_container("redis", **HEALTHY), make_container("tg_bot", "created")
        )
        docker.responses["up --remove-orphans"] = ["Bind: port is already allocated", 1]
        assert docker.manage(output, "start", "--docker") == 1
        assert "docker compose up: Bind: port is already allocated" in capsys.readouterr().err

    def test_compose_failure_is_explained_by_its_container(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.responses["up --remove-orphans"] = ["dependency failed to start", 1]
        docker.responses[f"logs {'redis' * 4}"] = ["bad option\n", 0]
        docker.set_container_sequence(
            [make_container("redis", "restarting", restarts=0, ExitCode=1)],
            [make_container("redis", "restarting", restarts=3, ExitCode=1)],
        )
        assert docker.manage(output, "start", "--docker") == 1
        assert "! docker compose up: dependency failed to start" in output.getvalue()
        assert "exit status 1: bad option" in output.getvalue()

    def test_silent_build_is_stopped_and_reports_its_last_line(
        self,
        docker: FakeDocker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        log = home / ".local" / "logs" / "docker.log"
        monkeypatch.setattr(compose_process, "time", JumpingClock(log, "step 3: fetching"))
        docker.responses["compose build"] = ["step 3: fetching", None]
        assert docker.manage(output, "start", "--docker") == 1
        message = capsys.readouterr().err
        assert "docker compose build has been silent for 600 s" in message
        assert "its last line: step 3: fetching" in message
        assert not Path(f"/proc/{docker.get_only_call('compose', 'build')['pid']}").exists()

    def test_waiting_without_terminal_is_logged_periodically(
        self, docker: FakeDocker, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("control.terminal._QUIET_SECONDS", 0.0)
        starting = {"Health": {"Status": "starting", "Log": []}}
        docker.set_container_sequence(
            *[[make_container("tg_bot", **starting)]] * 5, [make_container("tg_bot", **HEALTHY)]
        )
        assert docker.manage(output, "start", "--docker") == 0
        assert " s, waiting for tg_bot\n" in output.getvalue()
