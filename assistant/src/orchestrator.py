"""Takes a message from the queue to its outcome: who wrote it, and which assistant answers."""

from collections.abc import Callable

import structlog
from pydantic import ValidationError

from smart_kit import log as logs
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import bot_of
from smart_kit.contracts.queue import (
    TO_SECRETARY,
    ScheduledPrompt,
    ToSecretary,
    UserCommand,
    UserPress,
)
from smart_kit.contracts.threads import RunRecord
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import MessageError, RejectMessage, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Delivery, Mailbox, Outcome

from .answering import Answering, Asked
from .assistants.factory import AssistantFactory
from .assistants.secretary import SecretaryLLMChat
from .commands import NO_REST_SECONDS, Commands
from .core.commanded import Commanded
from .core.journal import effects_in, receipts_of
from .messages import replies
from .storage.configuration import ConfigurationStore
from .storage.users import Known, UserStore

NO_CONFIGURATION_SECONDS = 1.0
OTHER_BOT_SECONDS = 10.0
"""So old a message must be before it counts as another bot's: tg_bot may not have said yet that it
has a new token."""
STRANGER_SECONDS = 60.0
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
        commands: Commands,
        answering: Answering,
        make_factory: FactoryMaker,
    ) -> None:
        self._mailbox = mailbox
        self._configuration = configuration
        self._users = users
        self._commands = commands
        self._answering = answering
        self._make_factory = make_factory
        self._factory: AssistantFactory | None = None

    async def process_message(self, delivery: Delivery) -> Outcome:
        """The message's outcome.

        Raises RejectMessage for what cannot be read or is another bot's, RetryMessage while the
        configuration or, for somebody new, rest_service is missing.
        """
        message = _read(delivery)
        known = await self._users.look_up(_telegram_id(message))
        if _is_of_another_bot(message, known):
            raise _another_bots(message)
        user = known.user or await self._newcomer(message)
        if user is None or user.status == "blocked":
            log.info("message of somebody who may not talk dropped", kind=message.kind)
            return Outcome(record=_failed(message), journal_of=message.id)
        factory = self._current_factory()
        assistant = factory.create_main_assistant(user.assistant_id, user.model)
        if assistant is None:
            raise RetryMessage(NO_CONFIGURATION_SECONDS, "there is no active secretary")
        if isinstance(message, UserCommand | UserPress):
            commanded = _commanded(message, user, assistant, factory)
            return await self._commands.outcome(commanded)
        version = factory.configuration.version
        asked = Asked(delivery, message, user, assistant, version)
        return await self._answering.outcome(asked)

    async def apologise(self, delivery: Delivery) -> Outcome:
        """What is said where nobody could handle the message: with receipts of what was done."""
        try:
            message = TO_SECRETARY.validate_json(delivery.payload)
        except ValidationError:  # there is no telling whom to say it to
            return Outcome()
        if _is_of_another_bot(message, await self._users.look_up(_telegram_id(message))):
            return Outcome(record=_failed(message))
        effects = effects_in(await self._mailbox.steps(message.id))
        apology = replies.apology(message, delivery.token, receipts_of(effects))
        return Outcome(replies=(apology,), record=_failed(message))

    async def _newcomer(self, message: ToSecretary) -> UserSnapshot | None:
        """Somebody who is not in Redis: new if they write, gone if only their schedule does."""
        if isinstance(message, ScheduledPrompt):
            if _age(message) < STRANGER_SECONDS:
                raise RetryMessage(NO_REST_SECONDS, "the person of the schedule is not known")
            return None
        try:
            return await self._users.create(message.sender)
        except UpstreamUnavailable as error:
            raise RetryMessage(NO_REST_SECONDS, f"a new person: {error.message}") from error

    def _current_factory(self) -> AssistantFactory:
        """The factory of the newest configuration; turns that run keep the one they began with."""
        configuration = self._configuration.current
        if configuration is None:
            raise RetryMessage(NO_CONFIGURATION_SECONDS, "there is no configuration yet")
        if self._factory is None or self._factory.configuration is not configuration:
            self._factory = self._make_factory(configuration)
        return self._factory


def _read(delivery: Delivery) -> ToSecretary:
    try:
        message = TO_SECRETARY.validate_json(delivery.payload)
    except ValidationError as error:
        raise RejectMessage(f"The message cannot be read: {logs.problems_of(error)}") from error
    logs.bind(
        correlation_id=message.correlation_id,
        message_id=message.id,
        conversation=message.conversation,
    )
    return message


def _commanded(
    message: UserCommand | UserPress,
    user: UserSnapshot,
    assistant: SecretaryLLMChat,
    factory: AssistantFactory,
) -> Commanded:
    return Commanded(
        message,
        user,
        assistant.id,
        assistant.get_or_create_thread(user),
        factory.configuration.version,
        factory.secretaries,
        factory.choosable_models,
    )


def _telegram_id(message: ToSecretary) -> int:
    if isinstance(message, ScheduledPrompt):
        return message.telegram_id
    return message.sender.telegram_id


def _failed(message: ToSecretary) -> str:
    """For the archive, where the message is a schedule's and no turn tells of it."""
    if not isinstance(message, ScheduledPrompt):
        return ""
    record = RunRecord(run_id=message.run_id, state="failed", ended_at=utc_now())
    return record.model_dump_json()


def _age(message: ToSecretary) -> float:
    """Seconds since it was put into the queue."""
    return (utc_now() - message.created_at).total_seconds()


def _is_of_another_bot(message: ToSecretary, known: Known) -> bool:
    """Whether it came by a token that is no longer the suite's: nobody could send its answer."""
    bot_id = bot_of(message.conversation)
    return None not in (bot_id, known.bot_id) and bot_id != known.bot_id


def _another_bots(message: ToSecretary) -> MessageError:
    if _age(message) < OTHER_BOT_SECONDS:
        return RetryMessage(NO_CONFIGURATION_SECONDS, "it looks like another bot's message")
    return RejectMessage("The message came through another bot than the one that runs now.")
