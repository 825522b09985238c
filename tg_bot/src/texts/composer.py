"""Turns what a queue message says into the text to send, in its reader's language."""

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
    late_by,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language

from ..rendering.formatted import Formatted
from ..rendering.rich import Letter, render_letter
from .choices import describe_choice
from .moments import format_time
from .notices import EMPTY_ANSWER, describe_notice
from .receipts import Reader, describe_effect
from .translations import Translations

LATE_SECONDS = 60.0
"""A reminder that comes later than this says when it was due."""


class Composer:
    """`commands` is each command's name with its description in English."""

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

    def compose(self, message: ToTelegram, person: UserSnapshot | None) -> Letter:
        """All of it, however long; never blank."""
        language = self._translations.choose(message.language_code, person)
        match message:
            case Reply():
                answer = self._answer(message, language)
            case Notification():
                return Letter(self._notification(message, language))
            case Choice():
                return describe_choice(message, self._translations.of(language))
            case Notice():
                answer = Letter(self._notice(message, language))
            case _:
                assert_never(message)
        if not message.receipts:
            return answer
        return answer.followed_by(self._receipts(message.receipts, language, person))

    def describe_commands(self, language: Language) -> list[tuple[str, str]]:
        """Each command's name and description."""
        words = self._translations.of(language)
        return [(name, words.gettext(said)) for name, said in self._commands.items()]

    def _answer(self, reply: Reply, language: Language) -> Letter:
        letter = render_letter(reply.text)
        if not letter.text.is_blank:
            return letter
        silence = "" if reply.receipts else self._translations.of(language).gettext(EMPTY_ANSWER)
        return Letter(Formatted(silence))

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
        return Formatted(describe_notice(notice.notice, notice.parameters, commands, words))

    def _receipts(
        self, receipts: Sequence[EffectRead], language: Language, person: UserSnapshot | None
    ) -> str:
        """A line for each."""
        reader = Reader(
            self._translations.of(language),
            language,
            (person.timezone if person is not None else None) or self._default_timezone,
            self._clock.now(),
        )
        return "\n".join(describe_effect(effect, reader) for effect in receipts)
