"""Two commands at once, and a supervisor that does not listen."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from control import environment, replicas
from control.context import Context
from control.errors import ControlError
from control.local import scaling, start, wishing
from control.local.progress import Progress
from control.local.run_directory import Wish
from control.local.suite import Suite
from control.local.supervisor import Load, Supervisor
from control.terminal import Terminal
from control.tests.fake_manage import FAKE, SERVICES
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite import wait_until

PYTHON = Path(sys.executable)
THREE = {"rest_service", "rest_service.2", "rest_service.3"}


@pytest.fixture
def context(suite: FakeSuite, terminal: Terminal) -> Context:
    """What a command of that suite works with, in this process."""
    entry = Path(FAKE).with_name("fake_manage.py")
    return Context(suite.home, entry, suite.environment, terminal, SERVICES, PYTHON)


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
    assert start.start(context, stale, ()) == {}
    assert running(suite) >= THREE


def test_a_number_said_now_wins_over_the_one_another_command_has_kept(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    asked = Suite.of(context, PYTHON, {"rest_service": 2})
    replicas.keep(context.state_dir, {"rest_service": 3})
    assert asked.anew().replicas == {"rest_service": 2}


def test_while_one_command_changes_what_runs_no_other_does(suite: FakeSuite) -> None:
    suite.manage("start")
    wishes = suite.run.wishes()
    commands = (
        ("stop", "--service", "tg_bot"),
        ("restart", "--service", "tg_bot"),
        ("start", "--replicas", "rest_service=2"),
    )
    with suite.run.commanding():
        begun = [suite.begin(*command) for command in commands]
        said = [process.communicate(timeout=60)[0] for process in begun]
    assert [process.returncode for process in begun] == [1, 1, 1]
    assert all("another ./manage.py is changing what runs: try again" in text for text in said)
    assert suite.run.wishes() == wishes
    assert not (suite.home / "state" / "replicas.json").read_text().strip("{}")
    suite.manage("stop", "--service", "tg_bot")


def test_two_commands_at_once_both_have_their_way(suite: FakeSuite) -> None:
    suite.manage("start")
    scale = ("start", "--service", "rest_service", "--replicas", "rest_service=3")
    begun = [suite.begin(*scale), suite.begin("stop", "--service", "sandbox")]
    for process in begun:
        process.communicate(timeout=60)
    wait_until(lambda: suite.part("sandbox").state == "stopped")
    wait_until(lambda: running(suite) >= THREE)


def complete(context: Context) -> Suite:
    """With its secrets, as a start makes them."""
    environment.complete(context.root, context.environ)
    return Suite.of(context, PYTHON)


@asynccontextmanager
async def supervised(suite: Suite, load: Load) -> AsyncIterator[Supervisor]:
    suite.run.make()
    suite.run.write_wishes({part.name: Wish(run=False) for part in suite.parts})
    with ThreadPoolExecutor() as threads:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(suite, load, threads, group)
            supervisor.read_wishes()
            try:
                yield supervisor
            finally:
                await supervisor.stop()


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
        async with asyncio.timeout(20):
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
        async with asyncio.timeout(20):
            while "sandbox" not in running(suite):
                await asyncio.sleep(0.01)
    assert "the settings stay as they were: nobody has thought of it" in capfd.readouterr().err


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
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ControlError, match=f"kill -CONT {supervisor.pid}, or ./manage.py"):
            wishing.await_stop(context, mine, ["tg_bot"], leeway=-19)
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)


def test_a_replica_that_another_command_takes_back_is_not_waited_for(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    mine = Suite.of(context, PYTHON, {"rest_service": 2})
    begun = time.monotonic()
    problems = Progress(mine, mine.wanted(()), context.terminal).wait()
    assert list(problems) == ["rest_service.2"]
    assert "is no longer wished for" in problems["rest_service.2"]
    assert time.monotonic() - begun < 10
