"""The methods that the sandbox's Bot API has; a new one is a function and a line here."""

from sandbox.telegram.method_call import ApiMethod
from sandbox.telegram.methods import (
    callback_queries,
    commands,
    drafts,
    editing,
    sending,
    updates,
)

METHODS: tuple[ApiMethod, ...] = (
    *updates.METHODS,
    *sending.METHODS,
    *drafts.METHODS,
    *editing.METHODS,
    *callback_queries.METHODS,
    *commands.METHODS,
)
