"""Verifies a storm: compares what users wrote with what they received and what was done."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.chaos.storm.message import BotMessage, UserMessage
from tests.chaos.storm.message_record import Effects, MessageRecord


class Verifier:
    """The records of all messages, and what is wrong with them."""

    def __init__(
        self, said: Iterable[UserMessage], heard: Iterable[BotMessage], effects: Effects
    ) -> None:
        rows, effect_records = Counter(effects.rows), Counter(effects.effect_records)
        self.records = {
            one.number: MessageRecord(one, rows[one.number], effect_records[one.number])
            for one in sorted(said, key=lambda one: one.number)
        }
        self.unasked = sorted((rows.keys() | effect_records.keys()) - self.records.keys())
        """Numbers for which something was made, although nobody has said them."""
        self.out_of_order: list[BotMessage] = []
        """Answers that came after the answer to a later message."""
        self.unattributed: list[BotMessage] = []
        """What belongs to no message."""
        by_chat: dict[int, list[BotMessage]] = defaultdict(list)
        for one in sorted(heard, key=lambda one: one.message_id):
            by_chat[one.chat_id].append(one)
        for chat in by_chat.values():
            self._assign_answers(chat)
            self._assign_apologies(chat)

    @property
    def lost(self) -> list[MessageRecord]:
        """Messages without any answer."""
        return [one for one in self.records.values() if one.is_lost]

    @property
    def doubled(self) -> list[MessageRecord]:
        """Messages whose tools did their work more than once."""
        return [one for one in self.records.values() if one.is_doubled]

    @property
    def inconsistent(self) -> list[MessageRecord]:
        """Messages whose answer and effects do not agree."""
        return [one for one in self.records.values() if one.is_inconsistent]

    @property
    def missing_reminders(self) -> list[MessageRecord]:
        """Reminders that never came."""
        return [one for one in self.records.values() if one.is_reminder_missing]

    @property
    def mistimed(self) -> list[MessageRecord]:
        """Messages whose reminders came unasked, too early or far too late."""
        return [one for one in self.records.values() if one.is_mistimed]

    @property
    def apologised(self) -> list[MessageRecord]:
        """Messages whose people were told that there is no answer."""
        return [one for one in self.records.values() if one.is_apologised]

    @property
    def repeats(self) -> list[list[BotMessage]]:
        """Whatever was said more than once."""
        return [heard for one in self.records.values() for heard in one.repeats]

    def _assign_answers(self, chat: Iterable[BotMessage]) -> None:
        """Give each answer to its message, and see to the order; a second copy has to keep it."""
        newest = 0
        for heard in chat:
            record = self.records.get(heard.number or 0)
            if record is None or record.said.chat_id != heard.chat_id:
                if not heard.is_honest:
                    self.unattributed.append(heard)
            elif heard.is_alarm:
                record.alarms.append(heard)
            else:
                record.answers.append(heard)
                if record.said.number < newest:
                    self.out_of_order.append(heard)
                newest = max(newest, record.said.number)

    def _assign_apologies(self, chat: list[BotMessage]) -> None:
        """Give each "there is no answer" to the first message without one at whose place it is."""
        chat_id = chat[0].chat_id
        mine = [one for one in self.records.values() if one.said.chat_id == chat_id]
        before, last = 0, None
        for position, heard in enumerate(chat):
            if not heard.is_honest:
                before = before if heard.is_alarm else max(before, heard.number or 0)
                continue
            after = _next_number(chat[position:])
            place = (one for one in mine if one.is_lost and before < one.said.number < after)
            record = next(place, None)
            if record is not None:
                before, last = record.said.number, record
            elif last is not None and last.apologies[-1].text == heard.text:
                record = last
            (record.apologies if record is not None else self.unattributed).append(heard)


def _next_number(chat: Iterable[BotMessage]) -> float:
    """Of the next answer."""
    return min((one.number for one in chat if one.number and not one.is_alarm), default=math.inf)
