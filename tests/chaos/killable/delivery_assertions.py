"""Asserts that a user has received each expected message, in order and once."""

import re
from collections.abc import Iterable, Sequence

Patterns = tuple[str, ...]
"""Patterns that are all found in one message."""


def assert_deliveries(
    received: Sequence[str],
    expected_answers: Sequence[Patterns],
    expected_alarms: Sequence[Patterns],
    allowed_duplicates: int,
) -> None:
    """Answers come in their order, alarms whenever they come; `spare` messages may have come once
    more than they should, each before anything else is answered.

    Raises AssertionError.
    """
    wanted = [*expected_answers, *expected_alarms]
    for words in wanted:
        assert any(matches(said, words) for said in received), f"{words} never came: {received}"
    strange = [said for said in received if not _matches_any(said, wanted)]
    assert strange == [], strange
    extra = len(received) - len(wanted)
    assert 0 <= extra <= allowed_duplicates, f"{extra} messages too many: {received}"
    answered = [said for said in received if not _matches_any(said, expected_alarms)]
    assert _is_in_order(answered, expected_answers), f"not in its turn: {received}"


def matches(text: str, patterns: Patterns) -> bool:
    """Whether the message is the one with these words."""
    return all(re.search(word, text) for word in patterns)


def _matches_any(text: str, expected: Iterable[Patterns]) -> bool:
    return any(matches(text, words) for words in expected)


def _is_in_order(received_answers: Iterable[str], expected_answers: Sequence[Patterns]) -> bool:
    """Whether each message is the next answer, or once more the one before it. The words of two
    answers can be in one message, so that several places may be the one that was reached."""
    reached = {-1}
    for said in received_answers:
        nexts = {place for before in reached for place in (before, before + 1)}
        reached = {
            at
            for at in nexts
            if 0 <= at < len(expected_answers) and matches(said, expected_answers[at])
        }
    return len(expected_answers) - 1 in reached
