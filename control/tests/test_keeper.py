import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from control.errors import ControlError
from control.local.keeper import Keeper
from control.local.part import Part
from control.local.process import Launch
from control.local.run_directory import RunDirectory, Wish

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


def part(folder: Path, code: str) -> Part:
    launch = Launch((sys.executable, "-c", code), {}, folder)
    return Part("part", "service", launch.itself)


@asynccontextmanager
async def kept(folder: Path, what: Part) -> AsyncIterator[Keeper]:
    run = RunDirectory(folder)
    run.make()
    with ThreadPoolExecutor() as threads:
        keeper = Keeper(what, run, lambda: None, threads)
        task = asyncio.create_task(keeper.keep([]))
        keeper.wish(Wish(run=True))
        try:
            yield keeper
        finally:
            keeper.wish(Wish(run=False))
            await keeper.stopped()
            task.cancel()


async def until(keeper: Keeper, state: str) -> None:
    async with asyncio.timeout(60):
        while keeper.status.state != state:
            await asyncio.sleep(0.01)


async def test_what_does_not_end_in_its_time_is_killed(tmp_path: Path) -> None:
    stubborn = replace(part(tmp_path, STUBBORN), patience=0.2)
    async with kept(tmp_path, stubborn) as keeper:
        log = RunDirectory(tmp_path).log("part")
        await until(keeper, "running")
        async with asyncio.timeout(60):
            while "deaf" not in log.read_text():
                await asyncio.sleep(0.01)
    assert keeper.status.pid is None
    assert not RunDirectory(tmp_path).record("part").exists()


async def test_what_keeps_dying_is_tried_ever_less_often(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with kept(tmp_path, part(tmp_path, "import sys; sys.exit('no way')")) as keeper:
        async with asyncio.timeout(60):
            while keeper.status.restarts < 2:
                await asyncio.sleep(0.01)
    assert keeper.status.reason == "exit status 1: no way"
    said = capfd.readouterr().err
    assert "again in 0.5 s" in said
    assert "again in 1 s" in said


async def test_a_task_that_ended_well_is_done_and_not_repeated(tmp_path: Path) -> None:
    async with kept(tmp_path, replace(part(tmp_path, "print(1)"), kind="task")) as keeper:
        await until(keeper, "done")
        await asyncio.wait_for(keeper.ready.wait(), 5)
        keeper.wish(Wish(run=True, generation=0))
        await asyncio.sleep(0)
        assert keeper.status.state == "done"
    assert RunDirectory(tmp_path).log("part").read_text() == "1\n"


async def test_what_cannot_be_prepared_says_why_and_is_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> Launch:
        raise ControlError("no such program")

    async with kept(tmp_path, Part("part", "service", refuse)) as keeper:
        await until(keeper, "failing")
        assert keeper.status.reason == "no such program"
    assert "again in 0.5 s" in capfd.readouterr().err
