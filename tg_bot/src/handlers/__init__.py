"""The bot's commands, in the order in which they are shown. A new one is a file and a word here."""

from tg_bot.src.handlers import help as help_command
from tg_bot.src.handlers import new, start
from tg_bot.src.handlers.handler import Handler

HANDLERS: tuple[Handler, ...] = (start.HANDLER, help_command.HANDLER, new.HANDLER)

COMMANDS: dict[str, str] = {handler.command: handler.description for handler in HANDLERS}
"""Name to description, in English."""
