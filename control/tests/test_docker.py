"""Docker mode, with a program in place of `docker` that writes down what it is asked."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from control import modes, replicas
from control.cli import main
from control.context import Context
from control.docker import bare, setup
from control.errors import ControlError
from control.local import preflight
from control.local.process import Launch, Process, spawn
from control.local.run_directory import RunDirectory
from control.lock import Lock
from control.table import HEADINGS
from control.terminal import Terminal
from smart_kit.testing.ports import free_port
from smart_kit.testing.suite import wait_until

DOCKER = """\
#!{python}
import fcntl, json, os, sys
from pathlib import Path
home = Path({home!r})
def is_alone():
    lock = home / ".local" / "containers.lock"
    if lock.exists():
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False
given = sys.stdin.read() if "exec" in sys.argv else ""
with (home / "asked").open("a") as asked:
    record = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "given": given}}
    record["alone"] = is_alone()
    asked.write(json.dumps(record) + "\\n")
for words, (said, status) in json.loads((home / "answers").read_text()).items():
    if set(words.split()) <= set(sys.argv[1:]):
        print(said)
        sys.exit(status)
"""
WELL = {"version": ["28.0.0", 0], "compose ps setup": ["", 0], "compose ps": ["aaa bbb", 0]}


def container(
    service: str, status: str = "running", number: int = 1, **state: Any
) -> dict[str, Any]:
    labels = {"service": service, "container-number": str(number)}
    return {
        "Id": service * 4,
        "RestartCount": 2,
        "Config": {"Labels": {f"com.docker.compose.{name}": labels[name] for name in labels}},
        "State": {
            "Status": status,
            "ExitCode": 0,
            "StartedAt": "2026-11-21T12:00:00.123456789Z",
            **state,
        },
    }


HEALTHY = {"Health": {"Status": "healthy", "Log": []}}
SICK = {
    "Health": {
        "Status": "unhealthy",
        "Log": [{"Output": '{"status": "unavailable", "detail": "redis: refused"}\n'}],
    }
}


class Docker:
    """What the program answers and what it was asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.answers: dict[str, list[Any]] = dict(WELL)
        program = home / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(DOCKER.format(python=sys.executable, home=str(home)))
        program.chmod(0o755)
        (home / "asked").touch()

    def describe(self, *containers: dict[str, Any]) -> None:
        self.answers["inspect"] = [json.dumps(containers), 0]

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / "asked").read_text().splitlines()]

    def one(self, *words: str) -> dict[str, Any]:
        """The only call with these words."""
        (found,) = [call for call in self.asked if set(words) <= set(call["arguments"])]
        return found

    def manage(self, output: io.StringIO, *words: str, **environ: str) -> int:
        (self.home / "answers").write_text(json.dumps(self.answers))
        given = {"PATH": f"{self.home / 'bin'}:/usr/bin:/bin", **environ}
        terminal = Terminal(output, tty=False, colour=False)
        return main(words, Context(self.home, self.home / "manage.py", given, terminal))


@pytest.fixture
def docker(home: Path) -> Docker:
    return Docker(home)


