"""Pytest plugin with the fixtures that all parts share; pyproject.toml loads it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import structlog
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from redis.asyncio import Redis
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from smart_kit.settings import RedisSettings
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.run_folder import RunFolder
from smart_kit.testing.servers import Postgres, Valkey, postgres_server, valkey_server
from smart_kit.testing.virtual_clock_loop import VirtualClockLoop

RUN_FOLDER_KEY = pytest.StashKey[RunFolder]()
SERVER_FIXTURES = frozenset({"postgres", "valkey"})
"""Fixtures that use the servers of docker-compose.test.yml when tests run in Docker."""
SHARED_SUITE_DIR = "tests/e2e/shared"
"""Folder of the tests that share one suite in the whole session."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Runs before pytest chooses the folder of `tmp_path`."""
    _configure_plain_logging()
    _make_hypothesis_deterministic()
    if hasattr(config, "workerinput"):  # the controller of pytest-xdist passes it to its workers
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    folder = config.stash[RUN_FOLDER_KEY] = RunFolder.create()
    if config.option.basetemp is None:
        config.option.basetemp = str(folder.path / "pytest")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that use PostgreSQL or Redis; they also run on the production images."""
    for item in items:
        if SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("servers")


@pytest.hookimpl(optionalhook=True)  # not every run of pytest has pytest-asyncio
def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if has_virtual_clock(item):
        return {"virtual": VirtualClockLoop}
    return {"real": asyncio.new_event_loop}


def has_virtual_clock(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("clock")
    return marker is not None and marker.args == ("virtual",)


class SharedSuiteScheduling(LoadFileScheduling):  # type: ignore[misc] # has no types
    """Gives all tests of the shared suite to one worker, so that it starts once."""

    def _split_scope(self, nodeid: str) -> str:
        return get_scope(nodeid)


def get_scope(nodeid: str) -> str:
    """Return the scope that one worker runs: the file of a test, or the shared suite."""
    is_shared = nodeid.startswith(f"{SHARED_SUITE_DIR}/")
    return SHARED_SUITE_DIR if is_shared else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Used with `--dist=loadfile`."""
    return SharedSuiteScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Runs whatever the result of the tests."""
    if folder := config.stash.get(RUN_FOLDER_KEY, None):
        folder.close()


def _configure_plain_logging() -> None:
    """Use plain tracebacks, because a rich one blocks a test's event loop for seconds."""
    formatter = structlog.dev.plain_traceback
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=formatter)
    context = structlog.contextvars.merge_contextvars
    structlog.configure(processors=[context, structlog.processors.add_log_level, renderer])


def _make_hypothesis_deterministic() -> None:
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large)
    settings.register_profile(
        "suite", deadline=None, derandomize=True, database=None, suppress_health_check=slow
    )
    settings.load_profile("suite")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    with valkey_server() as server:
        yield server


@pytest.fixture
def redis_settings(valkey: Valkey) -> RedisSettings:
    return RedisSettings(
        redis_host="127.0.0.1", redis_port=valkey.port, redis_password=SecretStr(valkey.password)
    )


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    """A client of an empty Valkey database."""
    if isinstance(loop := asyncio.get_running_loop(), VirtualClockLoop):
        loop.track_redis(redis_settings)
    from smart_kit.redis import connect  # not at the top, where coverage would not measure it yet

    client = connect(redis_settings)
    await client.flushdb(asynchronous=True)  # VirtualClockLoop says why
    yield client
    await client.aclose()


@pytest.fixture
async def blocking(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    from smart_kit.redis import connect_for_blocking_reads  # see `redis`

    client = connect_for_blocking_reads(redis_settings)
    yield client
    await client.aclose()


@pytest.fixture
def durable_valkey() -> Iterator[DurableValkey]:
    """A running Valkey of this test alone, which it can kill and restart."""
    server = DurableValkey()
    server.start()
    yield server
    server.remove()
