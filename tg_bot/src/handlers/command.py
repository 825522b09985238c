"""Commands: how one is recognised and what a handler of one is."""

import re
from dataclasses import dataclass

_COMMAND_PATTERN = re.compile(
    r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL
)


@dataclass(frozen=True)
class CommandCall:
    """A command as somebody wrote it."""

    name: str
    bot: str | None
    """Whom it was written to, where that was said: `/help@some_bot`."""
    argument: str


def parse_command(text: str) -> CommandCall | None:
    """The command that a text is; None for any other text, such as a path."""
    found = _COMMAND_PATTERN.fullmatch(text.strip())
    if found is None:
        return None
    name, bot, argument = found.groups()
    return CommandCall(name.lower(), bot, (argument or "").strip())
