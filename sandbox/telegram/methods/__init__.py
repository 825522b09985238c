"""All methods of the sandbox's Bot API."""

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
