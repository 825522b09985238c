"""Takes a message from the queue to its outcome: who wrote it, and which assistant answers."""

from collections.abc import Callable
from typing import assert_never

import structlog
from pydantic import ValidationError

from smart_kit import log as logs
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.queue import (
    TO_SECRETARY,
    ScheduledPrompt,
    Sender,
    ToSecretary,
    UserCommand,
    UserMessage,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import RejectMessage, RetryMessage, UpstreamUnavailable
from smart_kit.mailbox import Delivery, Mailbox, Outcome

from .answering import Answering, Asked
from .assistants.factory import AssistantFactory
from .assistants.secretary import SecretaryLLMChat
from .core.journal import effects_in, receipts_of
from .messages import replies
from .services.rest_service import RestServiceClient
from .storage.configuration import ConfigurationStore
from .storage.users import UserStore

NO_CONFIGURATION_SECONDS = 1.0
NO_REST_SECONDS = 5.0

FactoryMaker = Callable[[ConfigurationSnapshot], AssistantFactory]

log = structlog.stdlib.get_logger()


class AssistantOrchestrator:
    """Handles messages; the mailbox sees to it that a conversation's come one after the other."""

    def __init__(
        self,
        mailbox: Mailbox,
        configuration: ConfigurationStore,
        users: UserStore,
        rest: RestServiceClient,
        answering: Answering,
        make_factory: FactoryMaker,
    ) -> None:
        self._mailbox = mailbox
        self._configuration = configuration
        self._users = users
        self._rest = rest
        self._answering = answering
        self._make_factory = make_factory
        self._factory: AssistantFactory | None = None

    async def process_message(self, delivery: Delivery) -> Outcome:
        """The message's outcome.

        Raises RejectMessage for what cannot be read, RetryMessage while the configuration or, for
        somebody new, rest_service is missing.
        """
        message = _read(delivery)
        user = await self._user(message)
        if user.status == "blocked":
            log.info("message of a blocked person dropped")
            return Outcome(journal_of=message.id)
        factory = self._current_factory()
        assistant = factory.create_main_assistant(user.assistant_id)
        if assistant is None:
            raise RetryMessage(NO_CONFIGURATION_SECONDS, "there is no active secretary")
        match message:
            case UserCommand():
                return await self._begin_thread(message, user, assistant)
            case UserMessage() | ScheduledPrompt():
                version = factory.configuration.version
                return await self._answering.outcome(
                    Asked(delivery, message, user, assistant, version)
                )
            case _:
                assert_never(message)

    async def apologise(self, delivery: Delivery) -> Outcome:
        """What is said where nobody could handle the message: with receipts of what was done."""
        try:
            message = TO_SECRETARY.validate_json(delivery.payload)
        except ValidationError:  # there is no telling whom to say it to
            return Outcome()
        effects = effects_in(await self._mailbox.steps(message.id))
        return Outcome(replies=(replies.apology(message, receipts_of(effects)),))

    async def _user(self, message: ToSecretary) -> UserSnapshot:
        if isinstance(message, ScheduledPrompt):
            sender = Sender(telegram_id=message.telegram_id)
        else:
            sender = message.sender
        try:
            return await self._users.find(sender)
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

    async def _begin_thread(
        self, message: UserCommand, user: UserSnapshot, assistant: SecretaryLLMChat
    ) -> Outcome:
        """The next message finds the new thread in the person's snapshot."""
        try:
            await self._rest.create_thread(user.id, assistant.id, f"{message.id}/0")
        except UpstreamUnavailable as error:
            raise RetryMessage(NO_REST_SECONDS, f"a new thread: {error.message}") from error
        letter = replies.notice(message, user, "new_conversation")
        return Outcome(replies=(letter,), journal_of=message.id)


def _read(delivery: Delivery) -> ToSecretary:
    try:
        message = TO_SECRETARY.validate_json(delivery.payload)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)[:3]
        raise RejectMessage(f"The message cannot be read: {problems}") from error
    logs.bind(
        correlation_id=message.correlation_id,
        message_id=message.id,
        conversation=message.conversation,
    )
    return message
