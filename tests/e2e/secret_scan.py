"""Collects everything that a suite has stored, to search it for secrets.

The files of the databases alone are not enough: Postgres compresses long values, and Redis the
values that it dumps. So rows and Redis values are queried, and the files are searched in addition,
because they still contain deleted data.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import psycopg2
import redis

from smart_kit.testing.suite_harness import SuiteHarness
from tests.e2e.fault_injection import connect_redis

StoredData = list[tuple[str, str]]
"""(place, content) pairs; a place is e.g. `table messages`, `key user:5` or `file logs/x.log`."""

_OWNER = "smart_assistant"
_TABLES = """
    SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'f') AND
    relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"""

_VALUE_READERS: dict[str, Callable[["redis.Redis", str], Any]] = {
    "string": lambda client, key: client.get(key),
    "hash": lambda client, key: client.hgetall(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: client.smembers(key),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "stream": lambda client, key: client.xrange(key),
    "none": lambda *_: None,  # it has just expired
}


def collect_stored_data(suite: SuiteHarness) -> StoredData:
    """Collect the data of a local suite with databases of its own, while it runs."""
    return [*_iter_rows(suite), *_iter_redis_values(suite), *_iter_files(suite)]


def find_places(text: str, stored_data: StoredData) -> set[str]:
    """Return the places whose content contains the text."""
    return {place for place, content in stored_data if text in content}


def _iter_rows(suite: SuiteHarness) -> Iterator[tuple[str, str]]:
    """Yield each table with the text of all its rows."""
    server = {"host": "127.0.0.1", "port": suite.environment["POSTGRES_PORT"], "user": _OWNER}
    password = suite.environment["POSTGRES_PASSWORD"]
    connection = psycopg2.connect(**server, dbname=_OWNER, password=password)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SET bytea_output = 'escape'")
        cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
        assert cursor.fetchone() == (0,), "large objects are not part of any table"
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            yield f"table {table}", "\n".join(row for (row,) in cursor)


def _iter_redis_values(suite: SuiteHarness) -> Iterator[tuple[str, str]]:
    """Yield each key with its value."""
    with connect_redis(suite) as client:
        assert client.info("keyspace").keys() <= {"db0"}
        for key in client.scan_iter("*"):
            yield f"key {key}", f"{key} {_VALUE_READERS[client.type(key)](client, key)}"


def _iter_files(suite: SuiteHarness) -> Iterator[tuple[str, str]]:
    """Yield each file of both databases and of the logs, as latin-1 text."""
    for folder in ("postgres", "redis", "logs"):
        for path in (suite.state_dir / folder).resolve().rglob("*"):
            # databases remove and rename files at any time
            with suppress(FileNotFoundError, IsADirectoryError):
                yield f"file {folder}/{path.name}", path.read_bytes().decode("latin-1")
