"""Renders queue messages as texts, in the language of the user."""

from collections.abc import Mapping
from typing import assert_never
from zoneinfo import ZoneInfo

from smart_kit.clock import Clock
from smart_kit.contracts.queue import (
    Choice,
    Notice,
    Notification,
    Reply,
    ToTelegram,
    compute_lateness,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language, LocaleSettings

from ..rendering.formatted_text import FormattedText, is_blank
from ..rendering.rendered_message import RenderedMessage, render_message
from .choice_prompts import render_choice_prompt
from .datetimes import format_time
from .notices import describe_notice
from .receipts import ReceiptContext, describe_effect
from .translations import LANGUAGES, Translation, get_translation, negotiate_language

LATE_AFTER_SECONDS = 60.0
"""A reminder that is later than this says when it was due."""


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
        language = negotiate_language(message.language_code, user, self._settings.default_language)
        translation = get_translation(language)
        match message:
            case Reply():
                rendered = _render_reply(message, translation)
            case Notification():
                return RenderedMessage(self._render_notification(message, translation))
            case Choice():
                return render_choice_prompt(message, translation)
            case Notice():
                rendered = RenderedMessage(self._render_notice(message, translation))
            case _:
                assert_never(message)
        if not message.receipts:
            return rendered
        timezone = (user.timezone if user is not None else None) or self._settings.default_timezone
        context = ReceiptContext(translation, timezone, self._clock.now())
        lines = (describe_effect(effect, context) for effect in message.receipts)
        return rendered.append_paragraph("\n".join(lines))

    def list_commands(self, language: Language | None) -> list[tuple[str, str]]:
        """Return each command's name and translated description; None: the default language."""
        translation = get_translation(language or self._settings.default_language)
        return [(name, translation.gettext(text)) for name, text in self._commands.items()]

    def _render_notification(
        self, reminder: Notification, translation: Translation
    ) -> FormattedText:
        text = FormattedText(f"⏰ {reminder.text}")
        now = self._clock.now()
        if compute_lateness(reminder.scheduled_for, now) <= LATE_AFTER_SECONDS:
            return text
        local = reminder.scheduled_for.astimezone(ZoneInfo(reminder.timezone))
        due = format_time(local, translation.language, now)
        return text.append_paragraph(translation.gettext("(was due {time})").format(time=due))

    def _render_notice(self, notice: Notice, translation: Translation) -> FormattedText:
        described = self.list_commands(translation.language)
        commands = "\n".join(f"/{name} — {text}" for name, text in described)
        return FormattedText(
            describe_notice(notice.notice, notice.parameters, commands, translation)
        )


def _render_reply(reply: Reply, translation: Translation) -> RenderedMessage:
    rendered = render_message(reply.text)
    if not is_blank(rendered.text.text):
        return rendered
    excuse = translation.gettext("I have no answer to that. Could you rephrase it?")
    return RenderedMessage(FormattedText("" if reply.receipts else excuse))
