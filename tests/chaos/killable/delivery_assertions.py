"""Asserts that a user has received each expected message, in order and once."""

import re
from collections.abc import Iterable, Sequence

Patterns = tuple[str, ...]
"""Patterns that are all found in one message."""


def check_deliveries(
    heard: Sequence[str], answers: Sequence[Patterns], alarms: Sequence[Patterns], spare: int
) -> None:
    """Answers come in their order, alarms whenever they come; `spare` messages may have come once
    more than they should, each before anything else is answered.

    Raises AssertionError.
    """
    wanted = [*answers, *alarms]
    for words in wanted:
        assert any(matches(said, words) for said in heard), f"{words} never came: {heard}"
    strange = [said for said in heard if not _is_any(said, wanted)]
    assert strange == [], strange
    extra = len(heard) - len(wanted)
    assert 0 <= extra <= spare, f"{extra} messages too many: {heard}"
    answered = [said for said in heard if not _is_any(said, alarms)]
    assert _is_in_turn(answered, answers), f"not in its turn: {heard}"


def matches(said: str, words: Patterns) -> bool:
    """Whether the message is the one with these words."""
    return all(re.search(word, said) for word in words)


def _is_any(said: str, wanted: Iterable[Patterns]) -> bool:
    return any(matches(said, words) for words in wanted)


def _is_in_turn(answered: Iterable[str], answers: Sequence[Patterns]) -> bool:
    """Whether each message is the next answer, or once more the one before it. The words of two
    answers can be in one message, so that several places may be the one that was reached."""
    reached = {-1}
    for said in answered:
        nexts = {place for before in reached for place in (before, before + 1)}
        reached = {at for at in nexts if 0 <= at < len(answers) and matches(said, answers[at])}
    return len(answers) - 1 in reached
