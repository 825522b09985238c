"""Turns what a queue message says into the text to send, in its reader's language."""

from collections.abc import Mapping, Sequence
from typing import assert_never
from zoneinfo import ZoneInfo

from smart_kit.clock import Clock
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import Notice, Notification, Reply, ToTelegram, late_by
from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language

from ..rendering.formatted import Formatted
from ..rendering.markdown import render
from .moments import format_time
from .notices import EMPTY_ANSWER, describe_notice
from .receipts import describe_effect
from .translations import Translations

LATE_SECONDS = 60.0
"""A reminder that comes later than this says when it was due."""


class Composer:
    """`commands` is each command's name with its description in English."""

    def __init__(
        self, translations: Translations, clock: Clock, commands: Mapping[str, str]
    ) -> None:
        self._translations = translations
        self._clock = clock
        self._commands = commands

    def compose(self, message: ToTelegram, person: UserSnapshot | None) -> Formatted:
        """The whole text, however long; never blank."""
        language = self._translations.choose(message.language_code, person)
        match message:
            case Reply():
                return self._reply(message, language)
            case Notification():
                return self._notification(message, language)
            case Notice():
                return self._notice(message, language)
        assert_never(message)

    def describe_commands(self, language: Language) -> list[tuple[str, str]]:
        """Each command's name and description."""
        words = self._translations.of(language)
        return [(name, words.gettext(said)) for name, said in self._commands.items()]

    def _reply(self, reply: Reply, language: Language) -> Formatted:
        answer = render(reply.text)
        if answer.is_blank:
            answer = Formatted("")
            if not reply.receipts:
                return Formatted(self._translations.of(language).gettext(EMPTY_ANSWER))
        return self._with_receipts(answer, reply.receipts, language)

    def _notification(self, reminder: Notification, language: Language) -> Formatted:
        text = Formatted(f"⏰ {reminder.text}")
        now = self._clock.now()
        if late_by(reminder.scheduled_for, now) <= LATE_SECONDS:
            return text
        zone = ZoneInfo(reminder.timezone)
        due = format_time(reminder.scheduled_for, zone, language, now)
        words = self._translations.of(language)
        return text.followed_by(words.gettext("(was due {time})").format(time=due))

    def _notice(self, notice: Notice, language: Language) -> Formatted:
        commands = "\n".join(f"/{name} — {said}" for name, said in self.describe_commands(language))
        words = self._translations.of(language)
        text = describe_notice(notice.notice, notice.parameters, commands, words)
        return self._with_receipts(Formatted(text), notice.receipts, language)

    def _with_receipts(
        self, text: Formatted, receipts: Sequence[EffectRead], language: Language
    ) -> Formatted:
        if not receipts:
            return text
        words, now = self._translations.of(language), self._clock.now()
        lines = (describe_effect(effect, words, language, now) for effect in receipts)
        return text.followed_by("\n".join(lines))
