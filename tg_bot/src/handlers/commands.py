"""The table of bot commands. /help and Telegram's command menu show them in this order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from smart_kit.contracts.queue import Notice, UserCommand, UserCommandName

from ..texts.translations import N_
from .incoming import HandlerResult, HandlerServices, IncomingMessage
from .language_command import handle_language
from .reminder_list import handle_reminders
from .rich_command import handle_rich
from .start import handle_start
from .task_list import handle_tasks
from .timezone_command import handle_timezone

CommandHandler = Callable[[HandlerServices, IncomingMessage], Awaitable[HandlerResult | None]]
"""Returns what becomes of the command; None refuses the sender."""


@dataclass(frozen=True)
class Command:
    """A row of the table."""

    name: str
    description: str
    """English; shown by /help and in Telegram's command menu, translated by `ru.po`."""
    handle: CommandHandler
    is_public: bool = False
    """Whether `handle` is also called for senders who have no access."""


def _build_queued_command(name: UserCommandName, description: str) -> Command:
    """Return a command that the assistant runs, in its place among the user's messages."""

    async def handle(_: HandlerServices, incoming: IncomingMessage) -> UserCommand:
        return incoming.build_command(name)

    return Command(name, description, handle)


async def _handle_help(_: HandlerServices, incoming: IncomingMessage) -> Notice:
    return incoming.build_notice("help")


COMMANDS: tuple[Command, ...] = (
    Command("start", N_("start the bot"), handle_start, is_public=True),
    Command("help", N_("what I can do"), _handle_help),
    Command("reminders", N_("your reminders"), handle_reminders),
    Command("tasks", N_("your open tasks"), handle_tasks),
    _build_queued_command("new", N_("start a new conversation")),
    _build_queued_command("undo", N_("undo the last change")),
    Command("timezone", N_("your time zone, for example /timezone Lisbon"), handle_timezone),
    Command("language", N_("the language of my own messages"), handle_language),
    _build_queued_command("assistant", N_("choose an assistant")),
    _build_queued_command("model", N_("choose a model")),
    Command("rich", N_("formatted tables and formulas: on or off"), handle_rich),
)

COMMAND_DESCRIPTIONS = {command.name: command.description for command in COMMANDS}
