"""Two commands at once, and a supervisor that does not listen."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from control import environment, replicas
from control.context import Context
from control.errors import ControlError
from control.local import scaling, start, timeouts, wishing
from control.local.process import Process
from control.local.progress import Progress
from control.local.run_directory import Wish
from control.local.suite import Suite
from control.local.supervisor import Load, Supervisor
from control.terminal import Terminal
from control.tests.fake_services import SERVICES
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite import wait_until

PYTHON = Path(sys.executable)
LATE = """\
import os, sys, time
while not os.path.exists({go!r}):
    time.sleep(0.01)
os.execv(sys.executable, [sys.executable, {entry!r}, *sys.argv[1:]])
"""
THREE = {"rest_service", "rest_service.2", "rest_service.3"}


@pytest.fixture
def context(suite: FakeSuite, terminal: Terminal) -> Context:
    return suite.context(terminal)


def running(suite: FakeSuite | Suite) -> set[str]:
    return {name for name, part in suite.run.status().items() if part.state == "running"}


def test_a_start_that_had_looked_before_another_one_scaled_takes_nothing_back(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    stale = Suite.of(context, PYTHON)
    suite.manage("start", "--replicas", "rest_service=3")
    current, missing = scaling.fit(context, stale, ())
    assert (current.replicas, missing) == ({"rest_service": 3}, frozenset())
    assert running(suite) >= THREE
    assert replicas.read(context.state_dir, SERVICES) == {"rest_service": 3}


def test_a_first_start_that_had_looked_before_another_one_asked_keeps_its_number(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    suite.manage("stop")
    stale = Suite.of(context, PYTHON)
    replicas.keep(context.state_dir, {"rest_service": 3})
    assert start.start(context, stale, ()) == ()
    assert running(suite) >= THREE


def test_a_number_said_now_wins_over_the_one_another_command_has_kept(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    asked = Suite.of(context, PYTHON, {"rest_service": 2})
    replicas.keep(context.state_dir, {"rest_service": 3})
    assert asked.anew().replicas == {"rest_service": 2}


@contextmanager
def short(timeout: str) -> Iterator[None]:
    """Commands of this process wait less long meanwhile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timeouts, timeout, 0.1)
        yield


def test_while_one_command_changes_what_runs_no_other_does(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "tg_bot")
    wishes = suite.run.wishes()
    commands = (
        ("stop", "--service", "tg_bot"),
        ("restart", "--service", "tg_bot"),
        ("start", "--replicas", "rest_service=2"),
    )
    with suite.run.commanding(), short("TURN"):
        said = [suite.manage(*command, status=1) for command in commands]
    assert all("another ./manage.py is changing what runs: try again" in text for text in said)
    assert suite.run.wishes() == wishes
    assert not (suite.home / "state" / "replicas.json").read_text().strip("{}")
    suite.manage("stop", "--service", "tg_bot")


def test_nor_does_a_first_start(suite: FakeSuite) -> None:
    suite.run.make()
    with suite.run.commanding(), short("TURN"):
        said = suite.manage("start", status=1)
    assert "another ./manage.py is changing what runs: try again" in said
    assert suite.run.wishes() == {}
    assert suite.processes() == []


def test_two_commands_at_once_both_have_their_way(suite: FakeSuite) -> None:
    suite.manage("start")
    scale = ("start", "--service", "rest_service", "--replicas", "rest_service=3")
    with suite.begin(*scale) as scaling_up, suite.begin("stop", "--service", "sandbox") as stop:
        said = [process.communicate(timeout=60)[0] for process in (scaling_up, stop)]
    assert all(f"✓ {name} " in said[0] for name in THREE), said[0]
    assert stop.returncode == 0, said[1]  # the other's is 1 where it sees the sandbox stopped
    wait_until(lambda: suite.part("sandbox").state == "stopped")
    wait_until(lambda: running(suite) >= THREE)


