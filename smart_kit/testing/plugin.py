"""The fixtures that every part's tests share (a pytest plugin; see pyproject.toml)."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import structlog
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.settings import RedisSettings
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.run_folder import RunFolder
from smart_kit.testing.servers import Postgres, Valkey, postgres_server, valkey_server
from smart_kit.testing.virtual_clock_loop import VirtualClockLoop

RUN_FOLDER_KEY = pytest.StashKey[RunFolder]()
SERVER_FIXTURES = frozenset({"postgres", "valkey"})
"""The fixtures that are the image's servers where the tests run in Docker."""
SHARED_SUITE_DIR = "tests/e2e/shared"
"""Whose stories are told on one suite of the whole session."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before pytest chooses the folder of `tmp_path`."""
    _configure_plain_logging()
    _make_hypothesis_deterministic()
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist is told by its controller
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    folder = config.stash[RUN_FOLDER_KEY] = RunFolder.create()
    if config.option.basetemp is None:
        config.option.basetemp = str(folder.path / "pytest")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what speaks with PostgreSQL or Redis: it is run on the servers of production too."""
    for item in items:
        if SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("servers")


@pytest.hookimpl(optionalhook=True)  # not every run of pytest has pytest-asyncio
def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that a test runs on."""
    if has_virtual_clock(item):
        return {"virtual": VirtualClockLoop}
    return {"real": asyncio.new_event_loop}


def has_virtual_clock(item: pytest.Item) -> bool:
    """Whether the time of a test, or its time limits, pass by a virtual clock."""
    marker = item.get_closest_marker("clock")
    return marker is not None and marker.args == ("virtual",)


class SharedSuiteScheduling(LoadFileScheduling):  # type: ignore[misc] # has no types
    """One worker gets all stories of the shared suite, which so is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return get_scope(nodeid)


def get_scope(nodeid: str) -> str:
    """What is told by one worker together with this test: its file, or the shared suite."""
    return (
        SHARED_SUITE_DIR if nodeid.startswith(f"{SHARED_SUITE_DIR}/") else nodeid.split("::", 1)[0]
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> SharedSuiteScheduling | None:
    """Where the files are what is shared out."""
    return SharedSuiteScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whatever has become of the tests."""
    if folder := config.stash.get(RUN_FOLDER_KEY, None):
        folder.close()


def _configure_plain_logging() -> None:
    """Plain tracebacks: rich ones take seconds each, in which a test's event loop stands still."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            renderer,
        ]
    )


def _make_hypothesis_deterministic() -> None:
    """And take the time that a busy machine needs: Hypothesis leaves nothing to chance."""
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large)
    settings.register_profile(
        "suite", deadline=None, derandomize=True, database=None, suppress_health_check=slow
    )
    settings.load_profile("suite")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for this run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A Valkey server for this run."""
    with valkey_server() as server:
        yield server


@pytest.fixture
def redis_settings(valkey: Valkey) -> RedisSettings:
    """How to reach the run's Valkey."""
    return RedisSettings(
        redis_host="127.0.0.1",
        redis_port=valkey.port,
        redis_password=SecretStr(valkey.password),
    )


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    """A client of an empty Valkey."""
    if isinstance(loop := asyncio.get_running_loop(), VirtualClockLoop):
        loop.track_redis(redis_settings)
    client = connect(redis_settings)
    await client.flushdb(asynchronous=True)  # VirtualClockLoop says why
    yield client
    await client.aclose()


@pytest.fixture
async def blocking(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    """A second client, for reads that block."""
    client = connect_blocking(redis_settings)
    yield client
    await client.aclose()


@pytest.fixture
def durable_valkey() -> Iterator[DurableValkey]:
    """A running Valkey of the test's own, to be killed and started again."""
    server = DurableValkey()
    server.start()
    yield server
    server.remove()
