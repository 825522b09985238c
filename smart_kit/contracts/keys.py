"""The names of everything in Redis that more than one service knows, apart from the queues."""

from datetime import date
from uuid import UUID

CONFIGURATION_KEY = "config:snapshot"
CONFIGURATION_CHANNEL = "config:changed"
CRON_CHANNEL = "cron:changed"
ACTIVE_BOT_KEY = "bot"
"""Which bot tg_bot serves (BotIdentity); who answers of their own accord needs it."""
TURNS_STREAM = "turns"


def user_key(telegram_id: int) -> str:
    """The key of a UserSnapshot."""
    return f"user:{telegram_id}"


def history_key(thread_id: UUID) -> str:
    """The key of the list of a thread's newest items, as JSON, oldest first."""
    return f"history:{thread_id}"


def journal_key(message_id: str) -> str:
    """The key of the hash of a message's finished steps."""
    return f"journal:{message_id}"


def budget_key(user_id: UUID, day: date) -> str:
    """The key of the hash of what a person's model calls of a day cost, in millionths of a USD."""
    return f"budget:{user_id}:{day:%Y-%m-%d}"


def tool_result_key(tool_id: UUID, user_id: UUID, digest: str) -> str:
    """The key of the result of a tool's call that may be given again."""
    return f"cached:{tool_id}:{user_id}:{digest}"


def live_channel(bot_id: int) -> str:
    """The Pub/Sub channel of the frames of running turns."""
    return f"live:{bot_id}"


def bot_lease_key(bot_id: int) -> str:
    """The key of the name of the one tg_bot process that serves a bot, for a few seconds."""
    return f"lease:{bot_id}"


def update_message_id(bot_id: int, update_id: int) -> str:
    """The id of the queue message made from a Telegram update."""
    return f"tg:{bot_id}:{update_id}"


def run_message_id(run_id: UUID) -> str:
    """The id of the queue message made from the run of a cron job."""
    return f"run:{run_id}"


def conversation_for_chat(bot_id: int, chat_id: int) -> str:
    """The conversation that a chat is, in both queues."""
    return f"tg:{bot_id}:{chat_id}"


def parse_bot_id(conversation: str) -> int | None:
    """The bot id in `tg:<bot id>:<chat id>`; None where it is another kind of conversation."""
    parts = conversation.split(":")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdecimal() else None
