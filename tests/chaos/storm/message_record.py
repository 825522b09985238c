"""The record of a message of a user: its answers, its reminders and its effects."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.storm.message import ALARM_DELAY_SECONDS, MUTATING_KINDS, BotMessage, UserMessage

MAX_REMINDER_DELAY_SECONDS = 300.0
"""A reminder may come so long after it was due and promised: cron_service, rest_service, a database
and tg_bot stand in its way, and each may be stopped for 40 s, killed, and have a lease waited for.
118 s were seen."""


@dataclass(frozen=True)
class EffectCounts:
    """How often something was made for a message, by its number."""

    rows: Mapping[int, int] = field(default_factory=dict)
    """Tasks and reminders; 0 for those that bear no number."""
    effect_records: Mapping[int, int] = field(default_factory=dict)
    """Records of what tools have changed."""


@dataclass
class MessageRecord:
    """The record of a message of a user: its answers, its reminders and its effects."""

    user_message: UserMessage
    rows: int
    effect_records: int
    answers: list[BotMessage] = field(default_factory=list)
    alarms: list[BotMessage] = field(default_factory=list)
    failure_replies: list[BotMessage] = field(default_factory=list)
    """Instead of an answer, that there is none."""

    @property
    def is_lost(self) -> bool:
        """Nobody has answered at all."""
        return not (self.answers or self.failure_replies)

    @property
    def has_duplicate_effects(self) -> bool:
        """Something was done more than once."""
        return max(self.rows, self.effect_records) > 1

    @property
    def is_inconsistent(self) -> bool:
        """The person was told of what was not done, or not told what was done."""
        receipts_sent = [one.has_receipt for one in (*self.answers, *self.failure_replies)]
        if self.user_message.kind not in MUTATING_KINDS:
            return any((self.rows, self.effect_records, *receipts_sent))
        if self.answers or self.rows or self.effect_records:
            receipts = any(receipts_sent) and all(one.has_receipt for one in self.answers)
            return not (self.rows and self.effect_records and receipts)
        return any(receipts_sent)

    @property
    def has_failure_reply(self) -> bool:
        """The person got to read that there is no answer, with or without a receipt."""
        return bool(self.failure_replies) or any(one.is_failure_reply for one in self.answers)

    @property
    def is_reminder_missing(self) -> bool:
        """A reminder that was made and never came."""
        return self.user_message.kind == "alarm" and self.rows > 0 and not self.alarms

    @property
    def is_mistimed(self) -> bool:
        """A reminder came that was not asked for or not made, too early, or far too late."""
        if not self.alarms:
            return False
        due, came = self.user_message.sent_at + ALARM_DELAY_SECONDS, self.alarms[0].sent_at
        promised = min((one.sent_at for one in (*self.answers, *self.failure_replies)), default=0)
        is_early = came + 1 < due  # Telegram's times are cut to whole seconds
        is_late = came > max(due, promised) + MAX_REMINDER_DELAY_SECONDS
        return self.user_message.kind != "alarm" or not self.rows or is_early or is_late

    @property
    def duplicates(self) -> list[list[BotMessage]]:
        """What Telegram was given more than once: each time that it was."""
        return [
            heard for heard in (self.answers, self.alarms, self.failure_replies) if len(heard) > 1
        ]

    @property
    def response_seconds(self) -> float:
        """From the message to its answer."""
        return self.answers[0].sent_at - self.user_message.sent_at if self.answers else 0.0

    def to_json(self) -> dict[str, Any]:
        """A line of the evidence."""
        return asdict(self) | {"is_lost": self.is_lost, "is_doubled": self.has_duplicate_effects}
