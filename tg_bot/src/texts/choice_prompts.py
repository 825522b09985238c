"""The messages of /assistant and /model: a question, and a button for each option."""

from collections.abc import Sequence
from uuid import UUID

from smart_kit.contracts.queue import Choice, ChoiceKind, ChoiceOption

from ..rendering.buttons import MAX_BUTTONS, Button
from ..rendering.formatted_text import FormattedText
from ..rendering.rendered_message import RenderedMessage
from .translations import N_, Translation

QUESTIONS: dict[ChoiceKind, str] = {
    "assistant": N_("Who should answer you?"),
    "model": N_("Which model should answer you?"),
}

DEFAULT_OPTION_LABEL = N_("Default")
"""Label of the deployment's default, which is an option without a row."""

DEFAULT_CHOICE = "default"
"""Stands for the deployment's default in callback data."""


def render_choice_prompt(prompt: Choice, translation: Translation) -> RenderedMessage:
    """Return the question with its buttons. It says how many options do not fit."""
    visible_options = _limit_options(prompt.options)
    question = translation.gettext(QUESTIONS[prompt.choice_kind])
    if hidden_count := len(prompt.options) - len(visible_options):
        question += "\n\n" + translation.ngettext(
            "{count} more option is not shown.", "{count} more options are not shown.", hidden_count
        ).format(count=hidden_count)
    buttons = (
        Button(
            _option_label(option, translation),
            build_callback_data(prompt.choice_kind, option.row_id),
        )
        for option in visible_options
    )
    return RenderedMessage(FormattedText(question), buttons=tuple(buttons))


def build_callback_data(choice_kind: ChoiceKind, row_id: UUID | None) -> str:
    """Return a button's callback data, which `handle_callback` parses. Telegram allows 64 bytes."""
    return f"{choice_kind}:{row_id or DEFAULT_CHOICE}"


def _limit_options(options: Sequence[ChoiceOption]) -> Sequence[ChoiceOption]:
    """Return as many options as fit, the selected one among them."""
    if len(options) <= MAX_BUTTONS:
        return options
    return sorted(options, key=lambda option: not option.is_selected)[:MAX_BUTTONS]


def _option_label(option: ChoiceOption, translation: Translation) -> str:
    label = translation.gettext(DEFAULT_OPTION_LABEL) if option.row_id is None else option.label
    return f"✓ {label}" if option.is_selected else label
