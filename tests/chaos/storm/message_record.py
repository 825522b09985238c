"""The record of a user message: its answers, its reminders and its effects."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.storm.message import ALARM_DELAY_SECONDS, MUTATING_KINDS, BotMessage, UserMessage

MAX_REMINDER_DELAY_SECONDS = 300.0
"""Seconds from the due time or the answer, whichever is later. The path of a reminder leads through
cron_service, rest_service, a database and tg_bot; each may be frozen for 40 s or killed, and its
lease must expire. The longest delay seen is 118 s."""


@dataclass(frozen=True)
class EffectCounts:
    """The effects of the storm, counted by message number; 0 stands for those without a number."""

    rows: Mapping[int, int] = field(default_factory=dict)
    """Tasks and reminders."""
    effect_records: Mapping[int, int] = field(default_factory=dict)
    """Records of the changes that tools have made."""


@dataclass
class MessageRecord:
    """A user message and everything that resulted from it."""

    user_message: UserMessage
    rows: int
    effect_records: int
    answers: list[BotMessage] = field(default_factory=list)
    alarms: list[BotMessage] = field(default_factory=list)
    failure_replies: list[BotMessage] = field(default_factory=list)
    """Replies without a number that report a failure instead of an answer."""

    @property
    def is_lost(self) -> bool:
        """Whether the user received no reply at all."""
        return not (self.answers or self.failure_replies)

    @property
    def has_duplicate_effects(self) -> bool:
        """Whether a record was created more than once."""
        return max(self.rows, self.effect_records) > 1

    @property
    def is_inconsistent(self) -> bool:
        """Whether receipts and effects contradict each other."""
        receipts = [reply.has_receipt for reply in (*self.answers, *self.failure_replies)]
        if self.user_message.kind not in MUTATING_KINDS:
            return any((self.rows, self.effect_records, *receipts))
        if self.answers or self.rows or self.effect_records:
            is_confirmed = any(receipts) and all(answer.has_receipt for answer in self.answers)
            return not (self.rows and self.effect_records and is_confirmed)
        return any(receipts)

    @property
    def has_failure_reply(self) -> bool:
        """Whether the user received a failure reply, with or without a receipt."""
        return bool(self.failure_replies) or any(answer.is_failure_reply for answer in self.answers)

    @property
    def is_reminder_missing(self) -> bool:
        """Whether a reminder was created and never sent."""
        return self.user_message.kind == "alarm" and self.rows > 0 and not self.alarms

    @property
    def is_mistimed(self) -> bool:
        """Whether a reminder was sent too early, far too late, or without having been created."""
        if not self.alarms:
            return False
        due, sent = self.user_message.sent_at + ALARM_DELAY_SECONDS, self.alarms[0].sent_at
        replies = (*self.answers, *self.failure_replies)
        confirmed = min((reply.sent_at for reply in replies), default=0)
        is_early = sent + 1 < due  # Telegram truncates times to whole seconds
        is_late = sent > max(due, confirmed) + MAX_REMINDER_DELAY_SECONDS
        return self.user_message.kind != "alarm" or not self.rows or is_early or is_late

    @property
    def duplicates(self) -> list[list[BotMessage]]:
        """Replies of each type that was sent more than once: all of them, original first."""
        replies = (self.answers, self.alarms, self.failure_replies)
        return [messages for messages in replies if len(messages) > 1]

    @property
    def response_seconds(self) -> float:
        """Seconds from the message to its first answer; 0 without one."""
        return self.answers[0].sent_at - self.user_message.sent_at if self.answers else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return a line of the evidence."""
        return asdict(self) | {
            "is_lost": self.is_lost,
            "has_duplicate_effects": self.has_duplicate_effects,
        }
