"""The messages of /assistant and /model: a question, and a button for each option."""

import re
from collections.abc import Sequence
from uuid import UUID

from smart_kit.contracts.queue import Choice, ChoiceKind, ChoiceOption

from ..rendering.formatted_text import FormattedText
from ..rendering.rendered_message import MAX_BUTTONS, Button, RenderedMessage
from .translations import N_, Translation

QUESTIONS: dict[ChoiceKind, str] = {
    "assistant": N_("Who should answer you?"),
    "model": N_("Which model should answer you?"),
}

_DEFAULT = "default"
"""Stands in callback data for the deployment's default, which is an option without a row."""

_ROW_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def render_choice_prompt(prompt: Choice, translation: Translation) -> RenderedMessage:
    """Return the question with its buttons. It says how many options do not fit."""
    question = translation.gettext(QUESTIONS[prompt.choice_kind])
    hidden_count = len(prompt.options) - MAX_BUTTONS
    if hidden_count > 0:
        question += "\n\n" + translation.ngettext(
            "{count} more option is not shown.", "{count} more options are not shown.", hidden_count
        ).format(count=hidden_count)
    buttons = (
        Button(
            _option_label(option, translation),
            build_callback_data(prompt.choice_kind, option.row_id),
        )
        for option in _limit_options(prompt.options)
    )
    return RenderedMessage(FormattedText(question), buttons=tuple(buttons))


def build_callback_data(choice_kind: ChoiceKind, row_id: UUID | None) -> str:
    """Return a button's callback data, at most 64 bytes, which is Telegram's limit."""
    return f"{choice_kind}:{row_id or _DEFAULT}"


def parse_callback_data(data: str) -> tuple[ChoiceKind, UUID | None] | None:
    """Return the arguments of `build_callback_data`; None if no button of ours has this data."""
    kind, _, row = data.partition(":")
    choice_kind = next((known for known in QUESTIONS if known == kind), None)
    if choice_kind is None or not (row == _DEFAULT or _ROW_ID.fullmatch(row)):
        return None
    return choice_kind, None if row == _DEFAULT else UUID(row)


def _limit_options(options: Sequence[ChoiceOption]) -> Sequence[ChoiceOption]:
    """Return as many options as fit, the selected one among them."""
    if len(options) <= MAX_BUTTONS:
        return options
    return sorted(options, key=lambda option: not option.is_selected)[:MAX_BUTTONS]


def _option_label(option: ChoiceOption, translation: Translation) -> str:
    label = translation.gettext("Default") if option.row_id is None else option.label
    return f"✓ {label}" if option.is_selected else label
