"""Which repetitions the design allows: Telegram's sendMessage has no idempotency key.

Something may come twice where the sender died or was stopped while it was sending, or where
Telegram's answer was lost. Each repetition has to have such a cause of its own: an answer that was
lost, or a fault that no other message of its chat owes a repetition to, because a sender has one
message on its way to a chat. Where it was another letter, it was doubled before the sender had it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.message import BotMessage
from tests.chaos.storm.plan import PRODUCTION, Timings
from tg_bot.src.main import SLOTS

SENDING_SECONDS = 2.0
"""So long before its death a sender may have sent what it could not write down any more: Telegram's
dates are whole seconds, and the machine is busy."""

BACK_SECONDS = 5.0
"""So long after its death Redis may be away; what has been sent cannot be written down then."""


@dataclass
class SendLog:
    """What the sender itself says of its sends."""

    letters: dict[int, str] = field(default_factory=dict)
    """Telegram's id of each message that is known to be sent, and which letter it was."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """How often each letter was sent without an answer."""

    @classmethod
    def read(cls, folder: Path, sender: str) -> Self:
        """From its logs, also those that were put aside."""
        log = cls()
        for line in _lines(folder.glob(f"{sender}*.log*")):
            letter = line.get("message_id")
            if letter is None:
                continue
            if line.get("event") == "sent":
                log.letters[int(line["telegram_message_id"])] = letter
            elif "no answer" in str(line.get("reason")):
                log.unanswered[letter] += 1
        return log


@dataclass
class Cause:
    """A fault of the sender, and the chats in which it explains a repetition."""

    fault: FaultRecord
    since: float
    """What was sent from then on may not have been written down before the fault."""
    repeat_seconds: float
    """A copy comes so soon after the fault."""
    chats: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, fault: FaultRecord, outages: Iterable[FaultRecord], timings: Timings) -> Self:
        """What is sent while Redis is away is not written down before it is back."""
        since = fault.at - SENDING_SECONDS
        for outage in sorted(outages, key=lambda one: one.at, reverse=True):
            if outage.at < fault.at and outage.until + BACK_SECONDS >= since:
                since = min(since, outage.at - SENDING_SECONDS)
        return cls(fault, since, timings.repeat)

    def explain(self, first: BotMessage, copy: BotMessage) -> bool:
        """Whether it can be the cause of this copy and has been of no other; then it is used up."""
        if (
            not self.can_explain(first, copy)
            or copy.chat_id in self.chats
            or len(self.chats) >= SLOTS
        ):
            return False
        self.chats.add(copy.chat_id)
        return True

    def can_explain(self, first: BotMessage, copy: BotMessage) -> bool:
        """Whether it can be the cause of this copy. Telegram's times are cut to whole seconds."""
        was_in_flight = (
            self.since <= first.at + 1 and first.at <= self.fault.until + SENDING_SECONDS
        )
        latest = self.fault.until + self.repeat_seconds
        return was_in_flight and int(self.fault.until) <= copy.at <= latest


def unexplained(
    repeats: Iterable[Sequence[BotMessage]],
    fault_records: Iterable[FaultRecord],
    log: SendLog,
    outages: Sequence[FaultRecord] = (),
    timings: Timings = PRODUCTION,
) -> list[BotMessage]:
    """The copies that the design does not allow. `fault_records` are the
    sender's, `outages` are Redis's."""
    causes = [
        Cause.of(fault, outages, timings)
        for fault in sorted(fault_records, key=lambda one: one.until)
    ]
    groups = [_by_letter(heard, log) for heard in repeats]
    doubled = [letter[0] for group in groups for letter in group[1:]]
    left = [pair for group in groups for one in group for pair in _answered(one, causes, log)]
    left.sort(key=lambda pair: pair[1].message_id)
    return doubled + [copy for one, copy in left if not any(it.explain(one, copy) for it in causes)]


def _by_letter(heard: Sequence[BotMessage], log: SendLog) -> list[list[BotMessage]]:
    """One thing's messages, those of one letter together; where it is not known which it was, it
    goes with those before it. An apology without a number stays where the verifier has guessed."""
    if heard[0].is_honest:
        return [list(heard)]
    letters = [log.letters.get(one.message_id) for one in heard]
    last = next(filter(None, letters), None)
    groups: dict[str | None, list[BotMessage]] = defaultdict(list)
    for one, letter in zip(heard, letters, strict=True):
        last = letter or last
        groups[last].append(one)
    return list(groups.values())


def _answered(
    heard: Sequence[BotMessage], causes: Sequence[Cause], log: SendLog
) -> list[tuple[BotMessage, BotMessage]]:
    """Those repetitions of one thing that no lost answer of its own explains, each with what it
    repeats. Lost answers go first to those that no fault can explain."""
    letters = {log.letters.get(one.message_id, "") for one in heard}
    answers_lost = sum(log.unanswered[letter] for letter in letters)
    pairs = sorted(
        pairwise(heard), key=lambda pair: any(cause.can_explain(*pair) for cause in causes)
    )
    return pairs[answers_lost:]


def _lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for text in file.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # half a line of one who was killed, or a traceback
                continue
            if isinstance(line, dict):
                yield line
