"""Free ports for servers that a test starts."""

import errno
import random
import socket

LOCALHOST = "127.0.0.1"
_REPLICAS = range(50, 1000, 100)
"""How far above its service's port a replica's is, see control/settings.py."""


_FIRST, _END = 10_000, 31_000
"""Below 32768, from where systems take the ports of outgoing connections: also that of a server
which has not begun to listen or is dead for a moment, and whose client may then even be connected
with itself."""

_RANDOM = random.SystemRandom()
"""Hypothesis seeds the other one, in each test process with the same."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses at the moment."""
    while not _is_free(port := _RANDOM.randrange(_FIRST, _END)):
        pass
    return port


def free_ports(count: int) -> list[int]:
    """Neighbouring ports on 127.0.0.1 that nobody uses, and which leave room for replicas."""
    while True:
        first = _RANDOM.randrange(_FIRST, _END, 10)
        ports = list(range(first, first + count))
        if all(_is_free(port + above) for above in (0, *_REPLICAS) for port in ports):
            return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def is_open(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOCALHOST, port)) == 0
