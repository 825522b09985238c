"""Decides which duplicate messages the design allows.

Telegram's sendMessage has no idempotency key. A message may be sent twice if the sender was killed
or frozen while it sent it, or if Telegram's response was lost. Each duplicate needs such a cause of
its own: a lost response, or a fault that explains no other duplicate in its chat, because a sender
sends one message to a chat at a time. Two messages from different envelopes of the queue are never
explained: the message was duplicated before it reached the sender.
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
"""Seconds before a kill in which a sender may have sent a message without recording it. Telegram's
dates are whole seconds, and the machine is busy."""

REDIS_RECOVERY_SECONDS = 5.0
"""Seconds after a kill in which Redis may be down, so that no send can be recorded."""


@dataclass
class SendLog:
    """What the logs of the sender say about its sends."""

    envelope_ids: dict[int, str] = field(default_factory=dict)
    """By Telegram message id: the id of the envelope."""
    unconfirmed: Counter[str] = field(default_factory=Counter)
    """By envelope id: the number of sends without a response."""

    @classmethod
    def read(cls, folder: Path, sender: str) -> Self:
        """Read the logs of the sender, including rotated ones."""
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
    """A fault of the sender, and the chats in which it explains a duplicate."""

    fault: FaultRecord
    window_start: float
    """Unix time. A message sent after this may not have been recorded before the fault."""
    max_delay_seconds: float
    """The longest time from the fault to the duplicate."""
    explained_chats: set[int] = field(default_factory=set)

    @classmethod
    def from_fault(
        cls, fault: FaultRecord, outages: Iterable[FaultRecord], timings: StormTimings
    ) -> Self:
        """Build the cause; outages of Redis just before the fault extend its window."""
        window_start = fault.started_at - SEND_WINDOW_SECONDS
        for outage in sorted(outages, key=lambda outage: outage.started_at, reverse=True):
            if (
                outage.started_at < fault.started_at
                and outage.ended_at + REDIS_RECOVERY_SECONDS >= window_start
            ):
                window_start = min(window_start, outage.started_at - SEND_WINDOW_SECONDS)
        return cls(fault, window_start, timings.max_duplicate_delay)

    def try_explain(self, first: BotMessage, copy: BotMessage) -> bool:
        """Return whether this cause explains the copy, and use it up for the chat if so."""
        if (
            not self.can_explain(first, copy)
            or copy.chat_id in self.explained_chats
            or len(self.explained_chats) >= MAX_CONCURRENT_CHATS
        ):
            return False
        self.explained_chats.add(copy.chat_id)
        return True

    def can_explain(self, first: BotMessage, copy: BotMessage) -> bool:
        """Return whether the times fit. Telegram truncates times to whole seconds."""
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
    """Return the duplicates that the design does not allow.

    `duplicates` holds the messages that belong together, oldest first. `fault_records` are faults
    of the sender, `outages` are faults of Redis.
    """
    causes = [
        DuplicateCause.from_fault(fault, outages, timings)
        for fault in sorted(fault_records, key=lambda fault: fault.ended_at)
    ]
    groups = [_group_by_envelope(messages, log) for messages in duplicates]
    enqueued_twice = [envelope[0] for group in groups for envelope in group[1:]]
    pairs = [
        pair
        for group in groups
        for envelope in group
        for pair in _drop_lost_responses(envelope, causes, log)
    ]
    pairs.sort(key=lambda pair: pair[1].message_id)
    return enqueued_twice + [
        copy for first, copy in pairs if not any(cause.try_explain(first, copy) for cause in causes)
    ]


def _group_by_envelope(received: Sequence[BotMessage], log: SendLog) -> list[list[BotMessage]]:
    """Group messages by envelope.

    A message whose envelope is not known joins the envelope before it. Failure replies without a
    number form one group, because the verifier has only guessed to which message they belong.
    """
    if received[0].is_anonymous_failure:
        return [list(received)]
    envelope_ids = [log.envelope_ids.get(message.message_id) for message in received]
    current = next(filter(None, envelope_ids), None)
    groups: dict[str | None, list[BotMessage]] = defaultdict(list)
    for message, envelope_id in zip(received, envelope_ids, strict=True):
        current = envelope_id or current
        groups[current].append(message)
    return list(groups.values())


def _drop_lost_responses(
    received: Sequence[BotMessage], causes: Sequence[DuplicateCause], log: SendLog
) -> list[tuple[BotMessage, BotMessage]]:
    """Return (original, duplicate) pairs without those that a lost response explains.

    Lost responses first explain the duplicates that no fault can explain.
    """
    envelope_ids = {log.envelope_ids.get(message.message_id, "") for message in received}
    lost_response_count = sum(log.unconfirmed[envelope_id] for envelope_id in envelope_ids)
    pairs = sorted(
        pairwise(received), key=lambda pair: any(cause.can_explain(*pair) for cause in causes)
    )
    return pairs[lost_response_count:]


def _read_json_lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for text in file.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # a line cut by a kill, or a traceback
                continue
            if isinstance(line, dict):
                yield line
