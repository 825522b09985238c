"""Several containers of a service."""

import io
import threading
from pathlib import Path

from control import replicas
from control.file_lock import FileLock
from control.tests.fake_docker import HEALTHY, FakeDocker, make_container
from smart_kit.testing.suite_harness import wait_until


class TestReplicas:
    def get_last_up(self, docker: FakeDocker) -> list[str]:
        """Return the last `docker compose up`, without its constant options."""
        calls = [
            call["arguments"] for call in docker.calls if "--remove-orphans" in call["arguments"]
        ]
        arguments: list[str] = calls[-1]
        return arguments[arguments.index("--remove-orphans") + 1 :]

    def test_replica_counts_are_stored_until_changed(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("redis", **HEALTHY))
        docker.manage(output, "start", "--docker", "--replicas", "assistant=3,rest_service=2")
        expected = ["--scale", "assistant=3", "--scale", "rest_service_replica=1"]
        assert self.get_last_up(docker) == expected
        for command in ("start", "restart", "rebuild"):
            assert docker.manage(output, command, "--docker") == 0
            assert self.get_last_up(docker) == expected
        docker.manage(output, "start", "--docker", "--replicas", "assistant=1")
        assert self.get_last_up(docker) == [
            "--scale",
            "assistant=1",
            "--scale",
            "rest_service_replica=1",
        ]

    def test_start_preserves_replicas_of_a_concurrent_start(
        self, docker: FakeDocker, home: Path, output: io.StringIO
    ) -> None:
        """The containers and the count of the other start exist before this one continues."""
        docker.set_containers(make_container("redis", **HEALTHY))
        docker.manage(output, "status", "--docker")
        (home / ".local").mkdir(exist_ok=True)
        other = FileLock.try_acquire(home / ".local" / "containers.lock")
        assert other is not None
        second_start = threading.Thread(target=docker.manage, args=(output, "start", "--docker"))
        second_start.start()
        try:
            wait_until(lambda: any("exec" in call["arguments"] for call in docker.calls))
            second_start.join(0.2)
            assert not any("--remove-orphans" in call["arguments"] for call in docker.calls)
            replicas.save(home / ".local", {"assistant": 3})
        finally:
            other.release()
            second_start.join()
        assert self.get_last_up(docker) == ["--scale", "assistant=3"]
        assert docker.get_only_call("compose", "up", "--remove-orphans")["alone"]

    def test_replicas_option_accepts_only_selected_services(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        """Compose refuses a count for a service that it does not start."""
        docker.set_containers(make_container("tg_bot", **HEALTHY))
        url = "postgresql://me:secret@db.example/mine"
        external = {"DATABASE_URL": url, "ASYNC_DATABASE_URL": url}
        docker.manage(output, "start", "--docker", "--replicas", "assistant=3", **external)
        for command in ("restart", "start"):
            docker.manage(output, command, "--docker", "--service", "tg_bot", **external)
            assert "--scale" not in self.get_last_up(docker)
        docker.manage(output, "start", "--docker", "--service", "rest_service", **external)
        assert self.get_last_up(docker)[:2] == ["--scale", "postgres=0"]

    def test_service_name_selects_all_its_replicas(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(make_container("rest_service", **HEALTHY))
        docker.manage(output, "start", "--docker", "--service", "rest_service")
        assert self.get_last_up(docker) == ["rest_service", "rest_service_replica"]
        docker.manage(output, "stop", "--docker", "--service", "rest_service")
        both = ["rest_service", "rest_service_replica"]
        assert docker.get_only_call("compose", "stop")["arguments"][-2:] == both

    def test_status_shows_each_replica_as_in_local_mode(
        self, docker: FakeDocker, output: io.StringIO
    ) -> None:
        docker.set_containers(
            make_container("rest_service_replica", number=1, **HEALTHY),
            make_container("assistant", number=2, **HEALTHY),
            make_container("assistant", **HEALTHY),
            make_container("rest_service", **HEALTHY),
        )
        assert docker.manage(output, "status", "--docker", "--service", "rest_service") == 0
        docker.manage(output, "status", "--docker")
        names = [line.split()[0] for line in output.getvalue().splitlines()]
        assert names[:3] == ["service", "rest_service", "rest_service.2"]
        assert names[4:] == ["assistant", "assistant.2", "rest_service", "rest_service.2"]
