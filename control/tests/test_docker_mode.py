"""Choosing the mode, and Docker mode beside local mode."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from control import mode_selection
from control.context import Context
from control.errors import ControlError
from control.local import preflight
from control.local.process import LaunchSpec, Process, spawn
from control.local.run_directory import RunDirectory
from control.terminal import Terminal
from control.tests.fake_docker import HEALTHY, FakeDocker, make_container
from smart_kit.testing.ports import free_port
from smart_kit.testing.suite_harness import wait_until


class TestMode:
    def test_docker_is_the_default_with_an_available_engine(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        assert docker.manage(output, "status") == 0
        assert "redis" in output.getvalue()

    def test_local_is_the_default_without_an_engine(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.responses = {"version": ["", 1]}
        docker.manage(output, "status")
        assert output.getvalue() == "Smart Assistant is not running.\n"
        assert all("compose" not in call["arguments"] for call in docker.calls)

    @pytest.mark.parametrize("mode", ["local", "docker"])
    def test_last_started_mode_becomes_the_default(
        self, docker: FakeDocker, home: Path, output: io.StringIO, mode: str
    ) -> None:
        (home / ".local").mkdir()
        (home / ".local" / "mode").write_text(f"{mode}\n")
        docker.set_containers(make_container("redis", **HEALTHY))
        docker.manage(output, "status")
        assert ("redis" in output.getvalue()) == (mode == "docker")

    def test_option_overrides_the_last_mode(
        self, docker: FakeDocker, home: Path, output: io.StringIO
    ) -> None:
        (home / ".local").mkdir()
        (home / ".local" / "mode").write_text("docker\n")
        docker.manage(output, "status", "--local")
        assert docker.calls == []

    @pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"\0\0", b"dock"])
    def test_damaged_mode_file_is_an_error(
        self,
        docker: FakeDocker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        damage: bytes,
    ) -> None:
        file = home / ".local" / "mode"
        file.parent.mkdir()
        file.write_bytes(damage)
        docker.set_containers(make_container("redis", **HEALTHY))
        assert [docker.manage(output, command) for command in ("start", "stop", "status")] == [
            1
        ] * 3
        assert (
            capsys.readouterr().err
            == f"manage.py: {file} is damaged: {mode_selection.REPAIR_ADVICE}\n" * 3
        )
        assert docker.calls == []
        assert docker.manage(output, "start", "--docker") == 0
        assert file.read_text() == "docker\n"

    def test_mode_file_is_written_atomically(self, tmp_path: Path) -> None:
        mode_selection.save_last_mode(tmp_path, "local")
        with (tmp_path / "mode").open() as before:
            mode_selection.save_last_mode(tmp_path, "docker")
            assert before.read() == "local\n", "the file was overwritten, not replaced"

    @pytest.mark.parametrize(
        ("responses", "message"),
        [
            ({"version": ["", 1]}, "no Docker Engine answers"),
            ({"compose version": ["", 1], "version": ["28", 0]}, "Compose v2"),
        ],
    )
    def test_missing_docker_part_is_reported_in_one_line(
        self,
        docker: FakeDocker,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
        responses: dict[str, list[Any]],
        message: str,
    ) -> None:
        docker.responses = responses
        assert docker.manage(output, "status", "--docker") == 1
        assert message in capsys.readouterr().err

    def test_missing_docker_command_is_reported(
        self, docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (docker.home / "bin" / "docker").unlink()
        assert docker.manage(output, "status", "--docker", PATH=str(docker.home)) == 1
        assert "there is no docker command" in capsys.readouterr().err


class TestConflictWithLocalMode:
    """One folder, two modes, the same ports."""

    def test_running_processes_prevent_a_docker_start(
        self,
        docker: FakeDocker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run = RunDirectory(home / ".local")
        run.create()
        me = Process.from_pid(os.getpid())
        assert me is not None
        run.write_supervisor(me)
        assert docker.manage(output, "start", "--docker") == 1
        assert "stop --local" in capsys.readouterr().err
        assert not any("build" in call["arguments"] for call in docker.calls)

    def test_orphaned_processes_prevent_a_docker_start(
        self,
        docker: FakeDocker,
        home: Path,
        output: io.StringIO,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run = RunDirectory(home / ".local")
        run.create()
        docker.set_containers(make_container("redis", **HEALTHY))
        launch = LaunchSpec(("sleep", "60"), {"PATH": os.environ["PATH"]}, home)
        with spawn(launch, run.process_record_path("redis"), run.log_file("redis")) as stray:
            try:
                wait_until(lambda: "redis" in run.find_processes())
                assert run.find_supervisor() is None
                status = docker.manage(output, "start", "--docker")
            finally:
                stray.kill()
        assert status == 1
        assert "stop --local" in capsys.readouterr().err
        assert not any("build" in call["arguments"] for call in docker.calls)

    def test_failed_start_does_not_set_the_mode(
        self, docker: FakeDocker, home: Path, output: io.StringIO
    ) -> None:
        docker.responses["compose build"] = ["no space left on device", 17]
        assert docker.manage(output, "start", "--docker") == 1
        assert not (home / ".local" / "mode").exists()

    def test_port_used_by_own_containers_is_explained(
        self, docker: FakeDocker, home: Path, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        docker.manage(output, "status", "--docker")
        terminal = Terminal(output, is_tty=False, colour=False)
        environ = {"PATH": f"{home / 'bin'}:/usr/bin:/bin"}
        context = Context(home, home / "manage.py", environ, terminal)
        taken = ControlError("port 8000 is in use")
        assert "stop --docker" in str(preflight.explain_port_conflict(context, taken))
        docker.set_containers(make_container("redis", "exited", **HEALTHY))
        docker.manage(output, "status", "--docker")
        assert preflight.explain_port_conflict(context, taken) is taken


def test_chat_without_secrets_reads_them_from_the_container(
    docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.manage(output, "chat", "hello", SANDBOX_PORT=str(free_port()))
    assert "sandbox" in docker.get_only_call("compose", "exec")["arguments"]
    assert "the sandbox cannot be reached" in capsys.readouterr().err
