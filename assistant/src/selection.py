"""Handles /assistant and /model: shows the options, and applies the pressed button."""

from dataclasses import dataclass

from smart_kit.contracts.queue import ChoiceKind, ChoiceOption, NoticeName, UserPress
from smart_kit.contracts.users import UserUpdate
from smart_kit.errors import DomainError
from smart_kit.mailbox import Outcome

from .command_context import CommandContext
from .messages import replies
from .services.rest_service import RestServiceClient
from .storage.users import UserStore


@dataclass(frozen=True)
class _SelectionResult:
    """The change that a pressed button causes, and the notice about it."""

    change: UserUpdate
    notice: NoticeName
    name: str = ""


class SelectionHandler:
    """Shows and applies choices among the assistants and models of the configuration."""

    def __init__(self, rest: RestServiceClient, users: UserStore) -> None:
        self._rest = rest
        self._users = users

    def show_options(self, context: CommandContext, choice_kind: ChoiceKind) -> Outcome:
        """Return the buttons, or a notice where there is only one option."""
        options = (
            _list_assistant_options(context)
            if choice_kind == "assistant"
            else _list_model_options(context)
        )
        if len(options) < 2:
            return context.reply_with_notice("nothing_to_choose")
        envelope = replies.build_choice_prompt(context.message, context.user, choice_kind, options)
        return context.reply_with(envelope)

    async def apply(self, context: CommandContext, press: UserPress) -> Outcome:
        """Save the choice, and finish only when the user's snapshot has it: the next message reads
        it there.

        Raises RetryMessage until then, UpstreamUnavailable where rest_service does not answer.
        """
        choice = (
            _select_assistant(context, press)
            if press.choice_kind == "assistant"
            else _select_model(context, press)
        )
        if choice is None:
            return context.reply_with_notice("choice_unavailable")
        try:
            await self._rest.update_user(context.user.id, choice.change)
        except DomainError:  # rest_service has a newer configuration
            return context.reply_with_notice("choice_unavailable")
        await self._require_visible(context, choice)
        return context.reply_with_notice(
            choice.notice, {"name": choice.name} if choice.name else None
        )

    async def _require_visible(self, context: CommandContext, choice: _SelectionResult) -> None:
        seen = (await self._users.get(context.user.telegram_id)).user
        wanted = choice.change.model_dump(exclude_unset=True)
        is_there = seen is not None and seen.model_dump(include=set(wanted)) == wanted
        context.require_visible("the choice", is_there=is_there)


def _list_assistant_options(context: CommandContext) -> list[ChoiceOption]:
    return [
        ChoiceOption(row_id=one.id, label=one.name, is_selected=one.id == context.assistant_id)
        for one in context.secretaries
    ]


def _list_model_options(context: CommandContext) -> list[ChoiceOption]:
    """Return the models, after the option to use the assistant's own model."""
    chosen = context.user.model
    is_own = chosen not in [model.name for model in context.models]
    return [
        ChoiceOption(row_id=None, label="", is_selected=is_own),
        *(
            ChoiceOption(row_id=one.id, label=one.name, is_selected=one.name == chosen)
            for one in context.models
        ),
    ]


def _select_assistant(context: CommandContext, press: UserPress) -> _SelectionResult | None:
    wanted = (one for one in context.secretaries if press.row_id in (one.id, None))
    if (found := next(wanted, None)) is None:
        return None
    return _SelectionResult(UserUpdate(assistant_id=press.row_id), "assistant_chosen", found.name)


def _select_model(context: CommandContext, press: UserPress) -> _SelectionResult | None:
    if press.row_id is None:
        return _SelectionResult(UserUpdate(model=None), "default_model_chosen")
    wanted = (one for one in context.models if one.id == press.row_id)
    if (found := next(wanted, None)) is None:
        return None
    return _SelectionResult(UserUpdate(model=found.name), "model_chosen", found.name)
