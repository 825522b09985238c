"""Starting in Docker."""

import io
import math
import time
from pathlib import Path

import pytest

from control.docker import call, progress, timeouts
from control.tests.fake_docker import HEALTHY, SICK, Docker, container


class LateClock:
    """Stands still until a file has these words, in whole lines; then each look takes minutes."""

    sleep = staticmethod(time.sleep)

    def __init__(self, file: Path, words: str) -> None:
        self._file = file
        self._words = words
        self._now = 0.0

    def monotonic(self) -> float:
        text = self._file.read_text() if self._file.exists() else ""
        if self._words in text.rpartition("\n")[0]:
            self._now += 1000.0
        return self._now


class TestStart:
    def test_containers_are_given_each_others_names_and_the_operators_machine(
        self, docker: Docker, home: Path, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        environ = {"OPENAI_BASE_URL": "http://localhost:11434/v1", "REDIS_PORT": "7777"}
        assert docker.manage(output, "start", "--docker", **environ) == 0

        seen = docker.one("compose", "up", "--remove-orphans")["environment"]
        assert seen["OPENAI_BASE_URL"] == "http://host.docker.internal:11434/v1"
        assert (seen["REDIS_HOST"], seen["REDIS_PORT"]) == ("redis", "6379")
        assert seen["DATABASE_URL"].endswith("@postgres:5432/smart_assistant")
        assert seen["REST_SERVICE_URL"] == "http://rest_service:8000"
        assert seen["TELEGRAM_API_URL"] == "http://sandbox:8080"
        assert (home / ".local" / "mode").read_text() == "docker\n"
        assert "http://127.0.0.1:8080/?token=" in output.getvalue()

    def test_the_database_learns_its_password_by_no_command_line(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        docker.manage(output, "start", "--docker", POSTGRES_PASSWORD="o'hara, the long one")
        call = docker.one("compose", "exec", "psql")
        assert call["given"] == "ALTER ROLE smart_assistant PASSWORD 'o''hara, the long one';"
        assert not any("hara" in word for call in docker.asked for word in call["arguments"])

    def test_a_server_of_the_operators_own_is_not_started_nor_changed(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        url = "postgresql://me:secret@db.example/mine"
        docker.manage(output, "start", "--docker", DATABASE_URL=url, ASYNC_DATABASE_URL=url)
        assert "postgres=0" in docker.one("compose", "up", "--remove-orphans")["arguments"]
        assert not any("exec" in call["arguments"] for call in docker.asked)

    def test_what_compose_cannot_do_is_told_in_its_last_words(
        self, docker: Docker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.answers["compose build"] = ["step 1\nno space left on device", 17]
        assert docker.manage(output, "start", "--docker") == 1
        assert "no space left on device" in capsys.readouterr().err

    def test_the_sandbox_is_a_profile_that_is_asked_for_where_it_is_needed(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        docker.manage(output, "status", "--docker")
        real = {"TELEGRAM_TOKEN": f"1:{'A' * 35}", "OPENAI_API_KEY": "sk-real"}
        docker.manage(output, "status", "--docker", **real)
        first, second = (call["arguments"] for call in docker.asked if "ps" in call["arguments"])
        assert "sandbox" in first
        assert "sandbox" not in second


class TestGivingUp:
    """What does not get well is given up while Compose still waits for it."""

    def hang(self, docker: Docker) -> None:
        """Compose waits for a dependency that never gets well."""
        docker.answers["up --remove-orphans"] = ["Container x Waiting", None]

    def has_ended(self, docker: Docker) -> bool:
        pid = docker.one("compose", "up", "--remove-orphans")["pid"]
        return not Path(f"/proc/{pid}").exists()

    def test_a_task_that_has_failed_is_named_with_its_last_lines_and_so_is_what_waits_for_it(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        self.hang(docker)
        there = [container("postgres", **HEALTHY), container("redis", **HEALTHY)]
        migrate = container("migrate", "exited", restarts=3, ExitCode=1)
        rest = container("rest_service", "created", needs="redis:x:false,migrate:x:false")
        assistant = container("assistant", "created", needs="rest_service:x:false")
        docker.describe_in_turn(there, [*there, migrate, rest, assistant])
        docker.answers[f"logs {'migrate' * 4}"] = ["Traceback\nPermissionError: env.py\n", 0]

        assert docker.manage(output, "start", "--docker") == 1
        said = output.getvalue()
        failed = [line.split(maxsplit=2)[1:] for line in said.splitlines() if "✗" in line]
        assert failed == [
            ["migrate", "exit status 1: PermissionError: env.py"],
            ["assistant", "waits for rest_service"],
            ["rest_service", "waits for migrate"],
        ]
        assert "   | Traceback\n   | PermissionError: env.py\n" in said
        assert "! not well: migrate, assistant, rest_service. Mend the cause" in said
        assert self.has_ended(docker)

    def test_what_it_did_before_this_start_does_not_count(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        failing = container("tg_bot", "restarting", restarts=40, ExitCode=1)
        well = container("tg_bot", restarts=41, **HEALTHY)
        docker.describe_in_turn(*[[failing]] * 5, [well])
        assert docker.manage(output, "start", "--docker") == 0

    def test_how_a_task_ended_in_an_earlier_start_does_not_count(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        """Compose takes its time to begin: a task fails only after it has begun anew."""
        self.hang(docker)
        earlier = container("migrate", "exited", ExitCode=3, StartedAt="2026-11-20T12:00:00Z")
        failed = container("migrate", "exited", ExitCode=4)
        docker.describe_in_turn(*[[earlier]] * 5, [failed])
        assert docker.manage(output, "start", "--docker") == 1
        assert "exit status 4" in output.getvalue()

    def test_a_container_that_compose_replaces_is_not_shown_as_well_before_it_is_new(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        old = container("tg_bot", **HEALTHY)
        new = container("tg_bot", **HEALTHY) | {"Id": "new"}
        docker.describe_in_turn([old], [old], [new])
        assert docker.manage(output, "restart", "--docker", "--service", "tg_bot") == 0
        assert output.getvalue().count("✓ tg_bot") == 1

    @pytest.mark.parametrize("is_sick", [False, True])
    def test_what_runs_but_is_not_well_is_named_in_the_end(
        self,
        docker: Docker,
        output: io.StringIO,
        monkeypatch: pytest.MonkeyPatch,
        is_sick: bool,
    ) -> None:
        """Sooner where it says itself what it misses."""
        monkeypatch.setattr(progress, "time", LateClock(docker.home / "asked", "--remove-orphans"))
        monkeypatch.setattr(timeouts, "START" if is_sick else "SPEAKING", math.inf)
        self.hang(docker)
        starting = {"Health": {"Status": "starting", "Log": []}}
        docker.describe(container("tg_bot", restarts=0, **(SICK if is_sick else starting)))
        assert docker.manage(output, "start", "--docker") == 1
        assert ("redis: refused" if is_sick else "does not answer") in output.getvalue()
        assert self.has_ended(docker)

    def test_a_database_that_does_not_start_is_named_and_nothing_else_is_started(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.answers["up --wait postgres"] = ["", None]
        failing = [container("postgres", "restarting", restarts=3)]
        docker.describe_in_turn([], failing, since="--wait")
        docker.answers[f"logs {'postgres' * 4}"] = ["FATAL: no such role\n", 0]
        assert docker.manage(output, "start", "--docker") == 1
        assert "✗ postgres" in output.getvalue()
        assert "   | FATAL: no such role" in output.getvalue()
        assert not any("--remove-orphans" in call["arguments"] for call in docker.asked)

    def test_a_schema_is_not_touched_where_its_database_does_not_start(
        self, docker: Docker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.answers["up --wait postgres"] = ["", None]
        failing = [container("postgres", "restarting", restarts=3)]
        docker.describe_in_turn([], failing, since="--wait")
        assert docker.manage(output, "upgrade", "--docker") == 1
        assert "the database does not start" in capsys.readouterr().err
        assert not any("run" in call["arguments"] for call in docker.asked)

    def test_a_failure_of_compose_alone_is_told_in_its_last_words(
        self, docker: Docker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.describe(container("redis", **HEALTHY), container("tg_bot", "created"))
        docker.answers["up --remove-orphans"] = ["Bind: port is already allocated", 1]
        assert docker.manage(output, "start", "--docker") == 1
        assert "docker compose up: Bind: port is already allocated" in capsys.readouterr().err

    def test_a_failure_of_compose_that_a_container_explains_is_told_with_it(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.answers["up --remove-orphans"] = ["dependency failed to start", 1]
        docker.answers[f"logs {'redis' * 4}"] = ["bad option\n", 0]
        docker.describe_in_turn(
            [container("redis", "restarting", restarts=0, ExitCode=1)],
            [container("redis", "restarting", restarts=3, ExitCode=1)],
        )
        assert docker.manage(output, "start", "--docker") == 1
        assert "! docker compose up: dependency failed to start" in output.getvalue()
        assert "exit status 1: bad option" in output.getvalue()

    def test_a_build_that_falls_silent_is_ended_with_its_last_line(
        self,
        docker: Docker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        log = home / ".local" / "logs" / "docker.log"
        monkeypatch.setattr(call, "time", LateClock(log, "step 3: fetching"))
        docker.answers["compose build"] = ["step 3: fetching", None]
        assert docker.manage(output, "start", "--docker") == 1
        said = capsys.readouterr().err
        assert "docker compose build has been silent for 600 s" in said
        assert "its last line: step 3: fetching" in said
        assert not Path(f"/proc/{docker.one('compose', 'build')['pid']}").exists()

    def test_where_nobody_sees_the_moving_line_a_line_now_and_then_names_what_is_missing(
        self, docker: Docker, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("control.terminal._QUIET", 0.0)
        starting = {"Health": {"Status": "starting", "Log": []}}
        docker.describe_in_turn(
            *[[container("tg_bot", **starting)]] * 5, [container("tg_bot", **HEALTHY)]
        )
        assert docker.manage(output, "start", "--docker") == 0
        assert " s, waiting for tg_bot\n" in output.getvalue()
