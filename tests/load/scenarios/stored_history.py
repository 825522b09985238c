"""Long histories, written directly into Redis and Postgres as the suite would have left them."""

import json
from contextlib import closing
from uuid import UUID

from assistant.src.messages.context_window import ContextWindow
from smart_kit.contracts.keys import history_key
from tests.e2e.fault_injection import connect_redis
from tests.load.fakes.load_plan import LoadPlan
from tests.load.machine import connect_postgres
from tests.load.systems import SuiteSystem

_WINDOW = ContextWindow(max_messages=20, max_characters=32_000)
"""Of the assistant that answers, which has the default settings."""

_THREADS = """
    SELECT thread_id FROM user_assistant_threads thread JOIN users ON users.id = thread.user_id
    WHERE users.telegram_id >= %(first)s AND users.telegram_id < %(first)s + %(people)s
    ORDER BY users.telegram_id"""

_FILL_TURNS = """
    INSERT INTO turns (message_id, user_id, assistant_id, thread_id, configuration_version, status,
        steps, prompt_tokens, completion_tokens, cost, started_at, finished_at)
    SELECT 'fill:' || thread_id || ':' || number, user_id, assistant_id, thread_id,
        configuration_version, status, steps, prompt_tokens, completion_tokens, cost,
        started_at - number * interval '1 minute', finished_at - number * interval '1 minute'
    FROM turns, generate_series(1, %(turns)s) number
    WHERE message_id = ANY(%(models)s)"""
"""Copies the one turn of each thread, further and further back."""

_FILL_MESSAGES = """
    INSERT INTO messages (id, thread_id, user_id, assistant_id, message_id, position, role, content,
        payload, is_in_context, created_at, turn_started_at)
    SELECT gen_random_uuid(), thread_id, user_id, assistant_id,
        'fill:' || thread_id || ':' || number, position, role, content, payload, is_in_context,
        created_at - number * interval '1 minute', turn_started_at - number * interval '1 minute'
    FROM messages, generate_series(1, %(turns)s) number
    WHERE message_id = ANY(%(models)s)"""


def fill_history(system: SuiteSystem, plan: LoadPlan, messages: int) -> None:
    """Give each person of a load, who has one turn, a history of that many messages."""
    threads = find_threads(system, plan)
    with closing(connect_postgres(system.suite)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT message_id FROM turns WHERE thread_id = ANY(%s::uuid[])", (threads,))
        models = [row for (row,) in cursor.fetchall()]
        assert len(models) == len(threads) == plan.people
        parameters = {"models": models, "turns": messages // 2 - 1}
        for statement in (_FILL_TURNS, _FILL_MESSAGES):
            cursor.execute(statement, parameters)
        # otherwise autovacuum would do it while something is measured
        for statement in ("VACUUM ANALYZE turns", "VACUUM ANALYZE messages", "CHECKPOINT"):
            cursor.execute(statement)
    with connect_redis(system.suite) as client:
        for thread in threads:
            key = history_key(UUID(thread))
            pair = client.lrange(key, 0, -1)
            assert [json.loads(item)["role"] for item in pair] == ["user", "assistant"]
            client.lpush(key, *pair[::-1] * (min(messages, _WINDOW.history_limit) // 2 - 1))


def forget_history(system: SuiteSystem, plan: LoadPlan) -> None:
    """Delete the histories in Redis, so that the suite must load them from Postgres."""
    with connect_redis(system.suite) as client:
        client.delete(*(history_key(UUID(thread)) for thread in find_threads(system, plan)))


def find_threads(system: SuiteSystem, plan: LoadPlan) -> list[str]:
    """Return the thread ids of the people of a load."""
    with closing(connect_postgres(system.suite)) as connection, connection.cursor() as cursor:
        cursor.execute(_THREADS, {"first": plan.first_person, "people": plan.people})
        return [str(row) for (row,) in cursor.fetchall()]
