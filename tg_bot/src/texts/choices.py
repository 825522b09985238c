"""What people choose from: a question, and a button for each answer."""

from collections.abc import Sequence

from smart_kit.contracts.queue import Choice, Chosen, Option

from ..handlers.press import callback_data
from ..rendering.buttons import MOST_BUTTONS, Button
from ..rendering.formatted import Formatted
from ..rendering.rich import Letter
from .translations import N_, Translation

QUESTIONS: dict[Chosen, str] = {
    "assistant": N_("Who should answer you?"),
    "model": N_("Which model should answer you?"),
}

OWN = N_("As the administrator set it")
"""The option that is no row."""


def describe_choice(choice: Choice, words: Translation) -> Letter:
    """The question, what is left out of the answers, and the buttons."""
    shown = _shown(choice.options)
    question = words.gettext(QUESTIONS[choice.chosen])
    if left_out := len(choice.options) - len(shown):
        question += "\n\n" + words.ngettext(
            "{count} more does not fit here.", "{count} more do not fit here.", left_out
        ).format(count=left_out)
    buttons = (
        Button(_label(option, words), callback_data(choice.chosen, option.row_id))
        for option in shown
    )
    return Letter(Formatted(question), buttons=tuple(buttons))


def _shown(options: Sequence[Option]) -> Sequence[Option]:
    """As many as fit, what is chosen among them."""
    if len(options) <= MOST_BUTTONS:
        return options
    return sorted(options, key=lambda option: not option.is_chosen)[:MOST_BUTTONS]


def _label(option: Option, words: Translation) -> str:
    label = words.gettext(OWN) if option.row_id is None else option.label
    return f"✓ {label}" if option.is_chosen else label
