"""How much of a history a model sees."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.src.messages.context_window import MAX_TURN_ITEMS, ContextWindow
from assistant.src.messages.item import EXTRAS_KEY, ChatItem


def make_turn(number: int, tools: int = 0, size: int = 1) -> list[str]:
    """Return a question, some calls with their results, and an answer."""
    items = [{"role": "user", "content": f"{number} " + "x" * size}]
    for call in range(tools):
        items.append({"role": "assistant", "content": "", "tool_calls": [{"id": str(call)}]})
        items.append({"role": "tool", "tool_call_id": str(call), "content": "r"})
    items.append({"role": "assistant", "content": f"answer {number}"})
    return [json.dumps(item, separators=(",", ":")) for item in items]


def cut_window(window: ContextWindow, history: list[str], dropped: int = 0) -> list[str]:
    newest = history[-window.history_items_to_load :]
    return [item.json for item in window.truncate_history(newest, len(history))]


def test_a_short_history_is_shown_whole() -> None:
    history = [item for number in range(9) for item in make_turn(number)]

    assert cut_window(ContextWindow(20, 10_000), history) == history


def test_the_beginning_stays_for_half_a_window_and_then_moves_by_it() -> None:
    window = ContextWindow(20, 10_000)
    history: list[str] = []
    begins = []
    for number in range(40):
        history += make_turn(number)
        begins.append(history.index(cut_window(window, history)[0]))

    assert sorted(set(begins)) == [0, 10, 20, 30, 40, 50, 60, 70][: len(set(begins))]
    assert all(later >= earlier for earlier, later in pairwise(begins))
    assert all(begins.count(begin) >= 4 for begin in set(begins[:-5]))


def test_a_history_that_was_trimmed_by_blocks_of_steps_shows_the_same() -> None:
    window = ContextWindow(20, 10_000)
    history = [item for number in range(60) for item in make_turn(number)]

    assert cut_window(window, history) == cut_window(window, history[window.history_limit // 4 :])


@pytest.mark.parametrize("messages", [2, 3, 20, 21, 200, 1_000])
def test_what_a_trimmed_history_keeps_fills_the_window(messages: int) -> None:
    window = ContextWindow(messages, 10_000)
    quarter = window.history_limit // 4

    assert window.history_limit - quarter + 1 >= window.history_items_to_load
    assert quarter % max(1, messages // 2) == 0


def test_a_turn_longer_than_the_window_is_shown_whole() -> None:
    longest = make_turn(2, tools=(MAX_TURN_ITEMS - 1) // 2)
    history = [*make_turn(1), *longest]

    assert cut_window(ContextWindow(6, 10_000), history) == longest


def test_characters_count_too() -> None:
    history = [item for number in range(8) for item in make_turn(number, size=1000)]
    window = ContextWindow(20, 4_000)
    part = cut_window(window, history)

    assert 0 < sum(map(len, part)) <= 4_000
    assert part == history[-len(part) :]
    assert cut_window(window, make_turn(1, size=5_000)) == []


@pytest.mark.parametrize("question", ['{"content":"hi","role":"user"}', '{"role": "user"}'])
def test_a_history_that_others_wrote_is_understood(question: str) -> None:
    history = [question, '{"content": "hello", "role": "assistant"}']

    assert cut_window(ContextWindow(20, 10_000), history) == history


@given(
    turns=st.lists(st.tuples(st.integers(0, 10), st.integers(1, 300)), max_size=30),
    most=st.integers(2, 30),
    characters=st.integers(200, 3_000),
)
def test_window_is_the_end_of_the_history_from_a_question(
    turns: list[tuple[int, int]], most: int, characters: int
) -> None:
    history = [
        item
        for number, (tools, size) in enumerate(turns)
        for item in make_turn(number, tools, size)
    ]
    part = cut_window(ContextWindow(most, characters), history)

    assert part == history[len(history) - len(part) :]
    assert sum(map(len, part)) <= characters
    if part:
        assert json.loads(part[0])["role"] == "user"
        questions = sum(json.loads(item)["role"] == "user" for item in part)
        assert len(part) < most or questions == 1


def make_turn_with_extras(number: int, size: int) -> list[str]:
    """Return a question, and an answer with extras of this size."""
    question, answered = (json.loads(item) for item in make_turn(number))
    added = {"by": "provider/model", "keys": {"reasoning_content": "x" * size}}
    return [ChatItem.from_message(question).json, ChatItem.from_message(answered, added).json]


def strip_extras(items: list[str]) -> list[str]:
    return [ChatItem(item).json_without_extras for item in items]


def test_provider_extras_do_not_count_towards_the_window() -> None:
    window = ContextWindow(20, 2_000)
    history = [item for number in range(5) for item in make_turn_with_extras(number, 33_000)]

    assert cut_window(window, history) == strip_extras(history)


def test_newest_turns_keep_the_provider_extras_that_fit() -> None:
    window = ContextWindow(20, 10_000)
    history = [item for number in range(5) for item in make_turn_with_extras(number, 1_000)]
    assert cut_window(window, history[:4]) == history[:4]
    assert cut_window(window, history) == [*strip_extras(history[:-2]), *history[-2:]]

    history = [*make_turn_with_extras(1, 2_000), *make_turn_with_extras(2, 9_000)]
    assert cut_window(window, history) == strip_extras(history)


def test_start_of_provider_extras_moves_by_steps() -> None:
    window = ContextWindow(20, 10_000)
    history: list[str] = []
    before: list[str] = []
    moved = 0
    for number in range(50):
        history += make_turn_with_extras(number, 200)
        now = cut_window(window, history)
        moved += now[: len(before)] != before
        assert sum(EXTRAS_KEY in item for item in now) >= 3 or number < 3
        before = now

    assert moved <= 10, "with each fifth turn"


def test_history_stores_provider_extras_only_if_they_fit() -> None:
    window = ContextWindow(20, 10_000)
    small = [
        ChatItem(item)
        for item in (*make_turn_with_extras(1, 1_000), *make_turn_with_extras(1, 1_000))
    ]
    large = [
        ChatItem(item)
        for item in (*make_turn_with_extras(1, 1_000), *make_turn_with_extras(1, 2_000))
    ]

    assert window.strip_for_history(small) == small
    assert [item.json for item in window.strip_for_history(large)] == strip_extras(
        [item.json for item in large]
    )


@given(sizes=st.lists(st.integers(0, 3_000), max_size=30), most=st.integers(2, 30))
def test_additions_change_nothing_of_the_text(sizes: list[int], most: int) -> None:
    window = ContextWindow(most, 2_000)
    history = [
        item for number, size in enumerate(sizes) for item in make_turn_with_extras(number, size)
    ]
    part = cut_window(window, history)

    assert strip_extras(part) == cut_window(window, strip_extras(history))
    added = [
        len(item) - len(window_items)
        for item, window_items in zip(part, strip_extras(part), strict=True)
    ]
    assert sum(added) <= window.max_extras_characters
    whole = [at for at, size in enumerate(added) if size]
    assert all(added[at] for at in range(whole[0] if whole else len(added), len(added)) if at % 2)
