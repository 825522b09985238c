"""Free ports for servers that a test starts."""

import errno
import os
import random
import socket
from collections import deque

LOCALHOST = "127.0.0.1"
_REPLICA_OFFSETS = range(50, 1000, 100)
"""How far above its service's port a replica's is, see control/settings.py."""

_FIRST_PORT, _END_PORT = 10_000, 31_000
"""Below 32768, from where systems take the ports of outgoing connections: also that of a server
which has not begun to listen or is dead for a moment, and whose client may then even be connected
with itself."""

_RANDOM = random.SystemRandom()
"""Hypothesis seeds the other one, in each test process with the same."""

_recent_ports = deque[int](maxlen=500)
"""Ports that this process was given lately: between a test's asking for a port and its server's
taking it the port is free."""
_recent_blocks = deque[frozenset[int]](maxlen=4)
"""The neighbours that it was given lately, each with the ports of their replicas.

There is always room for a fifth: two that have a port in common begin a multiple of 50 apart.
"""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses at the moment."""
    _, single = _get_process_port_ranges()
    while True:
        port = _RANDOM.choice(single)
        if port not in _recent_ports and _is_free(port):
            _recent_ports.append(port)
            return port


def free_ports(count: int) -> list[int]:
    """Neighbouring ports on 127.0.0.1 that nobody uses, at most 10, with room for replicas."""
    neighbours, _ = _get_process_port_ranges()
    while True:
        first = _RANDOM.choice(neighbours[: -_REPLICA_OFFSETS.stop : 10])
        ports = range(first, first + count)
        block = frozenset(port + above for above in (0, *_REPLICA_OFFSETS) for port in ports)
        if all(map(block.isdisjoint, _recent_blocks)) and all(map(_is_free, block)):
            _recent_blocks.append(block)
            return list(ports)


def _get_process_port_ranges() -> tuple[range, range]:
    """For neighbours and for single ports.

    A worker of pytest-xdist has ranges of its own, so that two never choose the same port.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (_END_PORT - _FIRST_PORT) // count
    own = range(_FIRST_PORT + number * size, _FIRST_PORT + (number + 1) * size)
    return own[: size * 3 // 4], own[size * 3 // 4 :]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def is_listening(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOCALHOST, port)) == 0
