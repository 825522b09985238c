"""What keeps its place among the messages: /new, /undo, /assistant, /model and presses."""

from typing import assert_never

import structlog

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import UserPress
from smart_kit.contracts.threads import TurnRecord
from smart_kit.errors import Conflict, NotFound, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Outcome

from .choices import Choices
from .core.commanded import Commanded
from .messages import replies
from .messages.item import Item
from .services.rest_service import RestServiceClient
from .storage.history import HistoryStore
from .storage.users import UserStore

NO_REST_SECONDS = 5.0
DONE_BY_SECONDS = 60.0
"""So old a command must be before it is given up while rest_service is away: what the person writes
next waits behind it."""

log = structlog.stdlib.get_logger()


class Commands:
    """Carries them out: through rest_service, which answers a repeated one as it did the first."""

    def __init__(self, rest: RestServiceClient, users: UserStore, history: HistoryStore) -> None:
        self._rest = rest
        self._users = users
        self._history = history
        self._choices = Choices(rest, users)

    async def outcome(self, commanded: Commanded) -> Outcome:
        """What the person is told. Raises RetryMessage while rest_service does not answer, for a
        minute."""
        message = commanded.message
        name = message.chosen if isinstance(message, UserPress) else message.name
        try:
            if isinstance(message, UserPress):
                return await self._choices.choose(commanded, message)
            match message.name:
                case "new":
                    return await self._begin_thread(commanded)
                case "undo":
                    return await self._undo(commanded)
                case "assistant" | "model":
                    return self._choices.offer(commanded, message.name)
                case _:
                    assert_never(message.name)
        except UpstreamUnavailable as error:
            if commanded.age < DONE_BY_SECONDS:
                raise RetryMessage(NO_REST_SECONDS, f"/{name}: {error.message}") from error
            log.warning("a command is given up", command=name, reason=error.message)
            return commanded.told("try_again_later")

    async def _begin_thread(self, commanded: Commanded) -> Outcome:
        """The next message finds the new thread in the person's snapshot: this one sees to it."""
        user, assistant_id = commanded.user, commanded.assistant_id
        thread = await self._rest.create_thread(user.id, assistant_id, commanded.idempotency_key)
        await self._history.begin(thread.thread_id)
        seen = (await self._users.look_up(user.telegram_id)).user
        is_there = seen is not None and seen.threads.get(assistant_id) == thread.thread_id
        commanded.wait_for("the new thread", is_there=is_there)
        return commanded.told("new_conversation")

    async def _undo(self, commanded: Commanded) -> Outcome:
        """A model that still believes in the change would go on from it: the history tells it."""
        try:
            effect = await self._rest.undo(commanded.user.id, commanded.idempotency_key)
        except NotFound:
            return commanded.told("nothing_to_undo")
        except Conflict:
            return commanded.told("cannot_be_undone")
        # a lost history comes back first: it would count as there once it grows
        await self._history.newest(commanded.thread_id, commanded.user.id, 1)
        return _undone(commanded, effect)


def _undone(commanded: Commanded, effect: EffectRead) -> Outcome:
    message = commanded.message
    items = (
        Item.of({"role": "user", "content": "/undo"}),
        Item.of({"role": "assistant", "content": f"(Taken back: {effect.kind}.)"}),
    )
    record = TurnRecord(
        message_id=message.id,
        user_id=commanded.user.id,
        assistant_id=commanded.assistant_id,
        thread_id=commanded.thread_id,
        configuration_version=commanded.configuration_version,
        status="done",
        items=tuple(item.message for item in items),
        started_at=(ended_at := utc_now()),
        finished_at=ended_at,
    )
    return Outcome(
        replies=(replies.notice(message, commanded.user, "undone", (effect,)),),
        history=tuple(item.json for item in items),
        thread_id=commanded.thread_id,
        record=record.model_dump_json(),
        journal_of=message.id,
    )