class TestMode:
    def test_where_an_engine_answers_and_nobody_says_otherwise_it_is_docker(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        assert docker.manage(output, "status") == 0
        assert "redis" in output.getvalue()

    def test_where_none_answers_it_is_local(self, docker: Docker, output: io.StringIO) -> None:
        docker.answers = {"version": ["", 1]}
        docker.manage(output, "status")
        assert output.getvalue() == "Smart Assistant is not running.\n"
        assert all("compose" not in call["arguments"] for call in docker.asked)

    @pytest.mark.parametrize("mode", ["local", "docker"])
    def test_what_was_started_is_meant_from_then_on(
        self, docker: Docker, home: Path, output: io.StringIO, mode: str
    ) -> None:
        (home / ".local").mkdir()
        (home / ".local" / "mode").write_text(f"{mode}\n")
        docker.describe(container("redis", **HEALTHY))
        docker.manage(output, "status")
        assert ("redis" in output.getvalue()) == (mode == "docker")

    def test_an_option_wins(self, docker: Docker, home: Path, output: io.StringIO) -> None:
        (home / ".local").mkdir()
        (home / ".local" / "mode").write_text("docker\n")
        docker.manage(output, "status", "--local")
        assert docker.asked == []

    @pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"\0\0", b"dock"])
    def test_a_damaged_memory_is_named_and_never_taken_for_the_other_mode(
        self,
        docker: Docker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        damage: bytes,
    ) -> None:
        file = home / ".local" / "mode"
        file.parent.mkdir()
        file.write_bytes(damage)
        docker.describe(container("redis", **HEALTHY))
        assert [docker.manage(output, command) for command in ("start", "stop", "status")] == [
            1
        ] * 3
        assert capsys.readouterr().err == f"manage.py: {file} is damaged: {modes.ADVICE}\n" * 3
        assert docker.asked == []
        assert docker.manage(output, "start", "--docker") == 0
        assert file.read_text() == "docker\n"

    def test_what_is_remembered_is_never_half_written(self, tmp_path: Path) -> None:
        modes.remember(tmp_path, "local")
        with (tmp_path / "mode").open() as before:
            modes.remember(tmp_path, "docker")
            assert before.read() == "local\n", "the file was overwritten, not replaced"

    @pytest.mark.parametrize(
        ("answers", "said"),
        [
            ({"version": ["", 1]}, "no Docker Engine answers"),
            ({"compose version": ["", 1], "version": ["28", 0]}, "Compose v2"),
        ],
    )
    def test_what_is_missing_for_docker_is_said_in_one_line(
        self,
        docker: Docker,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        answers: dict[str, list[Any]],
        said: str,
    ) -> None:
        docker.answers = answers
        assert docker.manage(output, "status", "--docker") == 1
        assert said in capsys.readouterr().err

    def test_no_docker_at_all_is_said_too(
        self, docker: Docker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (docker.home / "bin" / "docker").unlink()
        assert docker.manage(output, "status", "--docker", PATH=str(docker.home)) == 1
        assert "there is no docker command" in capsys.readouterr().err


class TestBesideLocal:
    """One folder, two modes, the same ports."""

    def test_where_the_suite_runs_as_processes_no_container_is_started(
        self, docker: Docker, home: Path, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = RunDirectory(home / ".local")
        run.make()
        me = Process.of(os.getpid())
        assert me is not None
        run.write_supervisor(me)
        assert docker.manage(output, "start", "--docker") == 1
        assert "stop --local" in capsys.readouterr().err
        assert not any("build" in call["arguments"] for call in docker.asked)

    def test_nor_where_its_processes_have_outlived_their_supervisor(
        self, docker: Docker, home: Path, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = RunDirectory(home / ".local")
        run.make()
        docker.describe(container("redis", **HEALTHY))
        launch = Launch(("sleep", "60"), {"PATH": os.environ["PATH"]}, home)
        with spawn(launch, run.record("redis"), run.log("redis")) as stray:
            try:
                wait_until(lambda: "redis" in run.processes())
                assert run.supervisor() is None
                status = docker.manage(output, "start", "--docker")
            finally:
                stray.kill()
        assert status == 1
        assert "stop --local" in capsys.readouterr().err
        assert not any("build" in call["arguments"] for call in docker.asked)

    def test_a_start_that_fails_is_not_remembered(
        self, docker: Docker, home: Path, output: io.StringIO
    ) -> None:
        docker.answers["compose build"] = ["no space left on device", 17]
        assert docker.manage(output, "start", "--docker") == 1
        assert not (home / ".local" / "mode").exists()

    def test_a_port_that_our_own_containers_have_is_told_as_theirs(
        self, docker: Docker, home: Path, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        docker.manage(output, "status", "--docker")
        terminal = Terminal(output, tty=False, colour=False)
        given = {"PATH": f"{home / 'bin'}:/usr/bin:/bin"}
        context = Context(home, home / "manage.py", given, terminal)
        taken = ControlError("port 8000 is in use")
        assert "stop --docker" in str(preflight.beside_docker(context, taken))
        docker.describe(container("redis", "exited", **HEALTHY))
        docker.manage(output, "status", "--docker")
        assert preflight.beside_docker(context, taken) is taken


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


def test_without_any_secret_of_its_own_chat_asks_the_container(
    docker: Docker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.manage(output, "chat", "hello", SANDBOX_PORT=str(free_port()))
    assert "sandbox" in docker.one("compose", "exec")["arguments"]
    assert "the sandbox is not there" in capsys.readouterr().err


def test_status_says_what_is_wrong(docker: Docker, output: io.StringIO) -> None:
    docker.describe(
        container("assistant", **SICK),
        container("migrate", "exited"),
        container("tg_bot", "restarting", ExitCode=78),
    )
    docker.answers[f"logs {'tg_bot' * 4}"] = ["started\nTELEGRAM_TOKEN: field required\n", 0]
    docker.answers["stats"] = ['{"id": "' + "assistant" * 4 + '", "used": "66.5MiB / 23GiB"}', 0]
    assert docker.manage(output, "status", "--docker") == 1

    headings, assistant, migrate, bot = output.getvalue().splitlines()
    assert tuple(headings.split()) == HEADINGS
    assert "66 MB" in assistant
    assert assistant.endswith("redis: refused")
    assert migrate.split()[2] == "done"
    assert bot.endswith("exit status 78: TELEGRAM_TOKEN: field required")


@pytest.mark.parametrize(
    ("said", "health"),
    [
        ('{"event": "waiting for Redis", "level": "info"}\n', "does not answer: waiting for Redis"),
        ("", "does not answer"),
    ],
)
def test_a_container_whose_check_finds_nobody_is_told_by_its_last_words(
    docker: Docker, output: io.StringIO, said: str, health: str
) -> None:
    refused = "bash: connect: Connection refused\nbash: line 1: /dev/tcp/127.0.0.1/8002: refused"
    check = {"Status": "unhealthy", "Log": [{"Output": refused}]}
    docker.describe(container("assistant", Health=check))
    docker.answers[f"logs {'assistant' * 4}"] = [said, 0]
    docker.manage(output, "status", "--docker")
    assert output.getvalue().splitlines()[-1].endswith(f"-       {health}")


class TestReplicas:
    def up(self, docker: Docker) -> list[str]:
        """The last `docker compose up` of services, without what is always there."""
        calls = [
            call["arguments"] for call in docker.asked if "--remove-orphans" in call["arguments"]
        ]
        words: list[str] = calls[-1]
        return words[words.index("--remove-orphans") + 1 :]

    def test_their_number_is_kept_until_said_otherwise(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.describe(container("redis", **HEALTHY))
        docker.manage(output, "start", "--docker", "--replicas", "assistant=3,rest_service=2")
        wanted = ["--scale", "assistant=3", "--scale", "rest_service_replica=1"]
        assert self.up(docker) == wanted
        for command in ("start", "restart", "rebuild"):
            assert docker.manage(output, command, "--docker") == 0
            assert self.up(docker) == wanted
        docker.manage(output, "start", "--docker", "--replicas", "assistant=1")
        assert self.up(docker) == ["--scale", "assistant=1", "--scale", "rest_service_replica=1"]

    def test_a_start_beside_another_one_takes_nothing_back(
        self, docker: Docker, home: Path, output: io.StringIO
    ) -> None:
        """The other's containers and its number are there before ours are made."""
        docker.describe(container("redis", **HEALTHY))
        docker.manage(output, "status", "--docker")
        (home / ".local").mkdir(exist_ok=True)
        other = Lock.take(home / ".local" / "containers.lock")
        assert other is not None
        waiting = threading.Thread(target=docker.manage, args=(output, "start", "--docker"))
        waiting.start()
        try:
            wait_until(lambda: any("exec" in call["arguments"] for call in docker.asked))
            waiting.join(0.2)
            assert not any("--remove-orphans" in call["arguments"] for call in docker.asked)
            replicas.keep(home / ".local", {"assistant": 3})
        finally:
            other.release()
            waiting.join()
        assert self.up(docker) == ["--scale", "assistant=3"]
        assert docker.one("compose", "up", "--remove-orphans")["alone"]

    def test_nothing_is_said_of_services_that_are_not_meant(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        """Compose refuses a number for what it does not look at."""
        docker.describe(container("tg_bot", **HEALTHY))
        url = "postgresql://me:secret@db.example/mine"
        own = {"DATABASE_URL": url, "ASYNC_DATABASE_URL": url}
        docker.manage(output, "start", "--docker", "--replicas", "assistant=3", **own)
        for command in ("restart", "start"):
            docker.manage(output, command, "--docker", "--service", "tg_bot", **own)
            assert "--scale" not in self.up(docker)
        docker.manage(output, "start", "--docker", "--service", "rest_service", **own)
        assert self.up(docker)[:2] == ["--scale", "postgres=0"]

    def test_naming_a_service_means_all_its_replicas(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.describe(container("rest_service", **HEALTHY))
        docker.manage(output, "start", "--docker", "--service", "rest_service")
        assert self.up(docker) == ["rest_service", "rest_service_replica"]
        docker.manage(output, "stop", "--docker", "--service", "rest_service")
        both = ["rest_service", "rest_service_replica"]
        assert docker.one("compose", "stop")["arguments"][-2:] == both

    def test_status_shows_each_as_in_local_mode(self, docker: Docker, output: io.StringIO) -> None:
        docker.describe(
            container("rest_service_replica", number=1, **HEALTHY),
            container("assistant", number=2, **HEALTHY),
            container("assistant", **HEALTHY),
            container("rest_service", **HEALTHY),
        )
        assert docker.manage(output, "status", "--docker", "--service", "rest_service") == 0
        docker.manage(output, "status", "--docker")
        names = [line.split()[0] for line in output.getvalue().splitlines()]
        assert names[:3] == ["service", "rest_service", "rest_service.2"]
        assert names[4:] == ["assistant", "assistant.2", "rest_service", "rest_service.2"]


class TestLogs:
    """`docker compose logs` tells one container after the other."""

    LOGS = """\
\x1b[2Kassistant-2             | 2026-11-21T12:00:03.000000003Z third
assistant-1             | 2026-11-21T12:00:01.000000001Z first, of 2020-01-01
rest_service_replica-1  | 2026-11-21T12:00:02.000000002Z second
rest_service_replica-1  | 2026-11-21T12:00:04.000000004Z
"""

    @pytest.fixture(autouse=True)
    def _containers(self, docker: Docker) -> None:
        docker.describe(
            container("assistant"),
            container("assistant", number=2),
            container("rest_service"),
            container("rest_service_replica"),
        )
        docker.answers["logs"] = [self.LOGS, 0]

    def test_all_is_told_in_the_order_of_time(self, docker: Docker, output: io.StringIO) -> None:
        assert docker.manage(output, "logs", "--docker") == 0
        assert output.getvalue().splitlines() == [
            "assistant      │ first, of 2020-01-01",
            "rest_service.2 │ second",
            "assistant.2    │ third",
            "rest_service.2 │ ",
        ]

    def test_as_many_lines_are_told_as_are_wanted_and_the_rest_as_it_comes(
        self, docker: Docker, output: io.StringIO
    ) -> None:
        docker.manage(output, "logs", "--docker", "-n", "2")
        docker.manage(output, "logs", "--docker", "-n", "0")
        assert [line.split()[0] for line in output.getvalue().splitlines()] == [
            "assistant.2",
            "rest_service.2",
        ]
        old = "assistant-1 | 2026-11-21T12:00:04Z told already"
        docker.answers["logs --follow"] = [f"{old}\nassistant-3 | 2026-11-21T12:00:05Z new", 0]
        docker.answers["logs"] = docker.answers.pop("logs")  # the first that fits is taken
        docker.manage(output, "logs", "--docker", "-n", "1", "-f")
        assert output.getvalue().splitlines()[3:] == ["assistant.3    │ new"]

    def test_a_log_that_nobody_writes_is_answered_with_those_there_are(
        self, docker: Docker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert docker.manage(output, "logs", "--docker", "--service", "supervisor") == 1
        said = capsys.readouterr().err
        assert said.endswith("no log of supervisor yet; there are: assistant, rest_service\n")


class TestBareCompose:
    """`docker compose up` without manage.py: the first task makes up what nobody has said."""

    @pytest.fixture
    def made(self, tmp_path: Path) -> Path:
        for name in os.environ:
            assert not name.startswith(("TELEGRAM", "OPENAI"))
        for name in setup.PARTS:
            (tmp_path / name).mkdir()
        return tmp_path

    def shell(self, made: Path, part: str, **given: str) -> dict[str, str]:
        """What a container sees that was given some variables, perhaps empty."""
        script = '. "$0" && exec env -0'
        file = str(made / part / "environment")
        done = subprocess.run(
            ["sh", "-c", script, file], env=given, capture_output=True, check=True
        )
        pairs = (line.partition(b"=") for line in done.stdout.split(b"\0") if line)
        return {name.decode(): value.decode() for name, _, value in pairs}

    def test_secrets_are_made_once_and_each_part_sees_its_own(
        self, made: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        setup.main(made, {})
        link, admin = capsys.readouterr().out.splitlines()
        bot, database = self.shell(made, "tg_bot"), self.shell(made, "postgres")
        setup.main(made, {})

        assert self.shell(made, "tg_bot") == bot
        assert bot["TELEGRAM_API_URL"] == "http://sandbox:8080"
        assert "ADMIN_API_TOKEN" not in bot
        assert database["POSTGRES_PASSWORD"] in self.shell(made, "rest_service")["DATABASE_URL"]
        assert admin == f"Admin token: {bare.TELL_ADMIN}"
        assert link.endswith(self.shell(made, "sandbox")["SANDBOX_CHAT_TOKEN"])

    @pytest.mark.parametrize(
        "words",
        [
            ("start", "--service", "tg_bot"),
            ("restart", "--service", "tg_bot"),
            ("rebuild", "--service", "tg_bot"),
            ("upgrade",),
            ("migrate", "words"),
        ],
    )
    def test_a_part_of_it_is_given_no_secret_of_ours(
        self,
        docker: Docker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        words: tuple[str, ...],
    ) -> None:
        docker.answers["compose ps setup"] = ["aaa", 0]
        docker.describe(container("setup", "exited"), container("tg_bot", **HEALTHY))
        assert docker.manage(output, words[0], "--docker", *words[1:]) == 1
        said = capsys.readouterr().err
        assert said.startswith("manage.py: this suite was started by a bare docker compose up")
        assert not (home / ".env").exists()

    def test_what_a_container_was_given_wins_and_odd_values_arrive_whole(self, made: Path) -> None:
        odd = "a'b\"c $HOME `id` \\ }"
        setup.main(made, {"OPENAI_API_KEY": odd, "REDIS_PASSWORD": odd})

        assert self.shell(made, "rest_service")["OPENAI_API_KEY"] == odd
        assert self.shell(made, "redis")["REDISCLI_AUTH"] == odd
        given = self.shell(made, "rest_service", DEFAULT_MODEL="mine", REDIS_PASSWORD="")
        assert (given["DEFAULT_MODEL"], given["REDIS_PASSWORD"]) == ("mine", odd)

    def test_an_address_that_was_translated_wins_over_the_operators_own(self, made: Path) -> None:
        url = "http://localhost:11434/v1"
        setup.main(made, {"OPENAI_BASE_URL": url})

        seen = self.shell(made, "rest_service", OPENAI_BASE_URL=url)
        assert seen["OPENAI_BASE_URL"] == "http://host.docker.internal:11434/v1"
