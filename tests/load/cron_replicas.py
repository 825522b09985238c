"""Replicas of cron_service that are killed all the time and started again at once.

    python -m tests.load.cron_replicas COUNT KILL_INTERVAL

Prints a line when all replicas run, and when standard input ends a JSON line with `kills` and `cpu`
(seconds of all replicas). The replicas are forks of this process, which has imported the service:
so a start costs the same work as in production except for the imports, which would take longer than
the time between two kills.
"""

import json
import os
import resource
import select
import signal
import sys

from cron_service.app.config import Settings
from cron_service.app.main import SERVICE, serve
from smart_kit.service import launch
from smart_kit.testing.ports import free_port


def main(count: int, interval: float) -> None:
    """Kill the oldest replica in each interval until standard input ends; 0: kill none."""
    replicas = [_start_replica() for _ in range(count)]
    print("ready", flush=True)
    kills = 0
    while not select.select([sys.stdin], [], [], interval or None)[0]:
        _kill(replicas.pop(0))
        replicas.append(_start_replica())
        kills += 1
    for pid in replicas:
        _kill(pid)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"kills": kills, "cpu": usage.ru_utime + usage.ru_stime}), flush=True)


def _start_replica() -> int:
    os.environ["CRON_SERVICE_PORT"] = str(free_port())
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdout.fileno())  # its log
        launch(SERVICE, Settings, serve)
        os._exit(0)
    return pid


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
