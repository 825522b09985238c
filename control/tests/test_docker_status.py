"""What is said of containers that run, or do not."""

import io

import pytest

from control.table import HEADINGS
from control.tests.fake_docker import SICK, Docker, container


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
