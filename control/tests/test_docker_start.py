"""Starting in Docker."""

import io
from pathlib import Path

import pytest

from control.tests.fake_docker import HEALTHY, Docker, container


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
