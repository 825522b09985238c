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
from smart_kit.mailbox import Letter, Mailbox

from ..client.update import Update
from ..handlers.incoming import Answer
from ..metrics import UPDATE_AT, UPDATES
from .access import Access
from .dead_letters import BadUpdate, DeadLetters
from .dispatcher import Dispatcher
from .signals import Signals

QUICK_SECONDS = 0.2
"""Who is not handled by then, because rest_service is slow, holds up nobody else's messages."""

_MAX_UPDATE_ID = 2**62

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Queues:
    """Where messages go."""

    to_secretary: Mailbox
    to_telegram: Mailbox
    dead: DeadLetters


class Intake:
    """What one bot is told."""

    def __init__(
        self,
        bot_id: int,
        queues: Queues,
        access: Access,
        dispatcher: Dispatcher,
        signals: Signals,
    ) -> None:
        self._bot_id = bot_id
        self._queues = queues
        self._access = access
        self._dispatcher = dispatcher
        self._signals = signals

    async def take(self, batch: Sequence[Any]) -> None:
        """Put everything where it cannot be lost. Raises RedisError where that failed.

        May be repeated with the same batch: the queues drop what they have.
        """
        updates, bad = _parse(batch)
        presses = [one.callback_query for one in updates if one.callback_query is not None]
        async with self._signals.released(presses):
            await self._keep(updates, bad)
        if batch:
            UPDATE_AT.set_to_current_time()

    async def _keep(self, updates: Sequence[Update], bad: list[BadUpdate]) -> None:
        people = await self._access.meet(
            update.person_id for update in updates if update.person_id is not None
        )
        chats = _by_chat(updates)
        if chats:
            await self._handle(chats, people)
        bad += [update for chat in chats for update in chat.bad]
        if bad:
            await self._queues.dead.keep(bad)

    async def _handle(self, chats: "Sequence[_Chat]", people: dict[int, UserSnapshot]) -> None:
        tasks = {asyncio.create_task(self._handle_chat(chat, people)): chat for chat in chats}
        try:
            quick, slow = await asyncio.wait(tasks, timeout=QUICK_SECONDS)
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

    async def _handle_chat(self, chat: "_Chat", people: dict[int, UserSnapshot]) -> None:
        """Raises RedisError; any other failure is the update's own."""
        for update in chat.updates:
            logs.bind(correlation_id=keys.message_id(self._bot_id, update.update_id))
            try:
                answer = await self._answer(update, people)
                if answer is not None:
                    chat.keep(answer)
            except RedisError:
                raise
            except Exception as error:  # the poller outlives any update
                log.exception("update failed")
                chat.bad.append(BadUpdate(update.raw, type(error).__name__))
                UPDATES.labels(update.kind, "dead").inc()
                continue
            outcome = answer.kind if answer is not None else "nothing"
            UPDATES.labels(update.kind, outcome).inc()
            log.info("update", kind=update.kind, outcome=outcome)

    async def _answer(self, update: Update, people: dict[int, UserSnapshot]) -> Answer | None:
        chat_id, person_id = update.chat_id or 0, update.person_id or 0
        ids = (
            keys.message_id(self._bot_id, update.update_id),
            keys.conversation(self._bot_id, chat_id),
        )
        person = people.get(person_id)
        if update.message is None:
            if update.callback_query is not None:
                return await self._dispatcher.dispatch_press(*ids, update.callback_query, person)
            self._signals.note(update)
            return None
        answer = await self._dispatcher.dispatch(*ids, update.message, person)
        if isinstance(answer, Notice) and answer.notice in ("paired", "welcome"):
            people |= await self._access.read_people([person_id])  # for what they wrote after it
        return answer

    async def _enqueue(self, chats: "Iterable[_Chat]") -> None:
        """One round trip per queue."""
        chats = list(chats)
        to_secretary = [letter for chat in chats for letter in chat.to_secretary]
        to_telegram = [letter for chat in chats for letter in chat.to_telegram]
        if to_secretary:
            await self._queues.to_secretary.enqueue(*to_secretary)
        if to_telegram:
            await self._queues.to_telegram.enqueue(*to_telegram)


@dataclass
class _Chat:
    """One chat's updates, to be handled one after the other, and what became of them."""

    updates: list[Update] = field(default_factory=list)
    to_secretary: list[Letter] = field(default_factory=list)
    to_telegram: list[Letter] = field(default_factory=list)
    bad: list[BadUpdate] = field(default_factory=list)

    def keep(self, answer: Answer) -> None:
        """As it goes into its queue; what cannot be written, such as half a character, fails."""
        letter = Letter(answer.id, answer.conversation, answer.model_dump_json())
        (self.to_telegram if isinstance(answer, Notice) else self.to_secretary).append(letter)


def greatest_id(batch: Iterable[Any]) -> int | None:
    """The greatest update id of a raw batch; None where there is none that can be read."""
    ids = (raw.get("update_id") for raw in batch if isinstance(raw, dict))
    return max((one for one in ids if type(one) is int and 0 <= one < _MAX_UPDATE_ID), default=None)


def _parse(batch: Iterable[Any]) -> tuple[list[Update], list[BadUpdate]]:
    updates: list[Update] = []
    bad: list[BadUpdate] = []
    for raw in batch:
        try:
            updates.append(Update.read(raw))
        except ValidationError as error:
            reason = _reason(error)
            log.error("update cannot be read", reason=reason)
            UPDATES.labels("unknown", "dead").inc()
            bad.append(BadUpdate(raw, reason))
    return updates, bad


def _reason(error: ValidationError) -> str:
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _by_chat(updates: Iterable[Update]) -> list[_Chat]:
    """What has no chat stands alone."""
    chats: dict[object, _Chat] = {}
    for update in updates:
        chats.setdefault(update.chat_id or object(), _Chat()).updates.append(update)
    return list(chats.values())
