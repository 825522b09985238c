"""Handles a queue message: finds its user and assistant, then runs the turn or the command."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from smart_kit import log as logs
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import parse_bot_id
from smart_kit.contracts.queue import (
    TO_SECRETARY_ADAPTER,
    ScheduledPrompt,
    ToSecretary,
    UserCommand,
    UserPress,
)
from smart_kit.contracts.threads import CronJobRunRecord
from smart_kit.contracts.users import UpsertedUser
from smart_kit.errors import RejectMessage, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Delivery, Mailbox, Outcome

from .assistants.factory import AssistantFactory
from .commands import (
    REST_SERVICE_RETRY_SECONDS,
    CommandContext,
    CommandHandler,
    compute_retry_delay,
    get_age_seconds,
)
from .core.journal import order_effects, parse_effects
from .messages import replies
from .storage.configuration import ConfigurationStore
from .storage.users import UserAndBot, UserStore
from .turn_runner import TurnRequest, TurnRunner

CONFIGURATION_RETRY_SECONDS = 1.0
OTHER_BOT_GRACE_SECONDS = 10.0
"""Age in seconds at which a message of another bot is rejected. Before that, tg_bot may have a new
token that it has not announced yet."""
UNKNOWN_USER_GRACE_SECONDS = 60.0
"""Age in seconds at which a scheduled prompt of an unknown user is dropped. Before that,
rest_service may still be writing the users again after Redis has lost its data."""

log = structlog.stdlib.get_logger()


@dataclass
class AssistantOrchestrator:
    """Handles messages. The mailbox delivers those of one conversation one after the other."""

    mailbox: Mailbox
    configuration: ConfigurationStore
    users: UserStore
    commands: CommandHandler
    turn_runner: TurnRunner
    make_factory: Callable[[ConfigurationSnapshot], AssistantFactory]
    _factory: AssistantFactory | None = field(default=None, init=False)

    async def process_message(self, delivery: Delivery) -> Outcome:
        """Return the message's outcome.

        Raises RejectMessage for an unreadable message or one of another bot, RetryMessage while
        there is no configuration, or while rest_service cannot create a new user.
        """
        message = _parse_message(delivery)
        user_state = await self.users.get(_get_telegram_id(message))
        if _is_from_other_bot(message, user_state):
            if get_age_seconds(message) < OTHER_BOT_GRACE_SECONDS:
                reason = "the message seems to be another bot's"
                raise RetryMessage(CONFIGURATION_RETRY_SECONDS, reason)
            raise RejectMessage("The message came through another bot than the current one.")
        user, is_new = user_state.user, False
        if user is None and (created := await self._resolve_unknown_user(message)) is not None:
            user, is_new = created.user, created.is_new
        if user is None or user.status == "blocked":
            log.info("message dropped: user blocked or unknown", kind=message.kind)
            return Outcome(
                archive_record=_build_failed_run_record(message), journal_message_id=message.id
            )
        factory = self._get_factory()
        assistant = factory.create_main_assistant(user.assistant_id, user.model)
        if assistant is None:
            raise RetryMessage(CONFIGURATION_RETRY_SECONDS, "there is no active secretary")
        version = factory.configuration.version
        if isinstance(message, UserCommand | UserPress):
            context = CommandContext(message, user, assistant, factory)
            if isinstance(message, UserCommand) or message.timezone is None:
                return await self.commands.handle(context)
            saved = await self.commands.set_timezone(context, message.timezone)
            if isinstance(saved, Outcome):
                return saved
            press = TurnRequest(delivery, message, user, assistant, version, receipts=saved)
            return await self.turn_runner.resume(press)
        request = TurnRequest(delivery, message, user, assistant, version, is_user_new=is_new)
        return await self.turn_runner.run(request)

    async def on_dead_letter(self, delivery: Delivery) -> Outcome:
        """Return the notice about a message that could not be handled, with its receipts."""
        try:
            message = TO_SECRETARY_ADAPTER.validate_json(delivery.payload)
        except ValidationError:  # without a readable message there is no recipient
            return Outcome()
        if _is_from_other_bot(message, await self.users.get(_get_telegram_id(message))):
            return Outcome(archive_record=_build_failed_run_record(message))
        effects = parse_effects(await self.mailbox.load_journal(message.id))
        reply = replies.build_failure_notice(
            message, delivery.fencing_token, order_effects(effects)
        )
        return Outcome(replies=(reply,), archive_record=_build_failed_run_record(message))

    async def _resolve_unknown_user(self, message: ToSecretary) -> UpsertedUser | None:
        """Return a user who is not in Redis: created if they write, None if only their schedule
        does, because then they were deleted."""
        if isinstance(message, ScheduledPrompt):
            if get_age_seconds(message) < UNKNOWN_USER_GRACE_SECONDS:
                reason = "the user of the schedule is not in Redis"
                raise RetryMessage(REST_SERVICE_RETRY_SECONDS, reason)
            return None
        try:
            return await self.users.create(message.sender)
        except UpstreamUnavailable as error:
            reason = f"a new user: {error.message}"
            raise RetryMessage(compute_retry_delay(message), reason) from error

    def _get_factory(self) -> AssistantFactory:
        """Return the factory of the newest configuration; running turns keep theirs."""
        configuration = self.configuration.current
        if configuration is None:
            raise RetryMessage(CONFIGURATION_RETRY_SECONDS, "there is no configuration yet")
        if self._factory is None or self._factory.configuration is not configuration:
            self._factory = self.make_factory(configuration)
        return self._factory


def _parse_message(delivery: Delivery) -> ToSecretary:
    try:
        message = TO_SECRETARY_ADAPTER.validate_json(delivery.payload)
    except ValidationError as error:
        reason = logs.summarize_validation_error(error)
        raise RejectMessage(f"The message cannot be read: {reason}") from error
    logs.reset_context(
        correlation_id=message.correlation_id,
        message_id=message.id,
        conversation=message.conversation,
    )
    return message


def _get_telegram_id(message: ToSecretary) -> int:
    if isinstance(message, ScheduledPrompt):
        return message.telegram_id
    return message.sender.telegram_id


def _build_failed_run_record(message: ToSecretary) -> str:
    """Return the archive record of a scheduled prompt without a turn; empty for other messages."""
    if not isinstance(message, ScheduledPrompt):
        return ""
    record = CronJobRunRecord(run_id=message.run_id, state="failed", ended_at=utc_now())
    return record.model_dump_json()


def _is_from_other_bot(message: ToSecretary, user_state: UserAndBot) -> bool:
    """Return whether the message came through a bot that tg_bot no longer serves, so that the
    answer cannot be sent."""
    bot_id = parse_bot_id(message.conversation)
    return None not in (bot_id, user_state.bot_id) and bot_id != user_state.bot_id
