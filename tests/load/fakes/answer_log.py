"""What was asked and what was answered: response times, and lost, duplicated, reordered answers."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class LoadResult:
    """The outcome of one load."""

    sent: int = 0
    """Number of messages that became available to the bot."""
    seconds: float = 0.0
    """From the first message to the last answer."""
    samples: list[tuple[float, float]] = field(default_factory=list)
    """(sent, response): seconds since the begin of the load, and seconds until the answer."""
    lost: int = 0
    """Number of messages without an answer."""
    duplicated: int = 0
    """Number of answers to messages that had one already."""
    out_of_order: int = 0
    """Number of answers that came after the answer to a later message of the same person."""
    misdirected: int = 0
    """Number of answers in the chat of a person who did not ask."""
    unexpected: int = 0
    """Number of messages that answer no question, such as an error message."""
    calls: dict[str, int] = field(default_factory=dict)
    """Number of calls of each method of the Bot API, and of the model (`model`)."""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "LoadResult":
        return cls(**data | {"samples": [(sent, took) for sent, took in data["samples"]]})

    @property
    def response_times(self) -> list[float]:
        return [took for _, took in self.samples]


class AnswerLog:
    """The messages of one load, by their numbers. Times are seconds on any one clock."""

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._questions: dict[int, tuple[int, float]] = {}
        """By number: the person who asked, and when."""
        self._answered: set[int] = set()
        self._newest_answers: dict[int, int] = {}
        """The highest answered number of each person."""
        self._result = LoadResult()
        self._last_answer_at = begin

    @property
    def pending(self) -> int:
        return len(self._questions) - len(self._answered)

    def add_question(self, person: int, number: int, at: float) -> None:
        """Record that a message has become available to the bot."""
        self._questions[number] = (person, at)

    def add_answer(self, person: int, number: int | None, at: float) -> bool:
        """Record a message of the bot. Return whether it is the first answer to a question.

        `number` is None for a message that names no question. Questions of an earlier load are
        unknown here: their late answers are ignored.
        """
        if number is None:
            self._result.unexpected += 1
            return False
        if number not in self._questions:
            return False
        asker, asked_at = self._questions[number]
        if person != asker:
            self._result.misdirected += 1
            return False
        if number in self._answered:
            self._result.duplicated += 1
            return False
        self._answered.add(number)
        newest = self._newest_answers.get(person, 0)
        self._result.out_of_order += number < newest
        self._newest_answers[person] = max(number, newest)
        self._result.samples.append((asked_at - self._begin, at - asked_at))
        self._last_answer_at = at
        return True

    def count_faults(self) -> dict[str, Any]:
        """Return the number of each fault that an answer can have, until now."""
        names = ("duplicated", "out_of_order", "misdirected", "unexpected")
        return {name: getattr(self._result, name) for name in names}

    def summarize(self, calls: dict[str, int]) -> LoadResult:
        """Return the outcome; what has no answer by now counts as lost."""
        self._result.sent = len(self._questions)
        self._result.lost = self.pending
        self._result.seconds = self._last_answer_at - self._begin
        self._result.calls = calls
        return self._result
