"""The bot's commands, in the order in which they are shown. A new one is a file and a word here."""

from . import assistant, model, new, rich, start, undo
from . import help as help_command
from .handler import Handler

HANDLERS: tuple[Handler, ...] = (
    start.HANDLER,
    help_command.HANDLER,
    new.HANDLER,
    undo.HANDLER,
    assistant.HANDLER,
    model.HANDLER,
    rich.HANDLER,
)

COMMANDS: dict[str, str] = {handler.command: handler.description for handler in HANDLERS}
"""Name to description, in English."""
