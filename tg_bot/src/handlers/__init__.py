"""The bot's commands, in the order in which they are shown. A new one is a file and a word here."""

from . import help as help_command
from . import new, rich, start, undo
from .handler import Handler

HANDLERS: tuple[Handler, ...] = (
    start.HANDLER,
    help_command.HANDLER,
    new.HANDLER,
    undo.HANDLER,
    rich.HANDLER,
)

COMMANDS: dict[str, str] = {handler.command: handler.description for handler in HANDLERS}
"""Name to description, in English."""
