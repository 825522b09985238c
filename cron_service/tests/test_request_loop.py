"""When an action runs, by a virtual clock."""

import asyncio

import pytest

from cron_service.app.request_loop import RequestLoop, Wait
from cron_service.tests.running import drain_event_loop, run_loops

pytestmark = pytest.mark.clock("virtual")

HOUR = 3600.0


class Action:
    """Records when it runs. Returns the given waits in order, then always the last one."""

    def __init__(self, *waits: Wait) -> None:
        self.times: list[float] = []
        self.is_running = False
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self._waits = list(waits)
        self._started_at = asyncio.get_running_loop().time()

    async def __call__(self) -> Wait:
        assert not self.is_running, "two runs at a time"
        self.is_running = True
        self.times.append(round(asyncio.get_running_loop().time() - self._started_at, 2))
        await self.may_finish.wait()
        self.is_running = False
        return self._waits.pop(0) if len(self._waits) > 1 else self._waits[0]


async def test_action_runs_at_the_start_and_after_the_longest_wait() -> None:
    action = Action(Wait(1, 60), Wait(2, 5), Wait(1, HOUR))
    async with run_loops(RequestLoop(action).run):
        await asyncio.sleep(100)

    assert action.times == [0, 60, 65]


async def test_request_runs_the_action_at_once_after_the_shortest_wait() -> None:
    action = Action(Wait(1, HOUR))
    loop = RequestLoop(action)
    async with run_loops(loop.run):
        await asyncio.sleep(10)
        loop.request()
        await asyncio.sleep(10)

    assert action.times == [0, 10]


async def test_requests_within_the_shortest_wait_share_a_run() -> None:
    action = Action(Wait(1, HOUR))
    loop = RequestLoop(action)
    async with run_loops(loop.run):
        await drain_event_loop()
        for _ in range(30):
            loop.request()
            await asyncio.sleep(0.1)
        await asyncio.sleep(10)

    assert action.times == [0, 1, 2, 3]


async def test_without_a_wait_the_action_runs_again_immediately() -> None:
    action = Action(Wait(0, 0), Wait(0, 0), Wait(0, HOUR))
    async with run_loops(RequestLoop(action).run):
        await asyncio.sleep(1)

    assert action.times == [0, 0, 0]


async def test_requests_during_a_run_cause_one_more() -> None:
    action = Action(Wait(0, HOUR))
    action.may_finish.clear()
    loop = RequestLoop(action)
    async with run_loops(loop.run):
        for _ in range(10):
            await asyncio.sleep(1)
            loop.request()
        action.may_finish.set()
        await asyncio.sleep(10)

    assert action.times == [0, 10]


async def test_a_shortest_wait_above_the_longest_one_is_kept() -> None:
    action = Action(Wait(90, 60))
    loop = RequestLoop(action)
    async with run_loops(loop.run):
        loop.request()
        await asyncio.sleep(100)

    assert action.times == [0, 90]


@pytest.mark.parametrize("wait", [Wait(HOUR, HOUR), Wait(0, HOUR)], ids=["paused", "idle"])
async def test_stop_ends_every_wait(wait: Wait) -> None:
    action = Action(wait)
    started_at = asyncio.get_running_loop().time()
    async with run_loops(RequestLoop(action).run):
        await asyncio.sleep(1)

    assert asyncio.get_running_loop().time() - started_at < 2
    assert action.times == [0]


async def test_stop_lets_the_action_finish() -> None:
    action = Action(Wait(0, HOUR))
    action.may_finish.clear()
    async with run_loops(RequestLoop(action).run) as stop:
        await drain_event_loop()
        stop.set()
        await asyncio.sleep(1)
        assert action.is_running
        action.may_finish.set()

    assert action.times == [0]
    assert not action.is_running
