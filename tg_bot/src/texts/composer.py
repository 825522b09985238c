"""Renders queue messages as texts, in the language of the user."""

from collections.abc import Mapping, Sequence
from typing import assert_never
from zoneinfo import ZoneInfo

from smart_kit.clock import Clock
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import (
    Choice,
    Notice,
    Notification,
    Reply,
    ToTelegram,
    compute_lateness,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language

from ..rendering.formatted_text import FormattedText
from ..rendering.rendered_message import RenderedMessage, render_message
from .choice_prompts import render_choice_prompt
from .datetimes import format_time
from .notices import EMPTY_REPLY, describe_notice
from .receipts import ReceiptContext, describe_effect
from .translations import Translations

LATE_AFTER_SECONDS = 60.0
"""A reminder that is later than this says when it was due."""


class Composer:
    """`commands` maps each command's name to its English description."""

    def __init__(
        self,
        translations: Translations,
        clock: Clock,
        commands: Mapping[str, str],
        default_timezone: str = "UTC",
    ) -> None:
        self._translations = translations
        self._clock = clock
        self._commands = commands
        self._default_timezone = default_timezone

    def compose(self, message: ToTelegram, user: UserSnapshot | None) -> RenderedMessage:
        """Render a message of any length. The text is never blank."""
        language = self._translations.negotiate(message.language_code, user)
        match message:
            case Reply():
                rendered = self._render_reply(message, language)
            case Notification():
                return RenderedMessage(self._render_notification(message, language))
            case Choice():
                return render_choice_prompt(message, self._translations.for_language(language))
            case Notice():
                rendered = RenderedMessage(self._render_notice(message, language))
            case _:
                assert_never(message)
        if not message.receipts:
            return rendered
        return rendered.append_paragraph(self._render_receipts(message.receipts, language, user))

    def list_commands(self, language: Language) -> list[tuple[str, str]]:
        """Return each command's name and translated description."""
        translation = self._translations.for_language(language)
        return [(name, translation.gettext(text)) for name, text in self._commands.items()]

    def _render_reply(self, reply: Reply, language: Language) -> RenderedMessage:
        rendered = render_message(reply.text)
        if not rendered.text.is_blank:
            return rendered
        fallback = (
            "" if reply.receipts else self._translations.for_language(language).gettext(EMPTY_REPLY)
        )
        return RenderedMessage(FormattedText(fallback))

    def _render_notification(self, reminder: Notification, language: Language) -> FormattedText:
        text = FormattedText(f"⏰ {reminder.text}")
        now = self._clock.now()
        if compute_lateness(reminder.scheduled_for, now) <= LATE_AFTER_SECONDS:
            return text
        zone = ZoneInfo(reminder.timezone)
        due = format_time(reminder.scheduled_for, zone, language, now)
        translation = self._translations.for_language(language)
        return text.append_paragraph(translation.gettext("(was due {time})").format(time=due))

    def _render_notice(self, notice: Notice, language: Language) -> FormattedText:
        commands = "\n".join(f"/{name} — {text}" for name, text in self.list_commands(language))
        translation = self._translations.for_language(language)
        return FormattedText(
            describe_notice(notice.notice, notice.parameters, commands, translation)
        )

    def _render_receipts(
        self, receipts: Sequence[EffectRead], language: Language, user: UserSnapshot | None
    ) -> str:
        """Return one line per receipt."""
        context = ReceiptContext(
            self._translations.for_language(language),
            language,
            (user.timezone if user is not None else None) or self._default_timezone,
            self._clock.now(),
        )
        return "\n".join(describe_effect(effect, context) for effect in receipts)
