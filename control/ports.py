"""Ports of this machine."""

import errno
import socket

from control.addresses import LOCALHOST


def find_bind_error(port: int) -> str:
    """Why a server could not listen there; empty where it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"is refused ({error})"
    return ""
