"""Which repetitions the design allows: Telegram's sendMessage has no idempotency key.

Something may come twice where the sender died or was stopped while it was sending, or where
Telegram's answer was lost. Each repetition has to have such a cause of its own.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from tests.chaos.storm.faults import Hit
from tests.chaos.storm.message import Heard

SENDING_SECONDS = 2.0
"""So long before its death a sender may have sent what it could not write down any more: Telegram's
dates are whole seconds, and the machine is busy."""


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


def unexplained(
    repeats: Iterable[Sequence[Heard]], hits: Sequence[Hit], log: SendLog
) -> list[Heard]:
    """The copies that the design does not allow."""
    return [copy for heard in repeats for copy in _unexplained(heard, hits, log)]


def _unexplained(heard: Sequence[Heard], hits: Sequence[Hit], log: SendLog) -> Iterator[Heard]:
    """Of one thing that was said several times."""
    letters = {log.letters.get(one.message_id, "") for one in heard}
    answers_lost = sum(log.unanswered[letter] for letter in letters)
    for one, copy in pairwise(heard):
        if _died(one, hits):
            continue
        if answers_lost == 0:
            yield copy
        answers_lost = max(0, answers_lost - 1)


def _died(first: Heard, hits: Iterable[Hit]) -> bool:
    """Whether a sender was hit while it sent this."""
    return any(
        hit.at - SENDING_SECONDS <= first.at + 1 and first.at <= hit.until + SENDING_SECONDS
        for hit in hits
    )


def _lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for text in file.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # half a line of one who was killed, or a traceback
                continue
            if isinstance(line, dict):
                yield line
