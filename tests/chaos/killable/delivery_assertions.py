"""Asserts that a user has received each expected message, in order and once."""

import re
from collections.abc import Iterable, Sequence

Patterns = tuple[str, ...]
"""Regular expressions that are all found in one message."""


def assert_deliveries(
    received: Sequence[str],
    expected_answers: Sequence[Patterns],
    expected_alarms: Sequence[Patterns],
    allowed_duplicates: int,
) -> None:
    """Assert that answers came in their order, and alarms at any time.

    Up to `allowed_duplicates` messages may have come twice, each duplicate of an answer before the
    next answer.
    """
    expected = [*expected_answers, *expected_alarms]
    for patterns in expected:
        assert any(matches(text, patterns) for text in received), (
            f"{patterns} never came: {received}"
        )
    unexpected = [text for text in received if not _matches_any(text, expected)]
    assert unexpected == [], unexpected
    extra = len(received) - len(expected)
    assert 0 <= extra <= allowed_duplicates, f"{extra} messages too many: {received}"
    answers = [text for text in received if not _matches_any(text, expected_alarms)]
    assert _is_in_order(answers, expected_answers), f"out of order: {received}"


def matches(text: str, patterns: Patterns) -> bool:
    """Return whether all patterns are found in the text."""
    return all(re.search(pattern, text) for pattern in patterns)


def _matches_any(text: str, expected: Iterable[Patterns]) -> bool:
    return any(matches(text, patterns) for patterns in expected)


def _is_in_order(received_answers: Iterable[str], expected_answers: Sequence[Patterns]) -> bool:
    """Return whether each message is the next expected answer or a duplicate of the previous one.

    One message can match the patterns of several answers, so all possible positions are tracked.
    """
    positions = {-1}
    for text in received_answers:
        candidates = {after for position in positions for after in (position, position + 1)}
        positions = {
            candidate
            for candidate in candidates
            if 0 <= candidate < len(expected_answers) and matches(text, expected_answers[candidate])
        }
    return len(expected_answers) - 1 in positions
