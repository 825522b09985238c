"""One PostgreSQL and several Redis servers for the test processes that another program starts.

    python -m smart_kit.testing.shared_servers 3

prints, as one line of JSON, the variables by which test processes find them. They end when standard
input ends, together with all other processes of the run.
"""

import json
import sys
from contextlib import ExitStack

from smart_kit.testing.leftover_processes import RUN_VARIABLE
from smart_kit.testing.ports import free_ports
from smart_kit.testing.run_folder import temporary_run_folder
from smart_kit.testing.servers import LOCKS_VARIABLE, postgres_server, running_valkey


def main(redis_count: int) -> None:
    with temporary_run_folder() as folder, postgres_server() as postgres, ExitStack() as stack:
        ports = free_ports(redis_count)
        for port in ports:
            stack.enter_context(running_valkey(port))
        variables = {"TEST_POSTGRES_PORT": str(postgres.port), "TEST_REDIS_PORT": str(ports[0])}
        variables |= dict.fromkeys((LOCKS_VARIABLE, RUN_VARIABLE, "TMPDIR"), str(folder.path))
        sys.stdout.write(json.dumps(variables) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
