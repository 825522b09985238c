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
from tests.chaos.storm.plan import PRODUCTION_TIMINGS, StormTimings
from tg_bot.src.services.response_handler import MAX_CONCURRENT_CHATS

SEND_WINDOW_SECONDS = 2.0
"""So long before its death a sender may have sent what it could not write down any more: Telegram's
dates are whole seconds, and the machine is busy."""

REDIS_RECOVERY_SECONDS = 5.0
"""So long after its death Redis may be away; what has been sent cannot be written down then."""


@dataclass
class SendLog:
    """What the sender itself says of its sends."""

    envelope_ids: dict[int, str] = field(default_factory=dict)
    """Telegram's id of each message that is known to be sent, and which letter it was."""
    unconfirmed: Counter[str] = field(default_factory=Counter)
    """How often each letter was sent without an answer."""

    @classmethod
    def read(cls, folder: Path, sender: str) -> Self:
        """From its logs, also those that were put aside."""
        log = cls()
        for line in _read_json_lines(folder.glob(f"{sender}*.log*")):
            envelope_id = line.get("message_id")
            if envelope_id is None:
                continue
            if line.get("event") == "message sent":
                log.envelope_ids[int(line["telegram_message_id"])] = envelope_id
            elif "no answer" in str(line.get("reason")):
                log.unconfirmed[envelope_id] += 1
        return log


@dataclass
class DuplicateCause:
    """A fault of the sender, and the chats in which it explains a repetition."""

    fault: FaultRecord
    window_start: float
    """What was sent from then on may not have been written down before the fault."""
    max_delay_seconds: float
    """A copy comes so soon after the fault."""
    explained_chats: set[int] = field(default_factory=set)

    @classmethod
    def from_fault(
        cls, fault: FaultRecord, outages: Iterable[FaultRecord], timings: StormTimings
    ) -> Self:
        """What is sent while Redis is away is not written down before it is back."""
        since = fault.started_at - SEND_WINDOW_SECONDS
        for outage in sorted(outages, key=lambda one: one.started_at, reverse=True):
            if (
                outage.started_at < fault.started_at
                and outage.ended_at + REDIS_RECOVERY_SECONDS >= since
            ):
                since = min(since, outage.started_at - SEND_WINDOW_SECONDS)
        return cls(fault, since, timings.max_duplicate_delay)

    def try_explain(self, first: BotMessage, copy: BotMessage) -> bool:
        """Whether it can be the cause of this copy and has been of no other; then it is used up."""
        if (
            not self.can_explain(first, copy)
            or copy.chat_id in self.explained_chats
            or len(self.explained_chats) >= MAX_CONCURRENT_CHATS
        ):
            return False
        self.explained_chats.add(copy.chat_id)
        return True

    def can_explain(self, first: BotMessage, copy: BotMessage) -> bool:
        """Whether it can be the cause of this copy. Telegram's times are cut to whole seconds."""
        was_in_flight = (
            self.window_start <= first.sent_at + 1
            and first.sent_at <= self.fault.ended_at + SEND_WINDOW_SECONDS
        )
        latest = self.fault.ended_at + self.max_delay_seconds
        return was_in_flight and int(self.fault.ended_at) <= copy.sent_at <= latest


def find_unexplained(
    duplicates: Iterable[Sequence[BotMessage]],
    fault_records: Iterable[FaultRecord],
    log: SendLog,
    outages: Sequence[FaultRecord] = (),
    timings: StormTimings = PRODUCTION_TIMINGS,
) -> list[BotMessage]:
    """The copies that the design does not allow. `fault_records` are the
    sender's, `outages` are Redis's."""
    causes = [
        DuplicateCause.from_fault(fault, outages, timings)
        for fault in sorted(fault_records, key=lambda one: one.ended_at)
    ]
    groups = [_group_by_envelope(heard, log) for heard in duplicates]
    resent = [letter[0] for group in groups for letter in group[1:]]
    left = [
        pair for group in groups for one in group for pair in _drop_lost_responses(one, causes, log)
    ]
    left.sort(key=lambda pair: pair[1].message_id)
    return resent + [
        copy for one, copy in left if not any(it.try_explain(one, copy) for it in causes)
    ]


def _group_by_envelope(received: Sequence[BotMessage], log: SendLog) -> list[list[BotMessage]]:
    """One thing's messages, those of one letter together; where it is not known which it was, it
    goes with those before it. An apology without a number stays where the verifier has guessed."""
    if received[0].is_anonymous_failure:
        return [list(received)]
    envelope_ids = [log.envelope_ids.get(one.message_id) for one in received]
    last = next(filter(None, envelope_ids), None)
    groups: dict[str | None, list[BotMessage]] = defaultdict(list)
    for one, letter in zip(received, envelope_ids, strict=True):
        last = letter or last
        groups[last].append(one)
    return list(groups.values())


def _drop_lost_responses(
    received: Sequence[BotMessage], causes: Sequence[DuplicateCause], log: SendLog
) -> list[tuple[BotMessage, BotMessage]]:
    """Those repetitions of one thing that no lost answer of its own explains, each with what it
    repeats. Lost answers go first to those that no fault can explain."""
    envelope_ids = {log.envelope_ids.get(one.message_id, "") for one in received}
    lost_response_count = sum(log.unconfirmed[letter] for letter in envelope_ids)
    pairs = sorted(
        pairwise(received), key=lambda pair: any(cause.can_explain(*pair) for cause in causes)
    )
    return pairs[lost_response_count:]


def _read_json_lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for text in file.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # half a line of one who was killed, or a traceback
                continue
            if isinstance(line, dict):
                yield line
