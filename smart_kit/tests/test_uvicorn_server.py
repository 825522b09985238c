"""The server loop of services with an ASGI application."""

import asyncio
import socket

import httpx2
import pytest

from smart_kit.errors import ConfigurationError
from smart_kit.health import Health
from smart_kit.health_app import HealthApp, load_metrics_app
from smart_kit.testing.ports import free_port, is_listening
from smart_kit.uvicorn_server import build_uvicorn_server

APP = HealthApp(Health("a_service"), load_metrics_app)


async def test_uvicorn_loop_serves_until_stopped() -> None:
    port, stop = free_port(), asyncio.Event()
    serving = asyncio.create_task(build_uvicorn_server(APP, "127.0.0.1", port)(stop))
    async with asyncio.timeout(60):
        while not is_listening(port):
            await asyncio.sleep(0.01)
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        response = await client.get(f"http://127.0.0.1:{port}/health")
        stop.set()
        await asyncio.wait_for(serving, 60)

    assert response.json()["status"] == "ok"
    assert "server" not in response.headers


async def test_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Cannot listen on 127.0.0.1:{port}"):
            await build_uvicorn_server(APP, "127.0.0.1", port)(asyncio.Event())


async def test_replicas_share_a_port_and_have_their_own() -> None:
    shared, stop = free_port(), asyncio.Event()
    own = [free_port(), free_port()]
    loops = [
        asyncio.create_task(build_uvicorn_server(APP, "127.0.0.1", shared, port)(stop))
        for port in own
    ]
    async with asyncio.timeout(60):
        while not all(map(is_listening, (shared, *own))):
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*loops), 60)


async def test_unshared_port_and_replica_of_another_suite_are_refused() -> None:
    shared, own, stop = free_port(), free_port(), asyncio.Event()
    replica = asyncio.create_task(build_uvicorn_server(APP, "127.0.0.1", shared, own)(stop))
    async with asyncio.timeout(60):
        while not is_listening(shared):
            await asyncio.sleep(0.01)
    for taken, ports in ((shared, (shared, None)), (own, (shared, own))):
        with pytest.raises(ConfigurationError, match=f"Cannot listen on 127.0.0.1:{taken}"):
            await asyncio.wait_for(
                build_uvicorn_server(APP, "127.0.0.1", *ports)(asyncio.Event()), 60
            )
    stop.set()
    await asyncio.wait_for(replica, 60)
