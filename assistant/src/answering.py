"""Answers one message: context, assistant, and the outcome of what it said or failed to say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from prometheus_client import Counter

from smart_kit.clock import Clock
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import NoticeName, ScheduledPrompt, UserMessage
from smart_kit.contracts.threads import TurnRecord
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import UpstreamError
from smart_kit.mailbox import Delivery, Letter, Mailbox, Outcome

from .assistants.secretary import SecretaryLLMChat
from .core.errors import BudgetSpent, ContextTooLong, EmptyAnswer, NoTimeLeft
from .core.journal import Journal, effects_in
from .core.turn import Turn
from .messages import replies
from .messages.conversation import Conversation, scheduled
from .messages.item import Item
from .services.budget import LOW_PERCENT, Budgets
from .services.live_frames import Frames, LiveFrames
from .storage.history import HistoryStore

Question = UserMessage | ScheduledPrompt
"""What an assistant answers."""

TURNS = Counter("smart_assistant_turns_total", "Turns by how they ended", ["status"])

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Asked:
    """A question with everything known of it."""

    delivery: Delivery
    message: Question
    user: UserSnapshot
    assistant: SecretaryLLMChat
    configuration_version: int


class Answering:
    """Runs turns."""

    def __init__(
        self,
        mailbox: Mailbox,
        history: HistoryStore,
        live: LiveFrames,
        clock: Clock,
        default_timezone: str,
        budgets: Budgets,
    ) -> None:
        self._mailbox = mailbox
        self._history = history
        self._live = live
        self._clock = clock
        self._default_zone = ZoneInfo(default_timezone)
        self._budgets = budgets

    async def outcome(self, asked: Asked) -> Outcome:
        """The answer, or, where no model gave one, the honest notice; receipts with either."""
        async with self._live.show(asked.message) as frames:
            turn = await self._turn(asked, frames)
            window = asked.assistant.window
            newest, length = await self._history.newest(
                turn.thread_id, turn.user.id, window.most_read
            )
            history = window.cut(newest, length)
            conversation = asked.assistant.open(turn, _text(asked.message, turn.zone), history)
            try:
                text = await asked.assistant.process_message(turn, conversation)
            except UpstreamError as error:
                return _failed(asked, turn, conversation, error)
        letter = replies.reply(asked.message, asked.user, text, turn.receipts)
        return _end(asked, turn, "done", (letter, *_low(asked, turn)), conversation.items)

    async def _turn(self, asked: Asked, frames: Frames) -> Turn:
        message, user = asked.message, asked.user
        zone, is_scheduled = self._zone(user), isinstance(message, ScheduledPrompt)
        # Read on a first attempt too: one given back at a stop has done steps, but does not count.
        steps = await self._mailbox.steps(message.id)
        return Turn(
            message_id=message.id,
            chat_id=message.chat_id,
            user=user,
            assistant_id=asked.assistant.id,
            thread_id=asked.assistant.get_or_create_thread(user),
            configuration_version=asked.configuration_version,
            zone=zone,
            asked_at=self._by_clock(message.created_at, zone),
            journal=Journal(self._mailbox, asked.delivery, message.id, steps),
            frames=frames,
            budget=self._budgets.of(user, zone, exempt=is_scheduled),
            effects=effects_in(steps),
        )

    def _by_clock(self, created_at: datetime, zone: ZoneInfo) -> datetime:
        return (created_at + self._clock.offset).astimezone(zone)

    def _zone(self, user: UserSnapshot) -> ZoneInfo:
        if user.timezone is None:
            return self._default_zone
        try:
            return ZoneInfo(user.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            log.warning("time zone is not known", zone=user.timezone)
            return self._default_zone


def _text(message: Question, zone: ZoneInfo) -> str:
    if isinstance(message, ScheduledPrompt):
        return scheduled(message.text, message.scheduled_for.astimezone(zone))
    return message.text


def _failed(asked: Asked, turn: Turn, conversation: Conversation, error: UpstreamError) -> Outcome:
    """What was changed stays in the history, so that a later turn knows of it; else nothing does,
    as if it had not been asked."""
    log.warning("turn failed", reason=error.message)
    letter = replies.notice(asked.message, asked.user, _notice_of(error), turn.receipts)
    items = conversation.unfinished() if turn.receipts else []
    low = () if isinstance(error, BudgetSpent) else _low(asked, turn)
    return _end(asked, turn, "failed", (letter, *low), items)


def _notice_of(error: UpstreamError) -> NoticeName:
    match error:
        case BudgetSpent():
            return "budget_spent"
        case ContextTooLong() | EmptyAnswer() | NoTimeLeft():
            return "turn_failed"
    return "model_unavailable"


def _low(asked: Asked, turn: Turn) -> tuple[Letter, ...]:
    """What comes with the answer by which a person's budget of the day is nearly used up."""
    if not turn.budget.is_low:
        return ()
    parameters = {"percent": str(LOW_PERCENT)}
    return (replies.beside(asked.message, asked.user, "budget_low", parameters),)


def _end(
    asked: Asked,
    turn: Turn,
    status: Literal["done", "failed"],
    letters: tuple[Letter, ...],
    items: list[Item],
) -> Outcome:
    _tell(turn, status, asked.delivery.attempt)
    message, kept = asked.message, asked.assistant.window.kept(items)
    record = TurnRecord(
        message_id=message.id,
        user_id=turn.user.id,
        assistant_id=turn.assistant_id,
        thread_id=turn.thread_id,
        configuration_version=turn.configuration_version,
        status=status,
        items=tuple(item.message for item in kept),
        steps=turn.ordered_steps,
        run_id=message.run_id if isinstance(message, ScheduledPrompt) else None,
        started_at=turn.started_at,
        finished_at=utc_now(),
    )
    return Outcome(
        replies=letters,
        history=tuple(item.json for item in kept),
        thread_id=turn.thread_id,
        record=record.model_dump_json(),
        journal_of=message.id,
    )


def _tell(turn: Turn, status: str, attempt: int) -> None:
    """The one line that a turn leaves in the log; never what was said."""
    models = [step for step in turn.steps if step.kind == "model"]
    log.info(
        "turn ended",
        status=status,
        attempt=attempt,
        seconds=round((utc_now() - turn.started_at).total_seconds(), 3),
        model_calls=len(models),
        tools=[step.name for step in turn.ordered_steps if step.kind == "tool"],
        prompt_tokens=sum(step.prompt_tokens for step in models),
        completion_tokens=sum(step.completion_tokens for step in models),
    )
    TURNS.labels(status).inc()
