"""The texts of notices."""

from collections import defaultdict
from collections.abc import Mapping

from smart_kit.contracts.queue import NoticeName
from smart_kit.version import get_version

from .translations import N_, Translation

_EXAMPLES = N_(
    "Write as you would to a person, for example:\n"
    "• What time is it in Tokyo?\n"
    "• Remind me in 20 minutes to call Anna\n"
    "• Remind me every weekday at 8:30 to take my medicine\n"
    "• Every morning at 8, tell me the weather"
)
_TIME_ZONE = N_(
    "All times are those of your time zone. To change it, send /timezone or your location."
)
_MORE = N_("Send /help to see everything I can do.")

NOTICES: dict[NoticeName, tuple[str, ...]] = {
    "welcome": (N_("Hello, {first_name}! I am your assistant."), _EXAMPLES, _MORE),
    "welcome_back": (
        N_("Hello again, {first_name}! We can continue where we left off."),
        _EXAMPLES,
        _MORE,
    ),
    "invite_redeemed": (N_("Welcome, {first_name}! You now have access."), _EXAMPLES, _MORE),
    "help": (_EXAMPLES, _TIME_ZONE, N_("Commands:\n{commands}"), "Smart Assistant {version}"),
    "not_permitted": (
        N_(
            "This assistant is private, and you don't have access yet. Send your Telegram ID, "
            "{telegram_id}, to its administrator, or ask for an invitation link."
        ),
    ),
    "private_chats_only": (N_("I only work in private chats. Please write to me directly."),),
    "text_only": (N_("I can only read text for now. Please write your message as text."),),
    "unknown_command": (N_("I don't know this command."), N_("Commands:\n{commands}")),
    "invite_invalid": (
        N_(
            "This invitation is invalid or has expired. An invitation works once and for one hour. "
            "Please ask for a new one."
        ),
    ),
    "new_conversation": (N_("A new conversation has started. I won't refer to the previous one."),),
    "undone": (N_("Done."),),
    "nothing_to_undo": (N_("There is nothing to undo."),),
    "cannot_be_undone": (N_("The last change cannot be undone."),),
    "turn_failed": (N_("Something went wrong, and I can't answer your message. Sorry!"),),
    "model_unavailable": (
        N_("My language model isn't responding right now. Please try again later."),
    ),
    "assistant_chosen": (N_("From now on, {name} will answer you."),),
    "model_chosen": (N_("From now on, the model {name} will answer you."),),
    "default_model_chosen": (N_("From now on, the default model will answer you."),),
    "timezone_chosen": (N_("From now on, all times are those of {timezone}."),),
    "nothing_to_choose": (N_("There is nothing to choose from right now."),),
    "choice_unavailable": (
        N_(
            "This option is no longer available. Send /assistant or /model to see the current "
            "options."
        ),
    ),
    "budget_low": (
        N_(
            "You have used {percent}% of your budget for today. When it is used up, I'll be able "
            "to answer again tomorrow. Reminders will still arrive."
        ),
    ),
    "budget_exceeded": (
        N_(
            "Your budget for today is used up. I'll be able to answer again tomorrow. "
            "Reminders will still arrive."
        ),
    ),
    "scheduled_budget_exceeded": (
        N_(
            "Scheduled requests have used their part of your budget for today, so they pause until "
            "tomorrow. Reminders will still arrive."
        ),
    ),
    "try_again_later": (N_("That didn't work just now. Please try again in a minute."),),
}
"""Paragraphs of each notice. {commands} and {version} are filled in; other names are parameters.
A `command_reply` has no text here: its parameter `text` is what the user reads."""

UNDO_REFUSAL_TEXTS: dict[str, str] = {
    "fired": N_("The last change cannot be undone: the reminder has already come."),
    "changed": N_("The last change cannot be undone: a later change would be lost with it."),
    "deleted": N_("The last change cannot be undone: what it changed no longer exists."),
}
"""The text of `cannot_be_undone` by its parameter `reason`; for another reason, that of NOTICES."""


def describe_notice(
    name: NoticeName, parameters: Mapping[str, str], commands: str, translation: Translation
) -> str:
    """Return the text of a notice. A missing parameter is replaced by nothing."""
    if name == "command_reply":
        return parameters["text"]
    values = defaultdict(str, parameters, commands=commands, version=get_version())
    texts = NOTICES[name]
    if name == "cannot_be_undone":
        texts = (UNDO_REFUSAL_TEXTS.get(values["reason"], texts[0]),)
    paragraphs = (translation.gettext(text).format_map(values) for text in texts)
    return "\n\n".join(paragraphs).replace(", !", "!")
