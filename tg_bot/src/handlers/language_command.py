"""/language: the language of the bot's own messages.

Telegram's command menu stays in the language of the app: a menu set for one chat would never show
the commands of later versions.
"""

from collections.abc import Sequence

from smart_kit.contracts.queue import InlineButton, Notice
from smart_kit.contracts.users import UserUpdate
from smart_kit.settings import Language

from ..texts.translations import LANGUAGE_NAMES, LANGUAGES, N_, get_translation
from .incoming import (
    ButtonPress,
    HandlerResult,
    HandlerServices,
    IncomingMessage,
    IncomingUpdate,
)
from .rest_calls import answer_by_rest, get_user_id

QUESTION = N_(
    "In which language should I write my own messages? Answers follow the language in which you "
    "write."
)
CHANGED = N_(
    "My own messages are in English from now on. Answers follow the language in which you write."
)

_NAMES: dict[str, Language] = {
    "ru": "ru",
    "русский": "ru",
    "russian": "ru",
    "en": "en",
    "english": "en",
    "английский": "en",
}


async def handle_language(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """Save the language and confirm it in that language; without a valid one, offer buttons."""
    language = _NAMES.get(incoming.argument.lower().rstrip("."))
    if language is None:
        return _ask(services, incoming)
    return await answer_by_rest(incoming, _change(services, incoming, language))


async def handle_language_button(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Save the language and confirm it in that language."""
    for language in LANGUAGES:
        if language == press.value:
            return (await answer_by_rest(press, _change(services, press, language)),)
    return None


def _ask(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    translation = incoming.build_context(services).translation
    buttons = tuple(
        InlineButton(
            label=f"✓ {name}" if language == translation.language else name,
            data=f"language:{language}",
        )
        for language, name in LANGUAGE_NAMES.items()
    )
    return incoming.build_text_notice(translation.gettext(QUESTION), buttons=buttons)


async def _change(
    services: HandlerServices, incoming: IncomingUpdate, language: Language
) -> Notice:
    user_id = await get_user_id(services, incoming)
    saved = await services.rest.update_user(
        user_id, UserUpdate(language=language), incoming.idempotency_key
    )
    text = get_translation(language).gettext(CHANGED)
    return incoming.build_text_notice(text, receipts=(saved.effect,) if saved.effect else ())
