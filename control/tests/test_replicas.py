"""Several processes of one service: real ones of a fake service, driven as an operator does."""

import http.client
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from control.context import Context
from control.local import wishing
from control.local.run_directory import Wish
from control.local.suite import Suite
from control.tests.fake_suite import FakeSuite
from smart_kit.testing import local_http
from smart_kit.testing.suite import wait_until

THREE = ("rest_service", "rest_service.2", "rest_service.3")


def pids(suite: FakeSuite) -> dict[str, int]:
    """Of all that runs but the supervisor."""
    return {name: part.pid for name, part in suite.run.status().items() if part.pid}


def others(suite: FakeSuite) -> dict[str, int]:
    return {name: pid for name, pid in pids(suite).items() if not name.startswith("rest_service")}


def own_port(suite: FakeSuite, number: int) -> int:
    """Where only that replica answers."""
    return int(suite.environment["REST_SERVICE_PORT"]) + 100 * number - 50


@pytest.fixture
def three(suite: FakeSuite) -> FakeSuite:
    said = suite.manage("start", "--replicas", "rest_service=3")
    assert all(f"✓ {name} " in said for name in THREE)
    return suite


def test_a_killed_replica_is_started_again_while_the_others_go_on(three: FakeSuite) -> None:
    before = pids(three)
    assert len({before[name] for name in THREE}) == 3
    os.kill(before["rest_service.2"], signal.SIGKILL)
    wait_until(lambda: three.part("rest_service.2").restarts == 1)
    wait_until(lambda: three.part("rest_service.2").state == "running")
    after = pids(three)
    assert after.pop("rest_service.2") != before.pop("rest_service.2")
    assert after == before


