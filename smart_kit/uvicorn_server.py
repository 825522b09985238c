"""The server loop of services with an ASGI application."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from smart_kit.errors import ConfigurationError
from smart_kit.health_app import AsgiApp
from smart_kit.service import Loop

SHUTDOWN_TIMEOUT_SECONDS = 10
"""Seconds that running requests get after a stop."""


def build_uvicorn_server(
    app: AsgiApp, host: str, port: int, replica_port: int | None = None
) -> Loop:
    """Return a loop that serves an application. It raises ConfigurationError if a port is in use.

    With a `replica_port` this process also listens there, and shares `port` with other replicas.
    The application gets neither WebSockets nor the events of ASGI's lifespan.
    """

    async def serve(stop: asyncio.Event) -> None:
        listeners = _open_sockets(host, port, replica_port)
        server = _Server(
            uvicorn.Config(
                app,
                ws="none",
                lifespan="off",
                log_config=None,  # its records use the handlers of smart_kit.log
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
            )
        )
        serving = asyncio.create_task(server.serve(listeners))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.should_exit = True
        await serving

    return serve


class _Server(uvicorn.Server):
    """uvicorn without signal handlers, because `run_loops` installs them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _open_sockets(host: str, port: int, replica_port: int | None) -> list[socket.socket]:
    """Open the replica's own port first, so that a second suite fails before sharing `port`."""
    if replica_port is None:
        return [_open_socket(host, port)]
    replica_socket = _open_socket(host, replica_port)
    try:
        return [replica_socket, _open_socket(host, port, shared=True)]
    except ConfigurationError:
        replica_socket.close()
        raise


def _open_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Open a port; uvicorn itself would exit without a readable message if it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
