"""Several containers of a service."""

import io
import threading
from pathlib import Path

from control import replicas
from control.lock import Lock
from control.tests.fake_docker import HEALTHY, Docker, container
from smart_kit.testing.suite import wait_until


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
