"""Reads everything that a suite has written, in whatever form it is kept, to look for secrets.

Postgres compresses long values and Redis those it dumps, so that their files alone tell nothing of
them: rows and values are asked for, and the files are read for what was there before.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import psycopg2
import redis

from smart_kit.testing.suite_harness import SuiteHarness
from tests.e2e.fault_injection import connect_redis

StoredData = list[tuple[str, str]]
"""Where, and what is written there."""

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
    "none": lambda *_: None,  # its time is over
}


def collect_stored_data(suite: SuiteHarness) -> StoredData:
    """Of a suite in local mode, with its own databases; it may go on working."""
    return [*_iter_rows(suite), *_iter_redis_values(suite), *_iter_files(suite)]


def find_places(text: str, stored_data: StoredData) -> set[str]:
    """Where it is to be found."""
    return {place for place, written in stored_data if text in written}


def _iter_rows(suite: SuiteHarness) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    server = {"host": "127.0.0.1", "port": suite.environment["POSTGRES_PORT"], "user": _OWNER}
    secret = suite.environment["POSTGRES_PASSWORD"]
    connection = psycopg2.connect(**server, dbname=_OWNER, password=secret)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SET bytea_output = 'escape'")
        cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
        assert cursor.fetchone() == (0,), "a large object is in no table"
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            yield f"table {table}", "\n".join(row for (row,) in cursor)


def _iter_redis_values(suite: SuiteHarness) -> Iterator[tuple[str, str]]:
    """Every value by the command for its type."""
    with connect_redis(suite) as client:
        assert client.info("keyspace").keys() <= {"db0"}
        for key in client.scan_iter("*"):
            yield f"key {key}", f"{key} {_VALUE_READERS[client.type(key)](client, key)}"


def _iter_files(suite: SuiteHarness) -> Iterator[tuple[str, str]]:
    """Of both databases and of the logs; with what databases have forgotten."""
    for folder in ("postgres", "redis", "logs"):
        for path in (suite.state_dir / folder).resolve().rglob("*"):
            with suppress(FileNotFoundError, IsADirectoryError):  # databases drop and rename theirs
                yield f"file {folder}/{path.name}", path.read_bytes().decode("latin-1")
