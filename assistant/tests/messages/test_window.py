"""How much of a history is shown."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.src.messages.window import Window


def turn(number: int, tools: int = 0, size: int = 1) -> list[str]:
    """A question, some calls with their results, an answer."""
    items = [{"role": "user", "content": f"{number} " + "x" * size}]
    for call in range(tools):
        items.append({"role": "assistant", "content": "", "tool_calls": [{"id": str(call)}]})
        items.append({"role": "tool", "tool_call_id": str(call), "content": "r"})
    items.append({"role": "assistant", "content": f"answer {number}"})
    return [json.dumps(item, separators=(",", ":")) for item in items]


def shown(window: Window, history: list[str], dropped: int = 0) -> list[str]:
    newest = history[-window.most_read :]
    return [item.json for item in window.cut(newest, len(history))]


def test_a_short_history_is_shown_whole() -> None:
    history = [item for number in range(9) for item in turn(number)]

    assert shown(Window(20, 10_000), history) == history


def test_the_beginning_stays_for_half_a_window_and_then_moves_by_it() -> None:
    window = Window(20, 10_000)
    history: list[str] = []
    begins = []
    for number in range(40):
        history += turn(number)
        begins.append(history.index(shown(window, history)[0]))

    assert sorted(set(begins)) == [0, 10, 20, 30, 40, 50, 60, 70][: len(set(begins))]
    assert all(later >= earlier for earlier, later in pairwise(begins))
    assert all(begins.count(begin) >= 4 for begin in set(begins[:-5]))


def test_a_history_that_was_trimmed_by_blocks_of_steps_shows_the_same() -> None:
    window = Window(20, 10_000)
    history = [item for number in range(60) for item in turn(number)]

    assert shown(window, history) == shown(window, history[100:])


def test_a_turn_longer_than_the_window_is_shown_whole() -> None:
    history = [*turn(1), *turn(2, tools=10)]

    assert shown(Window(6, 10_000), history) == turn(2, tools=10)


def test_characters_count_too() -> None:
    history = [item for number in range(8) for item in turn(number, size=1000)]
    window = Window(20, 4_000)
    part = shown(window, history)

    assert 0 < sum(map(len, part)) <= 4_000
    assert part == history[-len(part) :]
    assert shown(window, turn(1, size=5_000)) == []


@pytest.mark.parametrize("question", ['{"content":"hi","role":"user"}', '{"role": "user"}'])
def test_a_history_that_others_wrote_is_understood(question: str) -> None:
    history = [question, '{"content": "hello", "role": "assistant"}']

    assert shown(Window(20, 10_000), history) == history


@given(
    turns=st.lists(st.tuples(st.integers(0, 10), st.integers(1, 300)), max_size=30),
    most=st.integers(2, 30),
    characters=st.integers(200, 3_000),
)
def test_what_is_shown_is_the_end_of_the_history_and_begins_with_a_question(
    turns: list[tuple[int, int]], most: int, characters: int
) -> None:
    history = [
        item for number, (tools, size) in enumerate(turns) for item in turn(number, tools, size)
    ]
    part = shown(Window(most, characters), history)

    assert part == history[len(history) - len(part) :]
    assert sum(map(len, part)) <= characters
    if part:
        assert json.loads(part[0])["role"] == "user"
        questions = sum(json.loads(item)["role"] == "user" for item in part)
        assert len(part) < most or questions == 1
