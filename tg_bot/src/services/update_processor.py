"""Puts batches of updates into the queues. Each update is handled by itself, and none is lost."""

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
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue

from ..access import AccessControl
from ..client.telegram import TelegramClient
from ..client.update import Update
from ..handlers.incoming import HandlerResult
from ..metrics import LAST_UPDATE_AT, UPDATES
from .callback_acknowledger import acknowledging_callbacks
from .dead_letters import FailedUpdate
from .dispatcher import Dispatcher

SLOW_CHAT_SECONDS = 0.2
"""Chats that take longer, because rest_service is slow, do not delay those that are ready."""

_MAX_UPDATE_ID = 2**62

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Queues:
    """The queues that updates go to."""

    to_secretary: Mailbox
    to_telegram: Mailbox
    dead_letters: DeadLetterQueue


class UpdateProcessor:
    """Processes the updates of one bot."""

    def __init__(
        self,
        bot_id: int,
        queues: Queues,
        access: AccessControl,
        dispatcher: Dispatcher,
        client: TelegramClient,
    ) -> None:
        self._bot_id = bot_id
        self._queues = queues
        self._access = access
        self._dispatcher = dispatcher
        self._client = client

    async def process_batch(self, batch: Sequence[Any]) -> None:
        """Enqueue what the raw updates ask for. Raises RedisError; then the batch must be repeated.

        Repeating a batch is safe: the queues drop the messages that they already have.
        """
        updates, failed = _parse_batch(batch)
        callback_queries = [one.callback_query for one in updates if one.callback_query is not None]
        async with acknowledging_callbacks(self._client, callback_queries):
            await self._process(updates, failed)
        if batch:
            LAST_UPDATE_AT.set_to_current_time()

    async def _process(self, updates: Sequence[Update], failed: list[FailedUpdate]) -> None:
        users = await self._access.get_users_and_clear_blocks(
            update.telegram_id for update in updates if update.telegram_id is not None
        )
        chats = _group_by_chat(updates)
        if chats:
            await self._handle_chats(chats, users)
        failed += [update for chat in chats for update in chat.failed]
        if failed:
            queue = self._queues.to_secretary.name
            await self._queues.dead_letters.add(*(one.to_dead_letter(queue) for one in failed))

    async def _handle_chats(
        self, chats: "Sequence[_ChatBatch]", users: dict[int, UserSnapshot]
    ) -> None:
        tasks = {asyncio.create_task(self._handle_chat(chat, users)): chat for chat in chats}
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

    async def _handle_chat(self, chat: "_ChatBatch", users: dict[int, UserSnapshot]) -> None:
        """Handle a chat's updates in order. Raises RedisError; another error fails one update."""
        for update in chat.updates:
            message_id = keys.update_message_id(self._bot_id, update.update_id)
            logs.reset_context(correlation_id=message_id)
            try:
                result = await self._handle_update(message_id, update, users)
                if result is not None:
                    chat.add(result)
            except RedisError:
                raise
            except Exception as error:  # an update that fails every time must not stop the bot
                log.exception("update handling failed")
                chat.failed.append(FailedUpdate(update.raw, type(error).__name__))
                UPDATES.labels(update.kind, "dead_lettered").inc()
                continue
            outcome = result.kind if result is not None else "ignored"
            UPDATES.labels(update.kind, outcome).inc()
            log.info("update handled", kind=update.kind, outcome=outcome)

    async def _handle_update(
        self, message_id: str, update: Update, users: dict[int, UserSnapshot]
    ) -> HandlerResult | None:
        telegram_id = update.telegram_id or 0
        result = await self._dispatcher.handle_telegram_update(
            message_id, update, users.get(telegram_id)
        )
        if isinstance(result, Notice) and result.notice in ("invite_redeemed", "welcome"):
            users |= await self._access.get_users([telegram_id])  # for the batch's later updates
        return result

    async def _enqueue(self, chats: "Iterable[_ChatBatch]") -> None:
        """One round trip per queue."""
        chats = list(chats)
        secretary_envelopes = [one for chat in chats for one in chat.to_secretary]
        telegram_envelopes = [one for chat in chats for one in chat.to_telegram]
        if secretary_envelopes:
            await self._queues.to_secretary.enqueue(*secretary_envelopes)
        if telegram_envelopes:
            await self._queues.to_telegram.enqueue(*telegram_envelopes)


@dataclass
class _ChatBatch:
    """One chat's updates in order, and what has become of them."""

    updates: list[Update] = field(default_factory=list)
    to_secretary: list[Envelope] = field(default_factory=list)
    to_telegram: list[Envelope] = field(default_factory=list)
    failed: list[FailedUpdate] = field(default_factory=list)

    def add(self, result: HandlerResult) -> None:
        """Serialize the result for its queue. Raises ValueError for an unpaired surrogate."""
        envelope = Envelope(result.id, result.conversation, result.model_dump_json())
        (self.to_telegram if isinstance(result, Notice) else self.to_secretary).append(envelope)


def find_max_update_id(batch: Iterable[Any]) -> int | None:
    """Return the greatest valid update id of a raw batch; None if there is none."""
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
    """Group updates by chat. An update without a chat is a group of its own."""
    chats: dict[object, _ChatBatch] = {}
    for update in updates:
        chats.setdefault(update.chat_id or object(), _ChatBatch()).updates.append(update)
    return list(chats.values())
