"""Free ports for servers that a test starts."""

import errno
import os
import random
import socket
from collections import deque

LOCALHOST = "127.0.0.1"
_REPLICA_OFFSETS = range(50, 1000, 100)
"""Distance between a service's port and a replica's port; see control/settings.py."""

_FIRST_PORT, _END_PORT = 10_000, 31_000
"""Below 32768, where the ports of outgoing connections begin. Otherwise the system could give the
port of a stopped server to a client, which could even connect to itself."""

_RANDOM = random.SystemRandom()
"""Hypothesis seeds the global generator with the same value in each test process."""

_recent_ports = deque[int](maxlen=500)
"""Ports that this process chose lately. A port stays free until a test's server listens on it."""
_recent_blocks = deque[frozenset[int]](maxlen=4)
"""Neighbouring ports that this process chose lately, with the ports of their replicas.

Two overlapping groups begin a multiple of 50 apart, so there is always room for a fifth group.
"""


def free_port() -> int:
    """Return a free TCP port on 127.0.0.1."""
    _, single = _get_process_port_ranges()
    while True:
        port = _RANDOM.choice(single)
        if port not in _recent_ports and _is_free(port):
            _recent_ports.append(port)
            return port


def free_ports(count: int) -> list[int]:
    """Return at most 10 free neighbouring ports on 127.0.0.1, with room for replicas."""
    neighbours, _ = _get_process_port_ranges()
    while True:
        first = _RANDOM.choice(neighbours[: -_REPLICA_OFFSETS.stop : 10])
        ports = range(first, first + count)
        block = frozenset(port + above for above in (0, *_REPLICA_OFFSETS) for port in ports)
        if all(map(block.isdisjoint, _recent_blocks)) and all(map(_is_free, block)):
            _recent_blocks.append(block)
            return list(ports)


def _get_process_port_ranges() -> tuple[range, range]:
    """Return this xdist worker's own ranges: for groups of ports and for single ports."""
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
    """Return whether a port is in use."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOCALHOST, port)) == 0
