"""/assistant and /model: what people may choose, and what their press of a button comes to."""

from dataclasses import dataclass

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.configuration import ModelSnapshot
from smart_kit.contracts.queue import Chosen, NoticeName, Option, UserPress
from smart_kit.contracts.users import UserUpdate
from smart_kit.errors import DomainError, RetryMessage
from smart_kit.mailbox import Letter, Outcome

from .core.commanded import Commanded
from .messages import replies
from .services.rest_service import RestServiceClient
from .storage.users import UserStore

NOT_SEEN_SECONDS = 1.0
SEEN_BY_SECONDS = 60.0
"""So old a press must be before it no longer waits to be seen: another may have followed it."""


@dataclass(frozen=True)
class _Choice:
    """What a press comes to: the change, and the words for it."""

    change: UserUpdate
    notice: NoticeName
    name: str = ""


class Choices:
    """Offers and carries out. What is not in the configuration cannot be chosen."""

    def __init__(self, rest: RestServiceClient, users: UserStore) -> None:
        self._rest = rest
        self._users = users

    def offer(self, commanded: Commanded, chosen: Chosen) -> Outcome:
        """The buttons, where there is more than one."""
        options = _assistants(commanded) if chosen == "assistant" else _models(commanded)
        if len(options) < 2:
            return _told(commanded, "nothing_to_choose")
        letter = replies.choice(commanded.message, commanded.user, chosen, options)
        return _ended(commanded, letter)

    async def choose(self, commanded: Commanded, press: UserPress) -> Outcome:
        """The next message finds the choice in the person's snapshot: this one sees to it.

        Raises RetryMessage until it is there, UpstreamUnavailable while rest_service is away.
        """
        choice = (
            _assistant(commanded, press)
            if press.chosen == "assistant"
            else _model(commanded, press)
        )
        if choice is None:
            return _told(commanded, "choice_gone")
        try:
            await self._rest.update_user(commanded.user.id, choice.change)
        except DomainError:  # rest_service knows of a newer configuration than we do
            return _told(commanded, "choice_gone")
        await self._wait_for(commanded, choice)
        return _told(commanded, choice.notice, choice.name)

    async def _wait_for(self, commanded: Commanded, choice: _Choice) -> None:
        seen = (await self._users.look_up(commanded.user.telegram_id)).user
        wanted = choice.change.model_dump(exclude_unset=True)
        is_there = seen is not None and seen.model_dump(include=set(wanted)) == wanted
        age = (utc_now() - commanded.message.created_at).total_seconds()
        if not is_there and age < SEEN_BY_SECONDS:
            raise RetryMessage(NOT_SEEN_SECONDS, "the choice is not in Redis yet")


def _assistants(commanded: Commanded) -> list[Option]:
    return [
        Option(row_id=one.id, label=one.name, is_chosen=one.id == commanded.assistant_id)
        for one in commanded.configuration.assistants
        if one.is_secretary
    ]


def _models(commanded: Commanded) -> list[Option]:
    """With the assistant's own model before them."""
    models = _choosable(commanded)
    is_own = commanded.user.model not in [model.name for model in models]
    return [
        Option(row_id=None, label="", is_chosen=is_own),
        *(
            Option(row_id=one.id, label=one.name, is_chosen=one.name == commanded.user.model)
            for one in models
        ),
    ]


def _choosable(commanded: Commanded) -> list[ModelSnapshot]:
    configuration = commanded.configuration
    served = {provider.id for provider in configuration.providers}
    return [one for one in configuration.models if one.is_choosable and one.provider_id in served]


def _assistant(commanded: Commanded, press: UserPress) -> _Choice | None:
    secretaries = [one for one in commanded.configuration.assistants if one.is_secretary]
    wanted = (one for one in secretaries if press.row_id in (one.id, None))
    if (found := next(wanted, None)) is None:
        return None
    return _Choice(UserUpdate(assistant_id=press.row_id), "assistant_chosen", found.name)


def _model(commanded: Commanded, press: UserPress) -> _Choice | None:
    if press.row_id is None:
        return _Choice(UserUpdate(model=None), "own_model_chosen")
    wanted = (one for one in _choosable(commanded) if one.id == press.row_id)
    if (found := next(wanted, None)) is None:
        return None
    return _Choice(UserUpdate(model=found.name), "model_chosen", found.name)


def _told(commanded: Commanded, notice: NoticeName, name: str = "") -> Outcome:
    parameters = {"name": name} if name else {}
    return _ended(
        commanded, replies.notice(commanded.message, commanded.user, notice, parameters=parameters)
    )


def _ended(commanded: Commanded, *letters: Letter) -> Outcome:
    return Outcome(replies=letters, journal_of=commanded.message.id)
