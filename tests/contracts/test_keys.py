"""The names of Redis keys, channels and message ids."""

import inspect
from collections.abc import Callable
from datetime import date
from uuid import UUID

from smart_kit.contracts import keys
from smart_kit.contracts.queue import reply_id
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.mailbox import Mailbox
from smart_kit.redis import connect
from smart_kit.settings import RedisSettings

NUMBER, ID = 1, UUID(int=1)
SAMPLES = {UUID: ID, date: date(2026, 11, 21)}


def test_redis_names_are_unique() -> None:
    constants = [value for name, value in vars(keys).items() if name.isupper()]
    functions = [
        function
        for name, function in inspect.getmembers(keys, inspect.isfunction)
        if "__" not in name and not name.startswith("_")  # skips functions that mutmut generates
    ]
    # a message id looks like a conversation by design, the mark of a history has the name of that
    # history, and three functions build no name
    others = (
        keys.message_id_for_update,
        keys.history_mark_key,
        keys.list_history_keys,
        keys.parse_bot_id,
        keys.is_run,
    )
    built = [
        function(*_make_arguments(function)) for function in functions if function not in others
    ]

    names = [*constants, *built]
    assert len(constants) >= 5
    assert len(functions) >= 7
    assert len(names) == len(set(names))
    prefixes = [name.partition(":")[0] for name in built]
    assert len(prefixes) == len(set(prefixes)), "ids could make two names equal"


def _make_arguments(function: Callable[..., str]) -> list[object]:
    parameters = inspect.signature(function).parameters.values()
    return [SAMPLES.get(parameter.annotation, NUMBER) for parameter in parameters]


def test_redis_names_do_not_change_between_versions() -> None:
    assert [
        keys.user_key(5),
        keys.history_key(ID),
        keys.history_mark_key(ID),
        keys.journal_key("tg:1:2"),
        keys.budget_key(ID, date(2026, 1, 2)),
        keys.tool_result_key(ID, UUID(int=2), "abc"),
        keys.progress_channel(5),
        keys.bot_lease_key(5),
        keys.conversation_for_chat(5, -7),
    ] == [
        "user:5",
        f"history:{ID}",
        f"history:{ID}:mark",
        "journal:tg:1:2",
        f"budget:{ID}:2026-01-02",
        f"cached:{ID}:{UUID(int=2)}:abc",
        "live:5",
        "lease:5",
        "tg:5:-7",
    ]


def test_the_first_thread_id_depends_on_user_and_assistant_only() -> None:
    first, other = derive_first_thread_id(ID, UUID(int=2)), derive_first_thread_id(ID, UUID(int=3))
    assert str(first) == "fc2a5a19-267c-526c-8abb-b488c2fda4a7"
    assert len({first, other, derive_first_thread_id(UUID(int=2), ID)}) == 3


def test_message_reply_and_run_ids_differ() -> None:
    message_id = keys.message_id_for_update(42, 7)

    assert message_id == "tg:42:7"
    assert reply_id(message_id) == "reply:tg:42:7"
    assert keys.message_id_for_run(ID) == f"run:{ID}"
    assert len({message_id, reply_id(message_id), keys.message_id_for_run(ID)}) == 3


def test_the_bot_id_is_parsed_only_from_names_of_conversations() -> None:
    assert keys.parse_bot_id(keys.conversation_for_chat(42, -7)) == 42
    for other in ("", "chat", "tg:42", "tg::7", "tg:x:7", "tg:42:7:1", "tg:42:7:1:1"):
        assert keys.parse_bot_id(other) is None


async def test_queues_with_different_names_share_no_key() -> None:
    settings = RedisSettings()
    redis = connect(settings)
    to_secretary = Mailbox(redis, settings.redis_queue_to_secretary)
    to_telegram = Mailbox(redis, settings.redis_queue_to_telegram)
    await redis.aclose()

    assert to_secretary.name != to_telegram.name
    assert not to_secretary.name.startswith(f"{to_telegram.name}:")
    assert not to_telegram.name.startswith(f"{to_secretary.name}:")


def test_only_messages_of_runs_have_ids_of_runs() -> None:
    assert keys.is_run(keys.message_id_for_run(ID))
    assert not keys.is_run(keys.message_id_for_update(1, 2))
