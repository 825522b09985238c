"""Plain `docker compose up`."""

import io
import os
import subprocess
from pathlib import Path

import pytest

from control.docker import plain_compose, plain_compose_setup
from control.tests.fake_docker import HEALTHY, FakeDocker, make_container


class TestPlainCompose:
    """`docker compose up` without manage.py: the service setup generates missing secrets."""

    @pytest.fixture
    def secrets_volume(self, tmp_path: Path) -> Path:
        for name in os.environ:
            assert not name.startswith(("TELEGRAM", "OPENAI"))
        for name in plain_compose_setup.COMPONENTS:
            (tmp_path / name).mkdir()
        return tmp_path

    def read_environment(self, volume: Path, part: str, **environ: str) -> dict[str, str]:
        """Return the environment of a container that has these variables, which may be empty."""
        script = '. "$0" && exec env -0'
        file = str(volume / part / "environment")
        completed = subprocess.run(
            ["sh", "-c", script, file], env=environ, capture_output=True, check=True
        )
        pairs = (line.partition(b"=") for line in completed.stdout.split(b"\0") if line)
        return {name.decode(): value.decode() for name, _, value in pairs}

    def test_secrets_are_created_once_and_limited_to_their_part(
        self, secrets_volume: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        plain_compose_setup.main(secrets_volume, {})
        link, admin = capsys.readouterr().out.splitlines()
        bot, database = (
            self.read_environment(secrets_volume, "tg_bot"),
            self.read_environment(secrets_volume, "postgres"),
        )
        plain_compose_setup.main(secrets_volume, {})

        assert self.read_environment(secrets_volume, "tg_bot") == bot
        assert bot["TELEGRAM_API_URL"] == "http://sandbox:8080"
        assert "ADMIN_API_TOKEN" not in bot
        assert (
            database["POSTGRES_PASSWORD"]
            in self.read_environment(secrets_volume, "rest_service")["DATABASE_URL"]
        )
        assert admin == f"Admin token: {plain_compose.PRINT_ADMIN_TOKEN_COMMAND}"
        assert link.endswith(self.read_environment(secrets_volume, "sandbox")["SANDBOX_CHAT_TOKEN"])

    @pytest.mark.parametrize(
        "arguments",
        [
            ("start", "--service", "tg_bot"),
            ("restart", "--service", "tg_bot"),
            ("rebuild", "--service", "tg_bot"),
            ("upgrade",),
            ("migrate", "message"),
        ],
    )
    def test_plain_compose_suite_refuses_commands_that_change_parts(
        self,
        docker: FakeDocker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        arguments: tuple[str, ...],
    ) -> None:
        docker.responses["compose ps setup"] = ["aaa", 0]
        docker.set_containers(
            make_container("setup", "exited"), make_container("tg_bot", **HEALTHY)
        )
        assert docker.manage(output, arguments[0], "--docker", *arguments[1:]) == 1
        message = capsys.readouterr().err
        assert message.startswith("manage.py: this suite was started by a bare docker compose up")
        assert not (home / ".env").exists()

    def test_container_variables_win_and_odd_values_stay_intact(self, secrets_volume: Path) -> None:
        odd = "a'b\"c $HOME `id` \\ }"
        plain_compose_setup.main(secrets_volume, {"OPENAI_API_KEY": odd, "REDIS_PASSWORD": odd})

        assert self.read_environment(secrets_volume, "rest_service")["OPENAI_API_KEY"] == odd
        assert self.read_environment(secrets_volume, "redis")["REDISCLI_AUTH"] == odd
        environ = self.read_environment(
            secrets_volume, "rest_service", DEFAULT_MODEL="mine", REDIS_PASSWORD=""
        )
        assert (environ["DEFAULT_MODEL"], environ["REDIS_PASSWORD"]) == ("mine", odd)

    def test_translated_address_wins_over_the_operators(self, secrets_volume: Path) -> None:
        url = "http://localhost:11434/v1"
        plain_compose_setup.main(secrets_volume, {"OPENAI_BASE_URL": url})

        environment = self.read_environment(secrets_volume, "rest_service", OPENAI_BASE_URL=url)
        assert environment["OPENAI_BASE_URL"] == "http://host.docker.internal:11434/v1"