def test_what_a_command_wished_for_and_died_before_it_said_so_the_next_start_makes_good(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start", "--replicas", "rest_service=2")
    suite.manage("stop", "--service", "sandbox")
    wishes = suite.run.wishes() | {"sandbox": Wish(run=True), "rest_service.3": Wish(run=True)}
    suite.run.write_wishes(wishes)
    replicas.keep(context.state_dir, {"rest_service": 3})
    suite.manage("start")
    assert running(suite) >= {"sandbox"} | THREE

    suite.run.write_wishes(
        {name: wishes[name] for name in wishes if name not in THREE}
        | {"rest_service": Wish(run=True)}
    )
    replicas.keep(context.state_dir, {"rest_service": 1})
    suite.manage("start")
    assert not running(suite) & (THREE - {"rest_service"})
    assert set(suite.run.processes()).isdisjoint(THREE - {"rest_service"})


def test_what_a_dead_command_has_left_is_taken_before_the_next_one_has_its_turn(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    suite.run.write_environment(context.suite_environ | {"LOG_LEVEL": "debug"})
    suite.run.write_wishes(suite.run.wishes() | {"tg_bot": Wish(run=True, generation=1)})
    suite.manage("stop", "--service", "sandbox")
    wait_until(lambda: suite.part("tg_bot").generation == 1)
    wait_until(lambda: suite.part("tg_bot").state == "running")
    assert suite.manage("restart", "--service", "sandbox")
    assert suite.environment_of("TG_BOT_PORT")["LOG_LEVEL"] == "debug"


def test_each_command_is_obeyed_with_its_own_environment(suite: FakeSuite) -> None:
    suite.manage("start")
    supervisor = suite.run.supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        suite.environment["LOG_LEVEL"] = "debug"
        first = suite.begin("restart", "--service", "tg_bot")
        wait_until(lambda: suite.run.wishes()["tg_bot"].generation == 1)
        del suite.environment["LOG_LEVEL"]
        with short("HEARING"):
            said = suite.manage("restart", "--service", "sandbox", status=1)
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)
    told = first.communicate(timeout=60)[0]
    assert first.returncode == 0, told
    assert f"kill -CONT {supervisor.pid}, or ./manage.py restart" in said
    assert suite.environment_of("TG_BOT_PORT")["LOG_LEVEL"] == "debug"
    suite.manage("restart", "--service", "sandbox")
    assert "LOG_LEVEL" not in suite.environment_of("SANDBOX_PORT")


def test_until_a_new_supervisor_has_listened_no_other_command_has_its_turn(
    suite: FakeSuite, context: Context
) -> None:
    late = suite.home / "late.py"
    late.write_text(LATE.format(go=str(suite.home / "go"), entry=str(context.entry)))
    environment.complete(context.root, context.environ)
    left = suite.run.path / "environment.json"
    waits: list[bool] = []

    def watch() -> None:
        try:
            wait_until(lambda: suite.run.supervisor() is not None)
            waits.append(left.exists())
        finally:
            (suite.home / "go").touch()

    watching = Thread(target=watch)
    watching.start()
    mine = replace(context, entry=late)
    assert start.start(mine, Suite.of(mine, PYTHON), ()) == ()
    watching.join()
    assert waits == [True], "another command's environment would be taken for its own"
    assert not left.exists()


def complete(context: Context) -> Suite:
    """With its secrets, as a start makes them."""
    environment.complete(context.root, context.environ)
    return Suite.of(context, PYTHON)


@asynccontextmanager
async def supervised(
    suite: Suite, load: Load, care_every: float = 3600
) -> AsyncIterator[Supervisor]:
    suite.run.make()
    suite.run.write_wishes({part.name: Wish(run=False) for part in suite.parts})
    with ThreadPoolExecutor() as threads:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(suite, load, threads, group, care_every)
            supervisor.read_wishes()
            try:
                yield supervisor
            finally:
                await supervisor.stop()
                (suite.run.path / "supervisor").unlink(
                    missing_ok=True
                )  # it says us: no one to be ended


async def test_the_supervisor_does_not_look_before_a_command_has_written_everything(
    context: Context,
) -> None:
    suite = complete(context)
    left = suite.run.path / "environment.json"
    async with supervised(suite, lambda _: suite) as supervisor:
        with suite.run.commanding():
            suite.run.write_environment({})
            supervisor.read_wishes()
            assert left.exists()
        async with asyncio.timeout(60):
            while left.exists():
                await asyncio.sleep(0.01)


async def test_settings_that_fail_in_no_expected_way_lose_no_wish(
    context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    def load(_: Mapping[str, str]) -> Suite:
        raise ValueError("nobody has thought of it")

    suite = complete(context)
    async with supervised(suite, load) as supervisor:
        suite.run.write_environment({})
        suite.run.write_wishes({**suite.run.wishes(), "sandbox": Wish(run=True)})
        supervisor.read_wishes()
        async with asyncio.timeout(60):
            while "sandbox" not in running(suite):
                await asyncio.sleep(0.01)
    assert "the settings stay as they were: nobody has thought of it" in capfd.readouterr().err


async def test_a_supervisor_whose_record_is_damaged_writes_it_anew(
    home: Path, terminal: Terminal
) -> None:
    suite = complete(FakeSuite(home).context(terminal))
    record = suite.run.path / "supervisor"
    async with supervised(suite, lambda _: suite, care_every=0.05):
        async with asyncio.timeout(60):
            for damage in ("", "{", None):
                record.unlink() if damage is None else record.write_text(damage)
                while suite.run.supervisor() != Process.of(os.getpid()):
                    await asyncio.sleep(0.01)


def test_a_supervisor_that_is_gone_leaves_no_secrets_behind(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    left = suite.run.path / "environment.json"
    supervisor = suite.run.supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: suite.run.supervisor() is None)
    with pytest.raises(ControlError, match="the supervisor has just ended"):
        wishing.change(context, Suite.of(context, PYTHON), {})
    assert not left.exists()

    mine = Suite.of(context, PYTHON)
    suite.run.write_environment(context.suite_environ)
    with pytest.raises(ControlError, match="the supervisor has ended"):
        Progress(mine, frozenset({"tg_bot"}), context.terminal).wait()
    assert not left.exists()

    suite.run.write_environment(context.suite_environ)
    suite.manage("stop")
    assert not left.exists()


def test_a_supervisor_that_is_suspended_is_not_waited_for_without_end(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    supervisor = suite.run.supervisor()
    assert supervisor is not None
    mine = Suite.of(context, PYTHON)
    left = suite.run.path / "environment.json"
    suite.run.write_environment(context.suite_environ)
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ControlError, match=f"kill -CONT {supervisor.pid}, or ./manage.py"):
            wishing.await_stop(context, mine, ["tg_bot"], leeway=-19.9)
        assert left.exists(), "another command may have left it since"
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)


def test_a_replica_that_another_command_takes_back_is_not_waited_for(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    mine = Suite.of(context, PYTHON, {"rest_service": 2})
    (problem,) = Progress(mine, mine.wanted(()), context.terminal).wait()
    assert problem.name == "rest_service.2"
    assert "is no longer wished for" in problem.reason
