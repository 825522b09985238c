"""Verifies a storm: compares what users wrote with what they received and what was done."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.chaos.storm.message import BotMessage, UserMessage
from tests.chaos.storm.message_record import EffectCounts, MessageRecord


class Verifier:
    """The records of all messages, and what is wrong with them."""

    def __init__(
        self, sent: Iterable[UserMessage], received: Iterable[BotMessage], effects: EffectCounts
    ) -> None:
        rows, effect_records = Counter(effects.rows), Counter(effects.effect_records)
        self.records = {
            one.number: MessageRecord(one, rows[one.number], effect_records[one.number])
            for one in sorted(sent, key=lambda one: one.number)
        }
        self.unrequested_numbers = sorted(
            (rows.keys() | effect_records.keys()) - self.records.keys()
        )
        """Numbers for which something was made, although nobody has said them."""
        self.out_of_order: list[BotMessage] = []
        """Answers that came after the answer to a later message."""
        self.unattributed: list[BotMessage] = []
        """What belongs to no message."""
        by_chat: dict[int, list[BotMessage]] = defaultdict(list)
        for one in sorted(received, key=lambda one: one.message_id):
            by_chat[one.chat_id].append(one)
        for chat in by_chat.values():
            self._assign_answers(chat)
            self._assign_failure_replies(chat)

    @property
    def lost_messages(self) -> list[MessageRecord]:
        """Messages without any answer."""
        return [one for one in self.records.values() if one.is_lost]

    @property
    def duplicate_effects(self) -> list[MessageRecord]:
        """Messages whose tools did their work more than once."""
        return [one for one in self.records.values() if one.has_duplicate_effects]

    @property
    def inconsistent_messages(self) -> list[MessageRecord]:
        """Messages whose answer and effects do not agree."""
        return [one for one in self.records.values() if one.is_inconsistent]

    @property
    def missing_reminders(self) -> list[MessageRecord]:
        """Reminders that never came."""
        return [one for one in self.records.values() if one.is_reminder_missing]

    @property
    def mistimed_reminders(self) -> list[MessageRecord]:
        """Messages whose reminders came unasked, too early or far too late."""
        return [one for one in self.records.values() if one.is_mistimed]

    @property
    def failed_messages(self) -> list[MessageRecord]:
        """Messages whose people were told that there is no answer."""
        return [one for one in self.records.values() if one.has_failure_reply]

    @property
    def duplicates(self) -> list[list[BotMessage]]:
        """Whatever was said more than once."""
        return [heard for one in self.records.values() for heard in one.duplicates]

    def _assign_answers(self, chat: Iterable[BotMessage]) -> None:
        """Give each answer to its message, and see to the order; a second copy has to keep it."""
        newest = 0
        for received in chat:
            record = self.records.get(received.number or 0)
            if record is None or record.user_message.chat_id != received.chat_id:
                if not received.is_anonymous_failure:
                    self.unattributed.append(received)
            elif received.is_alarm:
                record.alarms.append(received)
            else:
                record.answers.append(received)
                if record.user_message.number < newest:
                    self.out_of_order.append(received)
                newest = max(newest, record.user_message.number)

    def _assign_failure_replies(self, chat: list[BotMessage]) -> None:
        """Give each "there is no answer" to the first message without one at whose place it is."""
        chat_id = chat[0].chat_id
        mine = [one for one in self.records.values() if one.user_message.chat_id == chat_id]
        before, last = 0, None
        for position, received in enumerate(chat):
            if not received.is_anonymous_failure:
                before = before if received.is_alarm else max(before, received.number or 0)
                continue
            after = _get_next_number(chat[position:])
            place = (
                one for one in mine if one.is_lost and before < one.user_message.number < after
            )
            record = next(place, None)
            if record is not None:
                before, last = record.user_message.number, record
            elif last is not None and last.failure_replies[-1].text == received.text:
                record = last
            (record.failure_replies if record is not None else self.unattributed).append(received)


def _get_next_number(chat: Iterable[BotMessage]) -> float:
    """Of the next answer."""
    return min((one.number for one in chat if one.number and not one.is_alarm), default=math.inf)
