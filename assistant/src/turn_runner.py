"""Runs a turn: opens the conversation, has the assistant answer, and builds the outcome."""

import asyncio
from dataclasses import dataclass
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from smart_kit.clock import Clock
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import NoticeName, ScheduledPrompt, UserMessage, UserPress
from smart_kit.contracts.threads import CronJobRunRecord, TurnRecord
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import UpstreamError
from smart_kit.local_time import ZONE_ERRORS
from smart_kit.mailbox import Delivery, Envelope, Mailbox, Outcome
from smart_kit.redis import Redis

from .assistants.llm_chat import SecretaryLLMChat
from .core.errors import (
    BudgetExceeded,
    ContextLengthExceeded,
    DeadlineExceeded,
    EmptyResponse,
    TimezoneRequired,
)
from .core.journal import Journal, parse_effects
from .core.turn import Turn
from .core.turn_progress import TurnProgress, publishing_progress
from .messages import replies
from .messages.conversation import (
    TIMEZONE_QUESTION,
    build_scheduled_text,
    build_user_text,
    build_waiting_text,
    find_waiting_requests,
)
from .messages.item import ChatItem
from .services.budget import LOW_PERCENT, BudgetFactory
from .storage.history import HistoryStore

TURNS = Counter("smart_assistant_turns_total", "Finished turns by status", ["status"])

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class TurnRequest:
    """A message to answer, with its user, assistant and delivery."""

    delivery: Delivery
    message: UserMessage | ScheduledPrompt | UserPress
    user: UserSnapshot
    assistant: SecretaryLLMChat
    configuration_version: int
    is_user_new: bool = False
    """Whether this message created the user, so that there is no history."""
    receipts: tuple[EffectRead, ...] = ()
    """The changes that a pressed button has made."""


@dataclass(frozen=True)
class TurnRunner:
    """Runs the turns of this replica."""

    mailbox: Mailbox
    history: HistoryStore
    redis: Redis
    clock: Clock
    default_zone: ZoneInfo
    budgets: BudgetFactory

    async def run(self, request: TurnRequest) -> Outcome:
        """Return the answer, a question for the user's time zone, or a notice if no model answered,
        each with receipts."""
        message = request.message
        assert not isinstance(message, UserPress), "a press is resumed"
        with publishing_progress(self.redis, message) as progress:
            turn, history = await self._open_turn(request, progress)
            if isinstance(message, ScheduledPrompt):
                planned_for = message.scheduled_for.astimezone(turn.zone)
                text = build_scheduled_text(message.text, planned_for)
            else:
                text = build_user_text(message)
            return await self._answer(request, turn, text, history)

    async def resume(self, request: TurnRequest) -> Outcome:
        """Answer the requests that had to wait for the user's time zone, which a press has given.

        Without such requests, only the change is confirmed.
        """
        message = request.message
        assert isinstance(message, UserPress)
        with publishing_progress(self.redis, message) as progress:
            turn, history = await self._open_turn(request, progress)
            turn.apply_timezone(message.timezone)
            turn.effects["0"] = request.receipts
            if _is_first_timezone(request.receipts):
                waiting = find_waiting_requests(history, turn.requested_at)
                if waiting:
                    return await self._answer(request, turn, build_waiting_text(waiting), history)
        notice = replies.build_notice(
            message, turn.user, "timezone_chosen", turn.receipts, {"timezone": turn.zone.key}
        )
        return Outcome(replies=(notice,), journal_message_id=message.id)

    async def _open_turn(
        self, request: TurnRequest, progress: TurnProgress
    ) -> tuple[Turn, list[ChatItem]]:
        """Return the turn and the part of the history that the model sees."""
        thread_id = request.assistant.get_or_create_thread(request.user)
        # In one round trip. The journal is read on a first attempt, too: a graceful stop takes
        # the attempt back, but keeps its journal.
        steps, history = await asyncio.gather(
            self.mailbox.load_journal(request.message.id),
            self._load_history(request, thread_id),
        )
        return self._build_turn(request, progress, thread_id, steps), history

    async def _answer(
        self, request: TurnRequest, turn: Turn, text: str, history: list[ChatItem]
    ) -> Outcome:
        message, user = request.message, turn.user
        conversation = request.assistant.open_conversation(turn, text, history)
        try:
            answer = await request.assistant.process_message(turn, conversation)
        except TimezoneRequired:
            question = replies.build_choice_prompt(message, user, "timezone")
            items = conversation.build_question_items(TIMEZONE_QUESTION)
            return _build_outcome(request, turn, (question,), items)
        except UpstreamError as error:
            log.warning("turn failed", reason=error.message)
            items = conversation.build_unfinished_items()
            envelopes = await self._build_failure_replies(request, turn, error)
            return _build_outcome(request, turn, envelopes, items, error)
        reply = replies.build_reply(message, user, answer, turn.receipts)
        return _build_outcome(request, turn, (reply,), conversation.items)

    async def _build_failure_replies(
        self, request: TurnRequest, turn: Turn, error: UpstreamError
    ) -> tuple[Envelope, ...]:
        """Return the notice why there is no answer; of paused scheduled prompts once a day."""
        name = _to_notice_name(error)
        if turn.is_scheduled and isinstance(error, BudgetExceeded):
            if not turn.receipts and not await turn.budget.claim_pause_notice(turn.message_id):
                return ()
            if turn.budget.is_share_used_up:
                name = "scheduled_budget_exceeded"
        return (replies.build_notice(request.message, turn.user, name, turn.receipts),)

    async def _load_history(self, request: TurnRequest, thread_id: UUID) -> list[ChatItem]:
        """Return the part of the history that the model sees."""
        if request.is_user_new:
            return []
        window = request.assistant.window
        newest, length = await self.history.get_newest(
            thread_id, request.user.id, window.history_items_to_load
        )
        return window.truncate_history(newest, length)

    def _build_turn(
        self, request: TurnRequest, progress: TurnProgress, thread_id: UUID, steps: dict[str, str]
    ) -> Turn:
        message, user = request.message, request.user
        zone, is_scheduled = self._zone_for(user), isinstance(message, ScheduledPrompt)
        return Turn(
            message_id=message.id,
            chat_id=message.chat_id,
            user=user,
            assistant_id=request.assistant.id,
            thread_id=thread_id,
            configuration_version=request.configuration_version,
            zone=zone,
            requested_at=(message.created_at + self.clock.offset).astimezone(zone),
            is_scheduled=is_scheduled,
            journal=Journal(self.mailbox, request.delivery, message.id, steps),
            progress=progress,
            budget=self.budgets.for_user(user, zone, is_scheduled=is_scheduled),
            effects=parse_effects(steps),
        )

    def _zone_for(self, user: UserSnapshot) -> ZoneInfo:
        if user.timezone is None:
            return self.default_zone
        try:
            return ZoneInfo(user.timezone)
        except ZONE_ERRORS:
            log.warning("user time zone unknown", zone=user.timezone)
            return self.default_zone


