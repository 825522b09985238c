"""The methods that the sandbox's Bot API has; a new one is a function and a line here."""

from sandbox.telegram.call import ApiMethod
from sandbox.telegram.methods import (
    buttons,
    chats,
    commands,
    drafts,
    editing,
    profile,
    receiving,
    sending,
)

METHODS: tuple[ApiMethod, ...] = (
    *receiving.METHODS,
    *sending.METHODS,
    *drafts.METHODS,
    *editing.METHODS,
    *buttons.METHODS,
    *commands.METHODS,
    *profile.METHODS,
    *chats.METHODS,
)
