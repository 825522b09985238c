"""Handles what runs in order with messages: /new, /undo, /assistant, /model and buttons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never
from uuid import UUID

import structlog

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import UNDO_REFUSALS, EffectRead
from smart_kit.contracts.queue import (
    ChoiceKind,
    ChoiceOption,
    NoticeName,
    ToSecretary,
    UserCommand,
    UserPress,
)
from smart_kit.contracts.threads import TurnRecord
from smart_kit.contracts.users import UserSnapshot, UserUpdate
from smart_kit.errors import Conflict, DomainError, NotFound, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Envelope, Outcome

from .assistants.factory import AssistantFactory
from .assistants.llm_chat import SecretaryLLMChat
from .messages import replies
from .messages.item import ChatItem
from .services.rest_service import RestServiceClient
from .storage.history import HistoryStore
from .storage.users import UserStore

REST_SERVICE_RETRY_SECONDS = 5.0
"""Longest delay between two attempts at a message for which rest_service is needed."""
_MIN_RETRY_SECONDS = 0.25
COMMAND_TIMEOUT_SECONDS = 60.0
"""Age in seconds at which a command is abandoned while rest_service is unavailable: the user's next
messages wait behind it."""
DEFAULT_NAME = "default"
"""Names the option without a record in `/model default`."""
VISIBILITY_RETRY_SECONDS = 1.0
VISIBILITY_TIMEOUT_SECONDS = 60.0
"""Age in seconds at which a command no longer waits until its change is visible: a later change may
have replaced it."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class CommandContext:
    """A command or pressed button, its user with their assistant, and what they may choose."""

    message: UserCommand | UserPress
    user: UserSnapshot
    assistant: SecretaryLLMChat
    factory: AssistantFactory

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt at the message."""
        return f"{self.message.id}/0"

    def build_notice_outcome(
        self, name: NoticeName, parameters: Mapping[str, str] | None = None
    ) -> Outcome:
        """Return the outcome that sends this notice."""
        return self.build_outcome(
            replies.build_notice(self.message, self.user, name, parameters=parameters)
        )

    def build_outcome(self, envelope: Envelope) -> Outcome:
        """Return the outcome that sends this reply."""
        return Outcome(replies=(envelope,), journal_message_id=self.message.id)


class _ChoiceUpdate(NamedTuple):
    """The change that a pressed button causes, and the notice about it."""

    change: UserUpdate
    notice: NoticeName
    parameters: Mapping[str, str] | None = None


@dataclass(frozen=True)
class CommandHandler:
    """Handles commands through rest_service, where a repeated command has no further effect."""

    rest: RestServiceClient
    users: UserStore
    history: HistoryStore

    async def handle(self, context: CommandContext) -> Outcome:
        """Return the outcome. Raises RetryMessage while rest_service is unavailable, for at most
        COMMAND_TIMEOUT_SECONDS, and until the next message would see the change."""
        message = context.message
        name = message.choice_kind if isinstance(message, UserPress) else message.name
        try:
            if isinstance(message, UserPress):
                return await self._apply_choice(context, message.choice_kind, message.row_id)
            match message.name:
                case "new":
                    return await self._start_thread(context)
                case "undo":
                    return await self._undo(context)
                case "assistant" | "model":
                    return await self._choose(context, message.name, message.argument)
                case _:
                    assert_never(message.name)
        except UpstreamUnavailable as error:
            return _retry_or_abandon(context, name, error)

    async def set_timezone(
        self, context: CommandContext, timezone: str
    ) -> tuple[EffectRead, ...] | Outcome:
        """Save the time zone that the user has chosen. Return the receipts: none if it was chosen
        before; or an outcome with a notice if it could not be saved. Raises as `handle` does."""
        change = UserUpdate(timezone=timezone)
        try:
            user = await self.rest.update_user(context.user.id, change, context.idempotency_key)
        except UpstreamUnavailable as error:
            return _retry_or_abandon(context, "timezone", error)
        except DomainError as error:  # the user was deleted, or the zone is not known there
            log.warning("time zone refused", timezone=timezone, reason=error.message)
            return context.build_notice_outcome("try_again_later")
        await self._require_change_in_redis(
            context, "the time zone", lambda known: known.timezone == timezone
        )
        return () if user.effect is None else (user.effect,)

    async def _start_thread(self, context: CommandContext) -> Outcome:
        assistant_id = context.assistant.id
        thread = await self.rest.create_thread(
            context.user.id, assistant_id, context.idempotency_key
        )
        await self.history.mark_new_thread(thread.thread_id)
        await self._require_change_in_redis(
            context,
            "the new thread",
            lambda user: user.threads.get(assistant_id) == thread.thread_id,
        )
        return context.build_notice_outcome("new_conversation")

    async def _undo(self, context: CommandContext) -> Outcome:
        """Undo the newest change. The history records it, so that models do not build on the
        change."""
        try:
            effect = await self.rest.undo(context.user.id, context.idempotency_key)
        except NotFound:
            return context.build_notice_outcome("nothing_to_undo")
        except Conflict as error:
            reasons = {detail: reason for reason, detail in UNDO_REFUSALS.items()}
            reason = reasons.get(error.message, "unknown")
            return context.build_notice_outcome("cannot_be_undone", {"reason": reason})
        thread_id = context.assistant.get_or_create_thread(context.user)
        # Restores a lost history first: once it grows, it would count as complete.
        await self.history.get_newest(thread_id, context.user.id, 1)
        return _build_undo_outcome(context, effect)

    async def _choose(self, context: CommandContext, kind: ChoiceKind, name: str) -> Outcome:
        """Choose the option that the user has named, or show all options."""
        options = _list_options(context, kind)
        option = _find_option(options, name) if name else None
        if option is None:
            return _show_options(context, kind, options, name)
        return await self._apply_choice(context, kind, option.row_id)

    async def _apply_choice(
        self, context: CommandContext, kind: ChoiceKind, row_id: UUID | None
    ) -> Outcome:
        is_assistant = kind == "assistant"
        choice = (_resolve_assistant_choice if is_assistant else _resolve_model_choice)(
            context, row_id
        )
        if choice is None:
            return context.build_notice_outcome("choice_unavailable")
        try:
            await self.rest.update_user(context.user.id, choice.change, context.idempotency_key)
        except DomainError:  # rest_service has a newer configuration
            return context.build_notice_outcome("choice_unavailable")
        changed = choice.change.model_dump(exclude_unset=True)
        await self._require_change_in_redis(
            context, "the choice", lambda user: user.model_dump(include=set(changed)) == changed
        )
        return context.build_notice_outcome(choice.notice, choice.parameters)

    async def _require_change_in_redis(
        self, context: CommandContext, change: str, is_visible: Callable[[UserSnapshot], bool]
    ) -> None:
        """Raise RetryMessage until Redis has the change: the next message reads it there."""
        user = (await self.users.get(context.user.telegram_id)).user
        if user is not None and is_visible(user):
            return
        if get_age_seconds(context.message) < VISIBILITY_TIMEOUT_SECONDS:
            raise RetryMessage(VISIBILITY_RETRY_SECONDS, f"{change} is not in Redis yet")


def get_age_seconds(message: ToSecretary) -> float:
    """Return the seconds since the message was put into the queue."""
    return (utc_now() - message.created_at).total_seconds()


def compute_retry_delay(message: ToSecretary) -> float:
    """Return the seconds until the next attempt while rest_service does not answer.

    They grow with the age of the message: rest_service may only be starting, or be down for hours.
    """
    delay = max(_MIN_RETRY_SECONDS, get_age_seconds(message) / 4)
    return min(delay, REST_SERVICE_RETRY_SECONDS)


def _retry_or_abandon(context: CommandContext, name: str, error: UpstreamUnavailable) -> Outcome:
    """Raise RetryMessage; from an age of COMMAND_TIMEOUT_SECONDS on, return a notice instead."""
    if get_age_seconds(context.message) < COMMAND_TIMEOUT_SECONDS:
        delay = compute_retry_delay(context.message)
        raise RetryMessage(delay, f"/{name}: {error.message}") from error
    log.warning("command abandoned", command=name, reason=error.message)
    return context.build_notice_outcome("try_again_later")


def _build_undo_outcome(context: CommandContext, effect: EffectRead) -> Outcome:
    message, user, assistant = context.message, context.user, context.assistant
    items = (
        ChatItem.from_message({"role": "user", "content": "/undo"}),
        ChatItem.from_message({"role": "assistant", "content": f"(Undone: {effect.kind}.)"}),
    )
    record = TurnRecord(
        message_id=message.id,
        user_id=user.id,
        assistant_id=assistant.id,
        thread_id=assistant.get_or_create_thread(user),
        configuration_version=context.factory.configuration.version,
        status="done",
        items=tuple(item.message for item in items),
        requested_at=message.created_at,
        started_at=(ended_at := utc_now()),
        finished_at=ended_at,
    )
    return Outcome(
        replies=(replies.build_notice(message, user, "undone", (effect,)),),
        history=tuple(item.json for item in items),
        thread_id=record.thread_id,
        history_limit=assistant.window.history_limit,
        archive_record=record.model_dump_json(),
        journal_message_id=message.id,
    )


def _show_options(
    context: CommandContext, kind: ChoiceKind, options: Sequence[ChoiceOption], unknown_name: str
) -> Outcome:
    """Return the buttons, or a notice if there is only one option."""
    if len(options) < 2:
        return context.build_notice_outcome("nothing_to_choose")
    return context.build_outcome(
        replies.build_choice_prompt(context.message, context.user, kind, options, unknown_name)
    )


def _list_options(context: CommandContext, kind: ChoiceKind) -> list[ChoiceOption]:
    is_assistant = kind == "assistant"
    return (_list_assistant_options if is_assistant else _list_model_options)(context)


def _find_option(options: Sequence[ChoiceOption], name: str) -> ChoiceOption | None:
    """Return the option with this name, or else the only one with this beginning of a name. Upper
    and lower case are the same."""
    wanted = name.casefold()
    by_name = {(option.label or DEFAULT_NAME).casefold(): option for option in options}
    matching = [option for known, option in by_name.items() if known.startswith(wanted)]
    return by_name.get(wanted) or (matching[0] if len(matching) == 1 else None)


def _list_assistant_options(context: CommandContext) -> list[ChoiceOption]:
    current = context.assistant.id
    return [
        ChoiceOption(row_id=record.id, label=record.name, is_selected=record.id == current)
        for record in context.factory.secretaries
    ]


def _list_model_options(context: CommandContext) -> list[ChoiceOption]:
    """Return the models, after the option to use the assistant's own model."""
    chosen = context.user.model
    options = [
        ChoiceOption(row_id=model.id, label=model.name, is_selected=model.name == chosen)
        for model in context.factory.user_selectable_models
    ]
    is_own = not any(option.is_selected for option in options)
    return [ChoiceOption(row_id=None, label="", is_selected=is_own), *options]


def _resolve_assistant_choice(context: CommandContext, row_id: UUID | None) -> _ChoiceUpdate | None:
    for record in context.factory.secretaries:
        if row_id in (record.id, None):
            change = UserUpdate(assistant_id=row_id)
            return _ChoiceUpdate(change, "assistant_chosen", {"name": record.name})
    return None


def _resolve_model_choice(context: CommandContext, row_id: UUID | None) -> _ChoiceUpdate | None:
    if row_id is None:
        return _ChoiceUpdate(UserUpdate(model=None), "default_model_chosen")
    for model in context.factory.user_selectable_models:
        if model.id == row_id:
            return _ChoiceUpdate(UserUpdate(model=model.name), "model_chosen", {"name": model.name})
    return None
