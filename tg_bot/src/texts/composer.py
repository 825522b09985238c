"""Renders queue messages as texts, in the language of the user."""

from collections.abc import Mapping
from typing import assert_never

from smart_kit.clock import Clock
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import Choice, Notice, Notification, Reply, ToTelegram
from smart_kit.contracts.users import UserSnapshot
from smart_kit.places import guess_zones
from smart_kit.settings import Language, LocaleSettings

from ..rendering.formatted_text import FormattedText, is_blank
from ..rendering.rendered_message import RenderedMessage, render_message
from .choice_prompts import render_choice_prompt
from .notices import describe_notice
from .notifications import render_notification
from .receipts import describe_effect
from .text_context import TextContext
from .translations import LANGUAGES, get_translation, negotiate_language
from .zone_buttons import choose_zones


class Composer:
    """`commands` maps each command's name to its English description."""

    def __init__(self, settings: LocaleSettings, clock: Clock, commands: Mapping[str, str]) -> None:
        self._settings = settings
        for language in LANGUAGES:  # a broken file ends the start, not a conversation
            get_translation(language)
        self._clock = clock
        self._commands = commands

    def compose(self, message: ToTelegram, user: UserSnapshot | None) -> RenderedMessage:
        """Render a message of any length. The text is never blank."""
        context = self.build_context(message.language_code, user)
        match message:
            case Reply():
                return _render_reply(message, context)
            case Notification():
                return render_notification(message, context)
            case Choice():
                zones = self.guess_zones(message.language_code, user)
                return render_choice_prompt(message, zones, context)
            case Notice():
                return self._render_notice(message, context)
            case _:
                assert_never(message)

    def build_context(self, language_code: str | None, user: UserSnapshot | None) -> TextContext:
        """Return what texts for a user depend on; `language_code` is that of the Telegram app."""
        language = negotiate_language(language_code, user, self._settings.default_language)
        timezone = (user.timezone if user is not None else None) or self._settings.default_timezone
        return TextContext(get_translation(language), timezone, self._clock.now())

    def guess_zones(self, language_code: str | None, user: UserSnapshot | None) -> list[str]:
        """Return the time zones in which a user may be, the likeliest first."""
        code = language_code or (user.language_code if user is not None else None)
        is_default_chosen = "default_timezone" in self._settings.model_fields_set
        default = self._settings.default_timezone if is_default_chosen else None
        return choose_zones(guess_zones(code, default), self._clock.now())

    def list_commands(self, language: Language | None) -> list[tuple[str, str]]:
        """Return each command's name and translated description; None: the default language."""
        translation = get_translation(language or self._settings.default_language)
        return [(name, translation.gettext(text)) for name, text in self._commands.items()]

    def _render_notice(self, notice: Notice, context: TextContext) -> RenderedMessage:
        described = self.list_commands(context.translation.language)
        commands = "\n".join(f"/{name} — {text}" for name, text in described)
        text = describe_notice(notice.notice, notice.parameters, commands, context.translation)
        paragraphs = [text, _describe_receipts(notice.receipts, context)]
        if notice.notice == "command_reply":  # what was done comes before what is asked
            paragraphs.reverse()
        return RenderedMessage(
            FormattedText("\n\n".join(filter(None, paragraphs))),
            button_rows=tuple((button,) for button in notice.buttons),
        )


def _describe_receipts(receipts: tuple[EffectRead, ...], context: TextContext) -> str:
    return "\n".join(describe_effect(effect, context) for effect in receipts)


def _render_reply(reply: Reply, context: TextContext) -> RenderedMessage:
    rendered = render_message(reply.text)
    if reply.receipts:
        return rendered.append_paragraph(_describe_receipts(reply.receipts, context))
    if not is_blank(rendered.text.text):
        return rendered
    excuse = context.translation.gettext("I have no answer to that. Could you rephrase it?")
    return RenderedMessage(FormattedText(excuse))
