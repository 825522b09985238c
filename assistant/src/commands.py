"""What keeps its place among the messages: /new, /undo, /assistant, /model and presses."""

from typing import assert_never

import structlog

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import UserPress
from smart_kit.contracts.threads import TurnRecord
from smart_kit.errors import Conflict, NotFound, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Outcome

from .core.command_context import CommandContext
from .messages import replies
from .messages.item import ChatItem
from .selection import SelectionHandler
from .services.rest_service import RestServiceClient
from .storage.history import HistoryStore
from .storage.users import UserStore

REST_SERVICE_RETRY_SECONDS = 5.0
COMMAND_TIMEOUT_SECONDS = 60.0
"""So old a command must be before it is given up while rest_service is away: what the person writes
next waits behind it."""

log = structlog.stdlib.get_logger()


class CommandHandler:
    """Carries them out: through rest_service, which answers a repeated one as it did the first."""

    def __init__(self, rest: RestServiceClient, users: UserStore, history: HistoryStore) -> None:
        self._rest = rest
        self._users = users
        self._history = history
        self._selection = SelectionHandler(rest, users)

    async def handle(self, context: CommandContext) -> Outcome:
        """What the person is told. Raises RetryMessage while rest_service does not answer, for a
        minute."""
        message = context.message
        name = message.choice_kind if isinstance(message, UserPress) else message.name
        try:
            if isinstance(message, UserPress):
                return await self._selection.apply(context, message)
            match message.name:
                case "new":
                    return await self._start_thread(context)
                case "undo":
                    return await self._undo(context)
                case "assistant" | "model":
                    return self._selection.show_options(context, message.name)
                case _:
                    assert_never(message.name)
        except UpstreamUnavailable as error:
            if context.age_seconds < COMMAND_TIMEOUT_SECONDS:
                raise RetryMessage(
                    REST_SERVICE_RETRY_SECONDS, f"/{name}: {error.message}"
                ) from error
            log.warning("command abandoned", command=name, reason=error.message)
            return context.reply_with_notice("try_again_later")

    async def _start_thread(self, context: CommandContext) -> Outcome:
        """The next message finds the new thread in the person's snapshot: this one sees to it."""
        user, assistant_id = context.user, context.assistant_id
        thread = await self._rest.create_thread(user.id, assistant_id, context.idempotency_key)
        await self._history.start_thread(thread.thread_id)
        seen = (await self._users.get(user.telegram_id)).user
        is_there = seen is not None and seen.threads.get(assistant_id) == thread.thread_id
        context.require_visible("the new thread", is_there=is_there)
        return context.reply_with_notice("new_conversation")

    async def _undo(self, context: CommandContext) -> Outcome:
        """A model that still believes in the change would go on from it: the history tells it."""
        try:
            effect = await self._rest.undo(context.user.id, context.idempotency_key)
        except NotFound:
            return context.reply_with_notice("nothing_to_undo")
        except Conflict:
            return context.reply_with_notice("cannot_be_undone")
        # a lost history comes back first: it would count as there once it grows
        await self._history.get_newest(context.thread_id, context.user.id, 1)
        return _build_undo_outcome(context, effect)


def _build_undo_outcome(context: CommandContext, effect: EffectRead) -> Outcome:
    message = context.message
    items = (
        ChatItem.from_message({"role": "user", "content": "/undo"}),
        ChatItem.from_message({"role": "assistant", "content": f"(Taken back: {effect.kind}.)"}),
    )
    record = TurnRecord(
        message_id=message.id,
        user_id=context.user.id,
        assistant_id=context.assistant_id,
        thread_id=context.thread_id,
        configuration_version=context.configuration_version,
        status="done",
        items=tuple(item.message for item in items),
        requested_at=message.created_at,
        started_at=(ended_at := utc_now()),
        finished_at=ended_at,
    )
    return Outcome(
        replies=(replies.build_notice(message, context.user, "undone", (effect,)),),
        history=tuple(item.json for item in items),
        thread_id=context.thread_id,
        archive_record=record.model_dump_json(),
        journal_message_id=message.id,
    )
