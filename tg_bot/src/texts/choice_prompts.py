"""The messages that ask for a choice: a question, and a button for each option."""

from collections.abc import Iterable, Sequence

from smart_kit.contracts.queue import Choice, ChoiceKind, ChoiceOption, InlineButton

from ..rendering.formatted_text import FormattedText
from ..rendering.rendered_message import MAX_BUTTONS, RenderedMessage, truncate_label
from .text_context import TextContext
from .translations import N_, Translation
from .zone_buttons import build_zone_buttons

QUESTIONS: dict[ChoiceKind, str] = {
    "assistant": N_("Who should answer you?"),
    "model": N_("Which model should answer you?"),
    "timezone": N_(
        "Which time zone are you in?\n\nPress a button, or simply write your city, or send me your "
        "location."
    ),
}

UNKNOWN_NAMES: dict[ChoiceKind, str] = {
    "assistant": N_("There is no assistant called {name}."),
    "model": N_("There is no model called {name}."),
}

DEFAULT_OPTION = "default"
"""Stands in callback data for the deployment's default, which is an option without a row."""

TIMEZONE_ANSWER = "timezone_answer"
"""The first part of the callback data of the assistant's question for the time zone."""


def render_choice_prompt(
    prompt: Choice, zones: Iterable[str], context: TextContext
) -> RenderedMessage:
    """Return the question with its buttons; `zones` are the options of the kind `timezone`."""
    question = context.translation.gettext(QUESTIONS[prompt.choice_kind])
    if prompt.choice_kind == "timezone":
        buttons = build_zone_buttons(TIMEZONE_ANSWER, zones, context)
    else:
        question = _build_refusal(prompt, context.translation) + question
        question += _count_hidden(prompt.options, context.translation)
        buttons = tuple(
            _build_button(prompt.choice_kind, option, context.translation)
            for option in _limit_options(prompt.options)
        )
    return RenderedMessage(
        FormattedText(question), button_rows=tuple((button,) for button in buttons)
    )


def _build_refusal(prompt: Choice, translation: Translation) -> str:
    """Return a paragraph that says that no option has the name that the user wrote."""
    if not prompt.unknown_name:
        return ""
    name = truncate_label(prompt.unknown_name)
    return translation.gettext(UNKNOWN_NAMES[prompt.choice_kind]).format(name=name) + "\n\n"


def _count_hidden(options: Sequence[ChoiceOption], translation: Translation) -> str:
    """Return a paragraph that says how many options do not fit."""
    count = len(options) - MAX_BUTTONS
    if count <= 0:
        return ""
    text = translation.ngettext(
        "{count} more option is not shown.", "{count} more options are not shown.", count
    )
    return "\n\n" + text.format(count=count)


def _limit_options(options: Sequence[ChoiceOption]) -> Sequence[ChoiceOption]:
    """Return as many options as fit, the selected one among them."""
    if len(options) <= MAX_BUTTONS:
        return options
    return sorted(options, key=lambda option: not option.is_selected)[:MAX_BUTTONS]


def _build_button(kind: ChoiceKind, option: ChoiceOption, translation: Translation) -> InlineButton:
    label = translation.gettext("Default") if option.row_id is None else option.label
    return InlineButton(
        label=f"✓ {label}" if option.is_selected else label,
        data=f"{kind}:{option.row_id or DEFAULT_OPTION}",
    )
