"""The words for each fact that a Notice names."""

from collections import defaultdict
from collections.abc import Mapping

from smart_kit.contracts.queue import NoticeName

from .translations import N_, Translation

_EXAMPLES = N_(
    "Write as you would to a person, for example:\n"
    "• What time is it in Tokyo?\n"
    "• Remind me in 20 minutes to call Anna"
)
_MORE = N_("/help shows what else there is.")

NOTICES: dict[NoticeName, tuple[str, ...]] = {
    "welcome": (N_("Hello, {first_name}! I am your assistant."), _EXAMPLES, _MORE),
    "welcome_back": (
        N_("Hello again, {first_name}! We go on where we were."),
        _EXAMPLES,
        _MORE,
    ),
    "invite_redeemed": (N_("Welcome, {first_name}! You are in."), _EXAMPLES, _MORE),
    "help": (_EXAMPLES, N_("Commands:\n{commands}")),
    "not_permitted": (
        N_(
            "This is a private assistant, and you are not on its list yet. Send your number, "
            "{telegram_id}, to whoever runs it, or ask them for an invitation link."
        ),
    ),
    "private_chats_only": (N_("I only talk in private chats: write to me directly."),),
    "text_only": (N_("I can only read text so far. Please write it to me."),),
    "unknown_command": (N_("I do not know this command."), N_("Commands:\n{commands}")),
    "invite_invalid": (
        N_(
            "This invitation is not good (any more): it works once and within an hour. "
            "Please ask for a new one."
        ),
    ),
    "new_conversation": (N_("A new conversation: I have put aside what we said so far."),),
    "undone": (N_("Done."),),
    "nothing_to_undo": (N_("There is nothing to take back."),),
    "cannot_be_undone": (N_("The last change cannot be taken back."),),
    "turn_failed": (N_("Something went wrong with your message, and I cannot answer it. Sorry!"),),
    "model_unavailable": (
        N_("I cannot think at the moment: my model does not answer. Please try again later."),
    ),
    "assistant_chosen": (N_("From now on, {name} answers you."),),
    "model_chosen": (N_("From now on, the model {name} answers you."),),
    "default_model_chosen": (N_("From now on, the model that the administrator set answers you."),),
    "nothing_to_choose": (N_("There is nothing to choose from at the moment."),),
    "choice_unavailable": (
        N_("This can no longer be chosen. /assistant and /model show what there is now."),
    ),
    "budget_low": (
        N_(
            "{percent}% of your budget for today is used up. When nothing is left, I can answer "
            "again tomorrow; reminders still come."
        ),
    ),
    "budget_exceeded": (
        N_(
            "Your budget for today is used up, so I can answer again tomorrow. "
            "Reminders still come."
        ),
    ),
    "try_again_later": (N_("That did not work just now. Please try again in a minute."),),
}
"""Paragraphs of each notice. {commands} is the list of commands; other names are parameters.

A `command_reply` has no text here: its parameter `text` is the msgid of the command's own text.
"""

EMPTY_REPLY = N_("I have no answer to that. Could you put it differently?")
"""For a model that said nothing."""


def describe_notice(
    name: NoticeName, parameters: Mapping[str, str], commands: str, translation: Translation
) -> str:
    """The text of a notice. A parameter that is missing leaves no hole."""
    values = defaultdict(str, parameters, commands=commands)
    texts = (parameters["text"],) if name == "command_reply" else NOTICES[name]
    paragraphs = (translation.gettext(text).format_map(values) for text in texts)
    return "\n\n".join(paragraphs).replace(", !", "!")
