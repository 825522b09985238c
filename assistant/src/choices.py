"""/assistant and /model: what people may choose, and what their press of a button comes to."""

from dataclasses import dataclass

from smart_kit.contracts.queue import Chosen, NoticeName, Option, UserPress
from smart_kit.contracts.users import UserUpdate
from smart_kit.errors import DomainError
from smart_kit.mailbox import Outcome

from .core.commanded import Commanded
from .messages import replies
from .services.rest_service import RestServiceClient
from .storage.users import UserStore


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
            return commanded.told("nothing_to_choose")
        letter = replies.choice(commanded.message, commanded.user, chosen, options)
        return commanded.ended(letter)

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
            return commanded.told("choice_gone")
        try:
            await self._rest.update_user(commanded.user.id, choice.change)
        except DomainError:  # rest_service knows of a newer configuration than we do
            return commanded.told("choice_gone")
        await self._wait_for(commanded, choice)
        return commanded.told(choice.notice, {"name": choice.name} if choice.name else None)

    async def _wait_for(self, commanded: Commanded, choice: _Choice) -> None:
        seen = (await self._users.look_up(commanded.user.telegram_id)).user
        wanted = choice.change.model_dump(exclude_unset=True)
        is_there = seen is not None and seen.model_dump(include=set(wanted)) == wanted
        commanded.wait_for("the choice", is_there=is_there)


def _assistants(commanded: Commanded) -> list[Option]:
    return [
        Option(row_id=one.id, label=one.name, is_chosen=one.id == commanded.assistant_id)
        for one in commanded.secretaries
    ]


def _models(commanded: Commanded) -> list[Option]:
    """With the assistant's own model before them."""
    chosen = commanded.user.model
    is_own = chosen not in [model.name for model in commanded.models]
    return [
        Option(row_id=None, label="", is_chosen=is_own),
        *(
            Option(row_id=one.id, label=one.name, is_chosen=one.name == chosen)
            for one in commanded.models
        ),
    ]


def _assistant(commanded: Commanded, press: UserPress) -> _Choice | None:
    wanted = (one for one in commanded.secretaries if press.row_id in (one.id, None))
    if (found := next(wanted, None)) is None:
        return None
    return _Choice(UserUpdate(assistant_id=press.row_id), "assistant_chosen", found.name)


def _model(commanded: Commanded, press: UserPress) -> _Choice | None:
    if press.row_id is None:
        return _Choice(UserUpdate(model=None), "own_model_chosen")
    wanted = (one for one in commanded.models if one.id == press.row_id)
    if (found := next(wanted, None)) is None:
        return None
    return _Choice(UserUpdate(model=found.name), "model_chosen", found.name)
