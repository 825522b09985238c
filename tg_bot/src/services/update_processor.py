"""Puts batches of updates into the queues. Each update is handled by itself, and none is lost."""

import asyncio
import json
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
from smart_kit.mailbox import DeadLetter, Envelope, Mailbox
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue

from ..access import AccessControl
from ..client.update import Update
from ..handlers.incoming import HandlerResult, MessageEdit
from ..metrics import LAST_UPDATE_AT, UPDATES
from .dispatcher import Dispatcher
from .press_feedback import PressFeedback

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
        feedback: PressFeedback,
    ) -> None:
        self._bot_id = bot_id
        self._queues = queues
        self._access = access
        self._dispatcher = dispatcher
        self._feedback = feedback

    async def process_batch(self, batch: Sequence[Any]) -> None:
        """Enqueue what the raw updates ask for. Raises RedisError; then the batch must be repeated.

        Repeating a batch is safe: the queues drop the messages that they already have.
        """
        updates, failed = self._parse_batch(batch)
        acknowledging = [
            asyncio.create_task(self._feedback.answer(update.callback_query.id))
            for update in updates
            if update.callback_query is not None
        ]
        try:  # at the same time, so that neither delays the other
            await self._process(updates, failed)
            await asyncio.gather(*acknowledging)
        finally:
            await _cancel(acknowledging)
        if batch:
            LAST_UPDATE_AT.set_to_current_time()

    def _parse_batch(self, batch: Iterable[Any]) -> tuple[list[Update], list[DeadLetter]]:
        updates, failed = list[Update](), list[DeadLetter]()
        for raw in batch:
            try:
                updates.append(Update.parse(raw))
            except ValidationError as error:
                first_error = error.errors()[0]
                reason = f"{'.'.join(map(str, first_error['loc']))}: {first_error['msg']}"
                log.error("update unreadable", reason=reason)
                UPDATES.labels("unknown", "dead_lettered").inc()
                failed.append(self._build_dead_letter(raw, reason))
        return updates, failed

    def _build_dead_letter(self, raw: Any, reason: str) -> DeadLetter:
        try:
            payload = json.dumps(raw)
        except RecursionError:
            note = {"update_id": raw.get("update_id"), "error": "nested too deeply to store"}
            payload = json.dumps(note)
        queue = self._queues.to_secretary.name
        return DeadLetter(queue=queue, conversation="", payload=payload, reason=reason, attempts=1)

    async def _process(self, updates: Sequence[Update], failed: list[DeadLetter]) -> None:
        users = await self._access.refresh_senders(
            update.sender_telegram_id for update in updates if update.sender_telegram_id is not None
        )
        chats = _group_by_chat(updates)
        if chats:
            await self._handle_chats(chats, users)
        failed += [dead_letter for chat in chats for dead_letter in chat.failed]
        if failed:
            await self._queues.dead_letters.add(*failed)
        if edits := [edit for chat in chats for edit in chat.edits]:
            await self._feedback.edit(edits)

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
            await _cancel(tasks)

    async def _handle_chat(self, chat: "_ChatBatch", users: dict[int, UserSnapshot]) -> None:
        """Handle a chat's updates in order. Raises RedisError; another error fails one update."""
        for update in chat.updates:
            message_id = keys.message_id_for_update(self._bot_id, update.update_id)
            logs.reset_context(correlation_id=message_id)
            try:
                user_id = update.sender_telegram_id or 0
                results = await self._dispatcher.handle_telegram_update(
                    message_id, update, users.get(user_id)
                )
                if any(map(_has_changed_user, results)):
                    users |= await self._access.refresh_senders([user_id])  # for later updates
                chat.add(*results)
            except RedisError:
                raise
            except Exception as error:  # an update that fails every time must not stop the bot
                log.exception("update handling failed")
                chat.failed.append(self._build_dead_letter(update.raw, type(error).__name__))
                UPDATES.labels(update.kind, "dead_lettered").inc()
                continue
            outcome = results[0].kind if results else "ignored"
            UPDATES.labels(update.kind, outcome).inc()
            log.info("update handled", kind=update.kind, outcome=outcome)

    async def _enqueue(self, chats: "Iterable[_ChatBatch]") -> None:
        """One round trip per queue."""
        batches = list(chats)
        if to_secretary := [envelope for chat in batches for envelope in chat.to_secretary]:
            await self._queues.to_secretary.enqueue(*to_secretary)
        if to_telegram := [envelope for chat in batches for envelope in chat.to_telegram]:
            await self._queues.to_telegram.enqueue(*to_telegram)


@dataclass
class _ChatBatch:
    """One chat's updates in order, and what has become of them."""

    updates: list[Update] = field(default_factory=list)
    to_secretary: list[Envelope] = field(default_factory=list)
    to_telegram: list[Envelope] = field(default_factory=list)
    failed: list[DeadLetter] = field(default_factory=list)
    edits: list[MessageEdit] = field(default_factory=list)

    def add(self, *results: HandlerResult) -> None:
        """Serialize results for their queues. Raises ValueError for an unpaired surrogate."""
        self.edits += [result for result in results if isinstance(result, MessageEdit)]
        messages = [result for result in results if not isinstance(result, MessageEdit)]
        envelopes = [
            Envelope(message.id, message.conversation, message.model_dump_json())
            for message in messages
        ]
        for message, envelope in zip(messages, envelopes, strict=True):
            is_notice = isinstance(message, Notice)
            (self.to_telegram if is_notice else self.to_secretary).append(envelope)


def find_max_update_id(batch: Iterable[Any]) -> int | None:
    """Return the greatest valid update id of a raw batch; None if there is none."""
    ids = (raw.get("update_id") for raw in batch if isinstance(raw, dict))
    valid = (number for number in ids if type(number) is int and 0 <= number < _MAX_UPDATE_ID)
    return max(valid, default=None)


def _has_changed_user(result: HandlerResult) -> bool:
    """Return whether a handler has created or changed the user before it gave this answer."""
    if not isinstance(result, Notice):
        return False
    is_new = result.notice in ("invite_redeemed", "welcome")
    return is_new or any(effect.kind == "settings_changed" for effect in result.receipts)


def _group_by_chat(updates: Iterable[Update]) -> list[_ChatBatch]:
    """Group updates by chat. An update without a chat is a group of its own."""
    chats: dict[object, _ChatBatch] = {}
    for update in updates:
        chats.setdefault(update.chat_id or object(), _ChatBatch()).updates.append(update)
    return list(chats.values())


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the tasks that have not ended, and wait until they have."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
