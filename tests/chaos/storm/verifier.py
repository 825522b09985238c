"""Verifies a storm: compares the messages of users with the replies and effects."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.chaos.storm.message import BotMessage, UserMessage
from tests.chaos.storm.message_record import EffectCounts, MessageRecord


class Verifier:
    """The records of all messages, and the violations found in them."""

    def __init__(
        self, sent: Iterable[UserMessage], received: Iterable[BotMessage], effects: EffectCounts
    ) -> None:
        rows, effect_records = Counter(effects.rows), Counter(effects.effect_records)
        self.records = {
            message.number: MessageRecord(
                message, rows[message.number], effect_records[message.number]
            )
            for message in sorted(sent, key=lambda message: message.number)
        }
        self.unrequested_numbers = sorted(
            (rows.keys() | effect_records.keys()) - self.records.keys()
        )
        """Numbers with effects that no user has sent."""
        self.out_of_order: list[BotMessage] = []
        """Answers that came after the answer to a later message."""
        self.unattributed: list[BotMessage] = []
        """Replies that belong to no message."""
        by_chat: dict[int, list[BotMessage]] = defaultdict(list)
        for message in sorted(received, key=lambda message: message.message_id):
            by_chat[message.chat_id].append(message)
        for chat in by_chat.values():
            self._assign_answers(chat)
            self._assign_failure_replies(chat)

    @property
    def lost_messages(self) -> list[MessageRecord]:
        return [record for record in self.records.values() if record.is_lost]

    @property
    def duplicate_effects(self) -> list[MessageRecord]:
        """Messages with records that were created more than once."""
        return [record for record in self.records.values() if record.has_duplicate_effects]

    @property
    def inconsistent_messages(self) -> list[MessageRecord]:
        """Messages whose receipts and effects contradict each other."""
        return [record for record in self.records.values() if record.is_inconsistent]

    @property
    def missing_reminders(self) -> list[MessageRecord]:
        """Messages whose reminder was created and never sent."""
        return [record for record in self.records.values() if record.is_reminder_missing]

    @property
    def mistimed_reminders(self) -> list[MessageRecord]:
        """Messages whose reminder was sent unrequested, too early or far too late."""
        return [record for record in self.records.values() if record.is_mistimed]

    @property
    def failed_messages(self) -> list[MessageRecord]:
        return [record for record in self.records.values() if record.has_failure_reply]

    @property
    def duplicates(self) -> list[list[BotMessage]]:
        """Replies that were sent more than once: all of them, original first."""
        return [messages for record in self.records.values() for messages in record.duplicates]

    def _assign_answers(self, chat: Iterable[BotMessage]) -> None:
        """Assign answers and alarms to their messages, and check the order of the answers."""
        newest = 0
        for reply in chat:
            record = self.records.get(reply.number or 0)
            if record is None or record.user_message.chat_id != reply.chat_id:
                if not reply.is_anonymous_failure:
                    self.unattributed.append(reply)
            elif reply.is_alarm:
                record.alarms.append(reply)
            else:
                record.answers.append(reply)
                if record.user_message.number < newest:
                    self.out_of_order.append(reply)
                newest = max(newest, record.user_message.number)

    def _assign_failure_replies(self, chat: list[BotMessage]) -> None:
        """Assign failure replies without a number to messages without a reply, by position.

        A failure reply belongs to the first unanswered message whose number lies between those of
        the answers before and after it. Without one it is a duplicate of an equal failure reply.
        """
        chat_id = chat[0].chat_id
        records = [
            record for record in self.records.values() if record.user_message.chat_id == chat_id
        ]
        before, last = 0, None
        for position, reply in enumerate(chat):
            if not reply.is_anonymous_failure:
                before = before if reply.is_alarm else max(before, reply.number or 0)
                continue
            after = _get_next_number(chat[position:])
            candidates = (
                record
                for record in records
                if record.is_lost and before < record.user_message.number < after
            )
            record = next(candidates, None)
            if record is not None:
                before, last = record.user_message.number, record
            elif last is not None and last.failure_replies[-1].text == reply.text:
                record = last
            (record.failure_replies if record is not None else self.unattributed).append(reply)


def _get_next_number(chat: Iterable[BotMessage]) -> float:
    """Return the lowest number of the answers; infinity without answers."""
    numbers = (message.number for message in chat if message.number and not message.is_alarm)
    return min(numbers, default=math.inf)
