"""Takes a message from the queue to its outcome: who wrote it, and which assistant answers."""

from collections.abc import Callable

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
from smart_kit.contracts.threads import RunRecord
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import MessageError, RejectMessage, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Delivery, Mailbox, Outcome

from .assistants.factory import AssistantFactory
from .assistants.secretary import SecretaryLLMChat
from .command_context import CommandContext
from .commands import REST_SERVICE_RETRY_SECONDS, CommandHandler
from .core.journal import parse_effects, to_receipts
from .messages import replies
from .storage.configuration import ConfigurationStore
from .storage.users import UserState, UserStore
from .turn_runner import TurnRequest, TurnRunner

CONFIGURATION_RETRY_SECONDS = 1.0
OTHER_BOT_GRACE_SECONDS = 10.0
"""So old a message must be before it counts as another bot's: tg_bot may not have said yet that it
has a new token."""
UNKNOWN_USER_GRACE_SECONDS = 60.0
"""So old a scheduled prompt must be before its person counts as gone: rest_service may not have
written them again yet after Redis lost its data."""

FactoryMaker = Callable[[ConfigurationSnapshot], AssistantFactory]

log = structlog.stdlib.get_logger()


class AssistantOrchestrator:
    """Handles messages; the mailbox sees to it that a conversation's come one after the other."""

    def __init__(
        self,
        mailbox: Mailbox,
        configuration: ConfigurationStore,
        users: UserStore,
        commands: CommandHandler,
        turn_runner: TurnRunner,
        make_factory: FactoryMaker,
    ) -> None:
        self._mailbox = mailbox
        self._configuration = configuration
        self._users = users
        self._commands = commands
        self._turn_runner = turn_runner
        self._make_factory = make_factory
        self._factory: AssistantFactory | None = None

    async def process_message(self, delivery: Delivery) -> Outcome:
        """The message's outcome.

        Raises RejectMessage for what cannot be read or is another bot's, RetryMessage while the
        configuration or, for somebody new, rest_service is missing.
        """
        message = _parse_message(delivery)
        user_state = await self._users.get(_get_telegram_id(message))
        if _is_from_other_bot(message, user_state):
            raise _build_other_bot_error(message)
        user = user_state.user or await self._resolve_unknown_user(message)
        if user is None or user.status == "blocked":
            log.info("message dropped: user blocked or unknown", kind=message.kind)
            return Outcome(
                archive_record=_build_failed_run_record(message), journal_message_id=message.id
            )
        factory = self._get_factory()
        assistant = factory.create_main_assistant(user.assistant_id, user.model)
        if assistant is None:
            raise RetryMessage(CONFIGURATION_RETRY_SECONDS, "there is no active secretary")
        if isinstance(message, UserCommand | UserPress):
            context = _build_command_context(message, user, assistant, factory)
            return await self._commands.handle(context)
        version = factory.configuration.version
        request = TurnRequest(delivery, message, user, assistant, version)
        return await self._turn_runner.run(request)

    async def on_dead_letter(self, delivery: Delivery) -> Outcome:
        """What is said where nobody could handle the message: with receipts of what was done."""
        try:
            message = TO_SECRETARY_ADAPTER.validate_json(delivery.payload)
        except ValidationError:  # there is no telling whom to say it to
            return Outcome()
        if _is_from_other_bot(message, await self._users.get(_get_telegram_id(message))):
            return Outcome(archive_record=_build_failed_run_record(message))
        effects = parse_effects(await self._mailbox.load_journal(message.id))
        reply = replies.build_failure_reply(message, delivery.fencing_token, to_receipts(effects))
        return Outcome(replies=(reply,), archive_record=_build_failed_run_record(message))

    async def _resolve_unknown_user(self, message: ToSecretary) -> UserSnapshot | None:
        """Somebody who is not in Redis: new if they write, gone if only their schedule does."""
        if isinstance(message, ScheduledPrompt):
            if _get_age_seconds(message) < UNKNOWN_USER_GRACE_SECONDS:
                raise RetryMessage(
                    REST_SERVICE_RETRY_SECONDS, "the person of the schedule is not known"
                )
            return None
        try:
            return await self._users.create(message.sender)
        except UpstreamUnavailable as error:
            raise RetryMessage(
                REST_SERVICE_RETRY_SECONDS, f"a new person: {error.message}"
            ) from error

    def _get_factory(self) -> AssistantFactory:
        """The factory of the newest configuration; turns that run keep the one they began with."""
        configuration = self._configuration.current
        if configuration is None:
            raise RetryMessage(CONFIGURATION_RETRY_SECONDS, "there is no configuration yet")
        if self._factory is None or self._factory.configuration is not configuration:
            self._factory = self._make_factory(configuration)
        return self._factory


def _parse_message(delivery: Delivery) -> ToSecretary:
    try:
        message = TO_SECRETARY_ADAPTER.validate_json(delivery.payload)
    except ValidationError as error:
        raise RejectMessage(
            f"The message cannot be read: {logs.summarize_validation_error(error)}"
        ) from error
    logs.reset_context(
        correlation_id=message.correlation_id,
        message_id=message.id,
        conversation=message.conversation,
    )
    return message


def _build_command_context(
    message: UserCommand | UserPress,
    user: UserSnapshot,
    assistant: SecretaryLLMChat,
    factory: AssistantFactory,
) -> CommandContext:
    return CommandContext(
        message,
        user,
        assistant.id,
        assistant.get_or_create_thread(user),
        factory.configuration.version,
        factory.secretaries,
        factory.user_selectable_models,
    )


def _get_telegram_id(message: ToSecretary) -> int:
    if isinstance(message, ScheduledPrompt):
        return message.telegram_id
    return message.sender.telegram_id


def _build_failed_run_record(message: ToSecretary) -> str:
    """For the archive, where the message is a schedule's and no turn tells of it."""
    if not isinstance(message, ScheduledPrompt):
        return ""
    record = RunRecord(run_id=message.run_id, state="failed", ended_at=utc_now())
    return record.model_dump_json()


def _get_age_seconds(message: ToSecretary) -> float:
    """Seconds since it was put into the queue."""
    return (utc_now() - message.created_at).total_seconds()


def _is_from_other_bot(message: ToSecretary, user_state: UserState) -> bool:
    """Whether it came by a token that is no longer the suite's: nobody could send its answer."""
    bot_id = parse_bot_id(message.conversation)
    return None not in (bot_id, user_state.bot_id) and bot_id != user_state.bot_id


def _build_other_bot_error(message: ToSecretary) -> MessageError:
    if _get_age_seconds(message) < OTHER_BOT_GRACE_SECONDS:
        return RetryMessage(CONFIGURATION_RETRY_SECONDS, "it looks like another bot's message")
    return RejectMessage("The message came through another bot than the one that runs now.")