def _is_first_timezone(receipts: tuple[EffectRead, ...]) -> bool:
    return any((change.before or {}).get("timezone") is None for change in receipts)


def _to_notice_name(error: UpstreamError) -> NoticeName:
    match error:
        case BudgetExceeded():
            return "budget_exceeded"
        case ContextLengthExceeded() | EmptyResponse() | DeadlineExceeded():
            return "turn_failed"
    return "model_unavailable"


def _build_outcome(
    request: TurnRequest,
    turn: Turn,
    envelopes: tuple[Envelope, ...],
    items: list[ChatItem],
    error: UpstreamError | None = None,
) -> Outcome:
    """Return the outcome; `error` is why there is no answer. The archive gets all items, the
    history those of a failed turn only if it changed something: otherwise a request that a model
    refuses would be sent again with each later message."""
    status: Literal["done", "failed"] = "done" if error is None else "failed"
    _log_turn(turn, status, request.delivery.attempt)
    message, stored_items = request.message, request.assistant.window.strip_for_history(items)
    is_in_context = error is None or bool(turn.receipts)
    if turn.budget.is_low and not isinstance(error, BudgetExceeded):
        parameters = {"percent": str(LOW_PERCENT)}
        low = replies.build_side_notice(message, request.user, "budget_low", parameters)
        envelopes = (*envelopes, low)
    record = _build_skipped_run(message, turn, error) or TurnRecord(
        message_id=message.id,
        user_id=turn.user.id,
        assistant_id=turn.assistant_id,
        thread_id=turn.thread_id,
        configuration_version=turn.configuration_version,
        status=status,
        items=tuple(item.message for item in stored_items),
        is_in_context=is_in_context,
        steps=turn.ordered_steps,
        run_id=message.run_id if isinstance(message, ScheduledPrompt) else None,
        requested_at=message.created_at,
        clock_offset=turn.requested_at - message.created_at,
        started_at=turn.started_at,
        finished_at=utc_now(),
    )
    return Outcome(
        replies=envelopes,
        history=tuple(item.json for item in stored_items) if is_in_context else (),
        thread_id=turn.thread_id,
        history_limit=request.assistant.window.history_limit,
        archive_record=record.model_dump_json(),
        journal_message_id=message.id,
    )


def _build_skipped_run(
    message: UserMessage | ScheduledPrompt | UserPress, turn: Turn, error: UpstreamError | None
) -> CronJobRunRecord | None:
    """Return the record of a scheduled prompt that the budget has kept from any model call."""
    if not isinstance(message, ScheduledPrompt) or not isinstance(error, BudgetExceeded):
        return None
    if any(step.is_answered for step in turn.steps):
        return None
    return CronJobRunRecord(
        run_id=message.run_id, state="missed", reason="budget", ended_at=utc_now()
    )


def _log_turn(turn: Turn, status: str, attempt: int) -> None:
    """Write the one log line of a turn; it never contains message texts."""
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
