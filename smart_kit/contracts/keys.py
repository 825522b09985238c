"""Redis keys and channels that several services use, except the keys of the queues."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

CONFIGURATION_KEY = "config:snapshot"
CONFIGURATION_CHANNEL = "config:changed"
CRON_CHANNEL = "cron:changed"
CLOCK_KEY = "clock"
"""The offset of the sandbox's clock in seconds; missing: real time."""
CLOCK_CHANNEL = "clock:changed"
ACTIVE_BOT_KEY = "bot"
"""The bot that tg_bot serves (BotIdentity); cron_service needs it to address reminders."""
TURNS_STREAM = "turns"


def user_key(telegram_id: int) -> str:
    """The key of a UserSnapshot."""
    return f"user:{telegram_id}"


def history_key(thread_id: UUID) -> str:
    """The key of a list: the newest items of a thread as JSON, oldest first."""
    return f"history:{thread_id}"


def history_mark_key(thread_id: UUID) -> str:
    """The key of what is known about the history beside its items (see HistoryStore)."""
    return f"{history_key(thread_id)}:mark"


def list_history_keys(thread_ids: Iterable[UUID]) -> list[str]:
    """Return the keys of the histories of threads and of their marks."""
    return [key(thread_id) for thread_id in thread_ids for key in (history_key, history_mark_key)]


def journal_key(message_id: str) -> str:
    """The key of a hash: the finished steps of a message."""
    return f"journal:{message_id}"


def budget_key(user_id: UUID, day: date) -> str:
    """The key of a hash: the costs of a user's model calls on a day, in millionths of a USD."""
    return f"budget:{user_id}:{day:%Y-%m-%d}"


def tool_result_key(tool_id: UUID, user_id: UUID, digest: str) -> str:
    """The key of a cached tool result."""
    return f"cached:{tool_id}:{user_id}:{digest}"


def progress_channel(bot_id: int) -> str:
    """The Pub/Sub channel for the progress of running turns."""
    return f"live:{bot_id}"


def bot_lease_key(bot_id: int) -> str:
    """The key of the leader lease of a bot: the id of the tg_bot process that serves it."""
    return f"lease:{bot_id}"


def message_id_for_update(bot_id: int, update_id: int) -> str:
    """The id of the queue message for a Telegram update."""
    return f"tg:{bot_id}:{update_id}"


_RUN_PREFIX = "run:"


def message_id_for_run(run_id: UUID) -> str:
    """The id of the queue message for a run of a cron job."""
    return f"{_RUN_PREFIX}{run_id}"


def is_run(message_id: str) -> bool:
    """Return whether a message id is that of a run."""
    return message_id.startswith(_RUN_PREFIX)


def conversation_for_chat(bot_id: int, chat_id: int) -> str:
    """The conversation of a chat, in both queues."""
    return f"tg:{bot_id}:{chat_id}"


def parse_bot_id(conversation: str) -> int | None:
    """Return the bot id in `tg:<bot id>:<chat id>`; None for other conversations."""
    parts = conversation.split(":")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdecimal() else None
