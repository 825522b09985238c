"""Replicas of cron_service, of which one is killed in each interval and started again at once.

    python -m tests.load.cron_replicas COUNT KILL_INTERVAL

Prints `ready` once the service is imported, starts when a line comes, and prints the number of
kills when standard input ends. An interval of 0 kills none. Intervals differ by up to half, and any
replica is killed: otherwise each would die at the same moment of its work, which may be a harmless
one.

The replicas are forks of this process, because imports take longer than the time between two kills.
Nothing else is spared: each reads its settings, connects, and serves /health on a port of its own.
"""

import gc
import importlib
import os
import random
import select
import signal
import sys

from cron_service.app.config import Settings
from cron_service.app.main import SERVICE, serve
from smart_kit.service import launch
from smart_kit.testing.ports import free_port

_LATER_IMPORTS = (
    *("anyio._backends._asyncio", "httpcore2", "truststore"),
    *("uvicorn.lifespan.off", "uvicorn.protocols.http.auto"),
)
"""What the service imports while it starts."""


def main(count: int, interval: float) -> None:
    """Run the replicas until standard input ends."""
    for name in _LATER_IMPORTS:
        importlib.import_module(name)
    gc.freeze()  # each replica would search the imported objects
    print("ready", flush=True)
    sys.stdin.readline()
    replicas = [_start_replica() for _ in range(count)]
    kills = 0
    try:
        while not _has_ended_after(interval * random.uniform(0.5, 1.5)):
            kill(replicas.pop(random.randrange(count)))
            replicas.append(_start_replica())
            kills += 1
    finally:
        for pid in replicas:
            kill(pid)
    print(kills, flush=True)


def _has_ended_after(seconds: float) -> bool:
    """Wait for the end of standard input, at most some seconds if not 0. Return True if it came."""
    return bool(select.select([sys.stdin], [], [], seconds or None)[0])


def _start_replica() -> int:
    os.environ["CRON_SERVICE_PORT"] = str(free_port())
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # its log
        launch(SERVICE, Settings, serve)
        os._exit(0)
    return pid


def kill(pid: int) -> None:
    """Kill a replica. Fails if it has ended by itself."""
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "a replica has ended by itself"


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
