"""The ledger of a storm: what was said, against what was heard and what was done."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.chaos.storm.entry import Deeds, Entry
from tests.chaos.storm.message import Heard, Said


class Ledger:
    """All entries, and what is wrong with them."""

    def __init__(self, said: Iterable[Said], heard: Iterable[Heard], deeds: Deeds) -> None:
        rows, effects = Counter(deeds.rows), Counter(deeds.effects)
        self.entries = {
            one.number: Entry(one, rows[one.number], effects[one.number])
            for one in sorted(said, key=lambda one: one.number)
        }
        self.unasked = sorted((rows.keys() | effects.keys()) - self.entries.keys())
        """Numbers for which something was made, although nobody has said them."""
        self.inverted: list[Heard] = []
        """Answers that came after the answer to a later message."""
        self.strange: list[Heard] = []
        """What belongs to no message."""
        by_chat: dict[int, list[Heard]] = defaultdict(list)
        for one in sorted(heard, key=lambda one: one.message_id):
            by_chat[one.chat_id].append(one)
        for chat in by_chat.values():
            self._read(chat)
            self._tell(chat)

    @property
    def lost(self) -> list[Entry]:
        """Messages without any answer."""
        return [one for one in self.entries.values() if one.is_lost]

    @property
    def doubled(self) -> list[Entry]:
        """Messages whose tools did their work more than once."""
        return [one for one in self.entries.values() if one.is_doubled]

    @property
    def undone(self) -> list[Entry]:
        """Messages whose answer and deeds do not agree."""
        return [one for one in self.entries.values() if one.is_undone]

    @property
    def silent(self) -> list[Entry]:
        """Reminders that never came."""
        return [one for one in self.entries.values() if one.is_silent]

    @property
    def mistimed(self) -> list[Entry]:
        """Messages whose reminders came unasked, too early or far too late."""
        return [one for one in self.entries.values() if one.is_mistimed]

    @property
    def told(self) -> list[Entry]:
        """Messages whose people were told that there is no answer."""
        return [one for one in self.entries.values() if one.is_only_told]

    @property
    def repeats(self) -> list[list[Heard]]:
        """Whatever was said more than once."""
        return [heard for one in self.entries.values() for heard in one.repeats]

    def _read(self, chat: Iterable[Heard]) -> None:
        """Give each answer to its message, and see to the order; a second copy has to keep it."""
        newest = 0
        for heard in chat:
            entry = self.entries.get(heard.number or 0)
            if entry is None or entry.said.chat_id != heard.chat_id:
                if not heard.is_honest:
                    self.strange.append(heard)
            elif heard.is_alarm:
                entry.alarms.append(heard)
            else:
                entry.answers.append(heard)
                if entry.said.number < newest:
                    self.inverted.append(heard)
                newest = max(newest, entry.said.number)

    def _tell(self, chat: list[Heard]) -> None:
        """Give each "there is no answer" to the first message without one at whose place it is."""
        chat_id = chat[0].chat_id
        mine = [one for one in self.entries.values() if one.said.chat_id == chat_id]
        before, last = 0, None
        for position, heard in enumerate(chat):
            if not heard.is_honest:
                before = before if heard.is_alarm else max(before, heard.number or 0)
                continue
            after = _next_number(chat[position:])
            place = (one for one in mine if one.is_lost and before < one.said.number < after)
            entry = next(place, None)
            if entry is not None:
                before, last = entry.said.number, entry
            elif last is not None and last.told[-1].text == heard.text:
                entry = last
            (entry.told if entry is not None else self.strange).append(heard)


def _next_number(chat: Iterable[Heard]) -> float:
    """Of the next answer."""
    return min((one.number for one in chat if one.number and not one.is_alarm), default=math.inf)