def test_the_health_of_each_is_that_of_its_own_process(
    three: FakeSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended = own_port(three, 2)

    class Connection(http.client.HTTPConnection):
        """Waits for all but the one that cannot answer."""

        def __init__(self, host: str, port: int, timeout: float) -> None:
            super().__init__(host, port, timeout=0.1 if port == suspended else timeout)

    monkeypatch.setattr(http.client, "HTTPConnection", Connection)
    os.kill(three.pid("rest_service.2"), signal.SIGSTOP)
    try:
        said = three.manage("status", "--service", "rest_service", status=1).splitlines()
    finally:
        os.kill(three.pid("rest_service.2"), signal.SIGCONT)
    health = {line.split()[0]: line.split("  ")[-1].strip() for line in said[1:]}
    assert health.pop("rest_service.2").startswith("does not answer on port")
    assert health == {"rest_service": "ok", "rest_service.3": "ok"}


def test_a_restart_and_a_later_start_keep_their_number(three: FakeSuite) -> None:
    three.manage("restart")
    assert set(THREE) <= set(pids(three))
    three.manage("stop")
    assert three.processes() == []
    three.manage("start")
    assert set(THREE) <= set(pids(three))


def test_a_start_with_another_number_ends_and_starts_replicas_and_touches_nothing_else(
    three: FakeSuite,
) -> None:
    first, rest = three.pid("rest_service"), others(three)
    ended = [three.run.processes()[name] for name in THREE[1:]]

    three.manage("start", "--replicas", "rest_service=1")
    assert not any(process.lives for process in ended)
    assert three.pid("rest_service") == first
    assert set(three.run.status()) & set(THREE) == {"rest_service"}
    assert "rest_service.2" not in three.manage("status")

    assert "✓ rest_service.3" in three.manage("start", "--replicas", "rest_service=3")
    assert three.pid("rest_service") == first
    assert set(THREE) <= set(pids(three))
    assert others(three) == rest
    three.manage("status")


def test_naming_a_service_means_all_its_replicas(three: FakeSuite) -> None:
    before = pids(three)
    three.manage("restart", "--service", "rest_service")
    after = pids(three)
    assert all(after[name] != before[name] for name in THREE)
    assert after["tg_bot"] == before["tg_bot"]

    three.manage("stop", "--service", "rest_service")
    assert [three.part(name).state for name in THREE] == ["stopped"] * 3
    three.manage("start", "--service", "rest_service")
    assert set(THREE) <= set(pids(three))
    said = three.manage("logs", "--service", "rest_service")
    assert {line.split(" ")[0] for line in said.splitlines()} == set(THREE)


def test_a_restart_of_a_service_with_replicas_has_one_of_them_away_at_a_time(
    three: FakeSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pids(three)
    seen: list[tuple[list[str], list[str], list[str]]] = []
    change = wishing.change

    def watched(context: Context, suite: Suite, changed: Mapping[str, Wish]) -> None:
        now = pids(three)
        fresh = [name for name in THREE if now.get(name) != before[name]]
        seen.append((list(changed), fresh, away(three)))
        change(context, suite, changed)

    monkeypatch.setattr(wishing, "change", watched)
    three.manage("restart", "--service", "rest_service")
    assert seen == [([name], list(THREE[:number]), []) for number, name in enumerate(THREE)]
    assert away(three) == []
    after = pids(three)
    assert all(after[name] != before[name] for name in THREE)


def away(suite: FakeSuite) -> list[str]:
    """The replicas that do not serve, or are to be ended by a wish that nobody has followed yet."""
    wishes, status = suite.run.wishes(), suite.run.status()
    return [
        name
        for number, name in enumerate(THREE, 1)
        if status[name].generation != wishes[name].generation
        or not local_http.is_well(f"http://127.0.0.1:{own_port(suite, number)}/health")
    ]


def test_where_a_replica_does_not_get_well_those_after_it_go_on_as_they_were(
    three: FakeSuite,
) -> None:
    before = pids(three)
    three.environment["DEFAULT_MODEL"] = "unwell"
    said = three.manage("restart", "--service", "rest_service", status=1)
    assert "left as they are: rest_service.2, rest_service.3" in said
    after = pids(three)
    assert [after[name] == before[name] for name in THREE] == [False, True, True]


def test_what_a_killed_supervisor_had_left_is_taken_over_with_its_number(three: FakeSuite) -> None:
    before = three.processes()
    supervisor = three.run.supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: three.run.supervisor() is None)
    three.manage("start")
    assert not any(process.lives for process in before)
    assert set(THREE) <= set(pids(three))


def test_a_replica_whose_port_is_taken_changes_nothing(suite: FakeSuite) -> None:
    suite.manage("start")
    before = pids(suite)
    with socket.socket() as squatter:
        port = int(suite.environment["REST_SERVICE_PORT"]) + 150
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        said = suite.manage("start", "--replicas", "rest_service=2", status=1)
    assert f"port {port}, where rest_service.2 would listen, is in use" in said
    assert pids(suite) == before
    assert "rest_service.2" not in suite.manage("status")


def test_a_second_suite_at_a_port_that_replicas_share_is_noticed(
    three: FakeSuite, home: Path
) -> None:
    other = FakeSuite(home)
    shared = {"REST_SERVICE_PORT": three.environment["REST_SERVICE_PORT"]}
    other.environment |= {"STATE_DIR": str(home / "other"), **shared}
    said = other.manage("start", status=1)
    assert f"port {shared['REST_SERVICE_PORT']}, where rest_service would listen, is in use" in said


def test_a_restart_of_a_service_takes_over_the_settings_of_now_for_it_alone(
    three: FakeSuite, home: Path
) -> None:
    (home / ".env").write_text("LOG_LEVEL=DEBUG\n")
    three.environment["DEFAULT_MODEL"] = "another"
    three.manage("restart", "--service", "rest_service")
    for number in (1, 2, 3):
        seen = three.environment_of("REST_SERVICE_PORT", above=100 * number - 50)
        assert (seen["LOG_LEVEL"], seen["DEFAULT_MODEL"]) == ("DEBUG", "another")
    assert "LOG_LEVEL" not in three.environment_of("TG_BOT_PORT")

    os.kill(three.pid("rest_service"), signal.SIGKILL)
    wait_until(lambda: three.part("rest_service").restarts == 1)
    wait_until(lambda: three.part("rest_service").state == "running")
    three.manage("start")
    assert three.environment_of("REST_SERVICE_PORT", above=50)["LOG_LEVEL"] == "DEBUG"


def test_a_service_that_was_stopped_begins_with_the_settings_of_now(
    suite: FakeSuite, home: Path
) -> None:
    suite.manage("start")
    suite.manage("stop", "--service", "tg_bot")
    (home / ".env").write_text("LOG_LEVEL=DEBUG\n")
    suite.manage("start", "--service", "tg_bot")
    assert suite.environment_of("TG_BOT_PORT")["LOG_LEVEL"] == "DEBUG"


def test_a_restart_of_a_service_with_broken_settings_leaves_alone_what_runs(
    suite: FakeSuite, home: Path
) -> None:
    suite.manage("start")
    before = pids(suite)
    (home / ".env").write_text("TELEGRAM_TOKEN=hunter2\n")
    said = suite.manage("restart", "--service", "tg_bot", status=1)
    assert "TELEGRAM_TOKEN is not a bot's token" in said
    assert pids(suite) == before


def test_what_a_command_hands_over_of_its_environment_does_not_stay(suite: FakeSuite) -> None:
    suite.manage("start")
    suite.environment["GOOGLE_CLIENT_SECRET"] = "of-the-operator"
    suite.manage("restart", "--service", "tg_bot")
    kept = [path for path in suite.run.path.iterdir() if path.is_file()]
    assert kept
    assert not any("of-the-operator" in path.read_text() for path in kept)
