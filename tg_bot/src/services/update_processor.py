"""A batch of updates on its way into the queues: each by itself, and none is lost."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit import log as logs
from smart_kit.contracts import keys
from smart_kit.contracts.queue import Notice
from smart_kit.contracts.users import UserSnapshot
from smart_kit.mailbox import Envelope, Mailbox

from ..client.update import Update
from ..handlers.incoming import HandlerResult
from ..metrics import LAST_UPDATE_AT, UPDATES
from .access import AccessControl
from .callback_acknowledger import CallbackAcknowledger
from .dead_letters import FailedUpdate, UpdateDeadLetterQueue
from .dispatcher import Dispatcher

SLOW_CHAT_SECONDS = 0.2
"""Who is not handled by then, because rest_service is slow, holds up nobody else's messages."""

_MAX_UPDATE_ID = 2**62

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Queues:
    """Where messages go."""

    to_secretary: Mailbox
    to_telegram: Mailbox
    dead_letters: UpdateDeadLetterQueue


class UpdateProcessor:
    """What one bot is told."""

    def __init__(
        self,
        bot_id: int,
        queues: Queues,
        access: AccessControl,
        dispatcher: Dispatcher,
        callbacks: CallbackAcknowledger,
    ) -> None:
        self._bot_id = bot_id
        self._queues = queues
        self._access = access
        self._dispatcher = dispatcher
        self._callbacks = callbacks

    async def process_batch(self, batch: Sequence[Any]) -> None:
        """Put everything where it cannot be lost. Raises RedisError where that failed.

        May be repeated with the same batch: the queues drop what they have.
        """
        updates, failed = _parse_batch(batch)
        callback_queries = [one.callback_query for one in updates if one.callback_query is not None]
        async with self._callbacks.acknowledging(callback_queries):
            await self._process(updates, failed)
        if batch:
            LAST_UPDATE_AT.set_to_current_time()

    async def _process(self, updates: Sequence[Update], failed: list[FailedUpdate]) -> None:
        people = await self._access.get_users_and_clear_blocks(
            update.telegram_id for update in updates if update.telegram_id is not None
        )
        chats = _group_by_chat(updates)
        if chats:
            await self._handle_chats(chats, people)
        failed += [update for chat in chats for update in chat.failed]
        if failed:
            await self._queues.dead_letters.add(failed)

    async def _handle_chats(
        self, chats: "Sequence[_ChatBatch]", people: dict[int, UserSnapshot]
    ) -> None:
        tasks = {asyncio.create_task(self._handle_chat(chat, people)): chat for chat in chats}
        try:
            quick, slow = await asyncio.wait(tasks, timeout=SLOW_CHAT_SECONDS)
            await self._enqueue(tasks[task] for task in tasks if task in quick)
            if slow:
                await asyncio.wait(slow)
                await self._enqueue(tasks[task] for task in tasks if task in slow)
            for task in tasks:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle_chat(self, chat: "_ChatBatch", people: dict[int, UserSnapshot]) -> None:
        """Raises RedisError; any other failure is the update's own."""
        for update in chat.updates:
            logs.reset_context(
                correlation_id=keys.update_message_id(self._bot_id, update.update_id)
            )
            try:
                result = await self._handle_update(update, people)
                if result is not None:
                    chat.add(result)
            except RedisError:
                raise
            except Exception as error:  # the poller outlives any update
                log.exception("update handling failed")
                chat.failed.append(FailedUpdate(update.raw, type(error).__name__))
                UPDATES.labels(update.kind, "dead_lettered").inc()
                continue
            outcome = result.kind if result is not None else "ignored"
            UPDATES.labels(update.kind, outcome).inc()
            log.info("update handled", kind=update.kind, outcome=outcome)

    async def _handle_update(
        self, update: Update, people: dict[int, UserSnapshot]
    ) -> HandlerResult | None:
        chat_id, person_id = update.chat_id or 0, update.telegram_id or 0
        ids = (
            keys.update_message_id(self._bot_id, update.update_id),
            keys.conversation_for_chat(self._bot_id, chat_id),
        )
        person = people.get(person_id)
        if update.message is None:
            if update.callback_query is not None:
                return await self._dispatcher.handle_callback_query(
                    *ids, update.callback_query, person
                )
            self._callbacks.log_ignored(update)
            return None
        result = await self._dispatcher.handle_telegram_update(*ids, update.message, person)
        if isinstance(result, Notice) and result.notice in ("invite_redeemed", "welcome"):
            people |= await self._access.get_users([person_id])  # for what they wrote after it
        return result

    async def _enqueue(self, chats: "Iterable[_ChatBatch]") -> None:
        """One round trip per queue."""
        chats = list(chats)
        secretary_envelopes = [letter for chat in chats for letter in chat.to_secretary]
        telegram_envelopes = [letter for chat in chats for letter in chat.to_telegram]
        if secretary_envelopes:
            await self._queues.to_secretary.enqueue(*secretary_envelopes)
        if telegram_envelopes:
            await self._queues.to_telegram.enqueue(*telegram_envelopes)


@dataclass
class _ChatBatch:
    """One chat's updates, to be handled one after the other, and what became of them."""

    updates: list[Update] = field(default_factory=list)
    to_secretary: list[Envelope] = field(default_factory=list)
    to_telegram: list[Envelope] = field(default_factory=list)
    failed: list[FailedUpdate] = field(default_factory=list)

    def add(self, result: HandlerResult) -> None:
        """As it goes into its queue; what cannot be written, such as half a character, fails."""
        envelope = Envelope(result.id, result.conversation, result.model_dump_json())
        (self.to_telegram if isinstance(result, Notice) else self.to_secretary).append(envelope)


def find_max_update_id(batch: Iterable[Any]) -> int | None:
    """The greatest update id of a raw batch; None where there is none that can be read."""
    ids = (raw.get("update_id") for raw in batch if isinstance(raw, dict))
    return max((one for one in ids if type(one) is int and 0 <= one < _MAX_UPDATE_ID), default=None)


def _parse_batch(batch: Iterable[Any]) -> tuple[list[Update], list[FailedUpdate]]:
    updates: list[Update] = []
    failed: list[FailedUpdate] = []
    for raw in batch:
        try:
            updates.append(Update.parse(raw))
        except ValidationError as error:
            reason = _describe_error(error)
            log.error("update unreadable", reason=reason)
            UPDATES.labels("unknown", "dead_lettered").inc()
            failed.append(FailedUpdate(raw, reason))
    return updates, failed


def _describe_error(error: ValidationError) -> str:
    first_error = error.errors()[0]
    return f"{'.'.join(map(str, first_error['loc']))}: {first_error['msg']}"


def _group_by_chat(updates: Iterable[Update]) -> list[_ChatBatch]:
    """What has no chat stands alone."""
    chats: dict[object, _ChatBatch] = {}
    for update in updates:
        chats.setdefault(update.chat_id or object(), _ChatBatch()).updates.append(update)
    return list(chats.values())
