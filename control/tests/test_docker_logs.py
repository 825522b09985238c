"""The containers' logs as one."""

import io

import pytest

from control.tests.fake_docker import FakeDocker, make_container


class TestLogs:
    """`docker compose logs` prints one container after the other."""

    LOGS = """\
\x1b[2Kassistant-2             | 2026-11-21T12:00:03.000000003Z third
assistant-1             | 2026-11-21T12:00:01.000000001Z first, of 2020-01-01
rest_service_replica-1  | 2026-11-21T12:00:02.000000002Z second
rest_service_replica-1  | 2026-11-21T12:00:04.000000004Z
"""

    @pytest.fixture(autouse=True)
    def _containers(self, docker: FakeDocker) -> None:
        docker.set_containers(
            make_container("assistant"),
            make_container("assistant", number=2),
            make_container("rest_service"),
            make_container("rest_service_replica"),
        )
        docker.responses["logs"] = [self.LOGS, 0]

    def test_entries_are_in_chronological_order(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        assert docker.manage(output, "logs", "--docker") == 0
        assert output.getvalue().splitlines() == [
            "assistant      │ first, of 2020-01-01",
            "rest_service.2 │ second",
            "assistant.2    │ third",
            "rest_service.2 │ ",
        ]

    def test_requested_lines_are_printed_and_new_ones_followed(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.manage(output, "logs", "--docker", "-n", "2")
        docker.manage(output, "logs", "--docker", "-n", "0")
        assert [line.split()[0] for line in output.getvalue().splitlines()] == [
            "assistant.2",
            "rest_service.2",
        ]
        old = "assistant-1 | 2026-11-21T12:00:04Z already printed"
        docker.responses["logs --follow"] = [f"{old}\nassistant-3 | 2026-11-21T12:00:05Z new", 0]
        docker.responses["logs"] = docker.responses.pop(
            "logs"
        )  # the first matching response is used
        docker.manage(output, "logs", "--docker", "-n", "1", "-f")
        assert output.getvalue().splitlines()[3:] == ["assistant.3    │ new"]

    def test_unknown_log_lists_the_available_ones(
        self, docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert docker.manage(output, "logs", "--docker", "--service", "supervisor") == 1
        message = capsys.readouterr().err
        assert message.endswith("no log of supervisor yet; there are: assistant, rest_service\n")
