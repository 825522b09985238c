import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from control.errors import ControlError
from control.local.component import Component
from control.local.process import LaunchSpec
from control.local.process_runner import ProcessRunner
from control.local.run_directory import DesiredState, RunDirectory

IGNORE_SIGTERM_SCRIPT = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


def make_component(folder: Path, code: str) -> Component:
    launch = LaunchSpec((sys.executable, "-c", code), {}, folder)
    return Component("part", "service", launch.return_self)


@asynccontextmanager
async def running_component(folder: Path, component: Component) -> AsyncIterator[ProcessRunner]:
    run = RunDirectory(folder)
    run.create()
    with ThreadPoolExecutor() as threads:
        runner = ProcessRunner(component, run, lambda: None, threads)
        task = asyncio.create_task(runner.run([]))
        runner.set_desired_state(DesiredState(should_run=True))
        try:
            yield runner
        finally:
            runner.set_desired_state(DesiredState(should_run=False))
            await runner.wait_until_stopped()
            task.cancel()


async def wait_until_state(runner: ProcessRunner, state: str) -> None:
    async with asyncio.timeout(60):
        while runner.status.state != state:
            await asyncio.sleep(0.01)


async def test_process_is_killed_after_its_stop_timeout(tmp_path: Path) -> None:
    stubborn = replace(make_component(tmp_path, IGNORE_SIGTERM_SCRIPT), stop_timeout=0.2)
    async with running_component(tmp_path, stubborn) as runner:
        log = RunDirectory(tmp_path).log_file("part")
        await wait_until_state(runner, "running")
        async with asyncio.timeout(60):
            while "deaf" not in log.read_text():
                await asyncio.sleep(0.01)
    assert runner.status.pid is None
    assert not RunDirectory(tmp_path).process_record_path("part").exists()


async def test_restart_delay_grows_with_each_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running_component(
        tmp_path, make_component(tmp_path, "import sys; sys.exit('no way')")
    ) as runner:
        async with asyncio.timeout(60):
            while runner.status.restarts < 2:
                await asyncio.sleep(0.01)
    assert runner.status.exit_reason == "exit status 1: no way"
    output = capfd.readouterr().err
    assert "again in 0.5 s" in output
    assert "again in 1 s" in output


async def test_successful_task_is_not_repeated(tmp_path: Path) -> None:
    async with running_component(
        tmp_path, replace(make_component(tmp_path, "print(1)"), kind="task")
    ) as runner:
        await wait_until_state(runner, "done")
        await asyncio.wait_for(runner.ready.wait(), 5)
        runner.set_desired_state(DesiredState(should_run=True, generation=0))
        await asyncio.sleep(0)
        assert runner.status.state == "done"
    assert RunDirectory(tmp_path).log_file("part").read_text() == "1\n"


async def test_failed_preparation_is_explained_and_retried(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> LaunchSpec:
        raise ControlError("no such program")

    async with running_component(tmp_path, Component("part", "service", refuse)) as runner:
        await wait_until_state(runner, "failing")
        assert runner.status.exit_reason == "no such program"
    assert "again in 0.5 s" in capfd.readouterr().err
