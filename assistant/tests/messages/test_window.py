"""How much of a history is shown."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.src.messages.item import ADDED, Item
from assistant.src.messages.window import LONGEST_TURN, Window


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
    longest = turn(2, tools=(LONGEST_TURN - 1) // 2)
    history = [*turn(1), *longest]

    assert shown(Window(6, 10_000), history) == longest


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


def thoughtful(number: int, size: int) -> list[str]:
    """A question and an answer to which a provider added so much."""
    question, answered = (json.loads(item) for item in turn(number))
    added = {"by": "provider/model", "keys": {"reasoning_content": "x" * size}}
    return [Item.of(question).json, Item.of(answered, added).json]


def plain(items: list[str]) -> list[str]:
    return [Item(item).plain for item in items]


def test_what_providers_added_takes_no_words_from_the_window() -> None:
    window = Window(20, 2_000)
    history = [item for number in range(5) for item in thoughtful(number, 33_000)]

    assert shown(window, history) == plain(history)


def test_what_providers_added_is_shown_of_the_newest_turns_as_far_as_it_fits() -> None:
    window = Window(20, 10_000)
    history = [item for number in range(5) for item in thoughtful(number, 1_000)]
    assert shown(window, history[:4]) == history[:4]
    assert shown(window, history) == [*plain(history[:-2]), *history[-2:]]

    history = [*thoughtful(1, 2_000), *thoughtful(2, 9_000)]
    assert shown(window, history) == plain(history)


def test_where_additions_are_shown_moves_by_steps_so_that_a_request_begins_as_the_one_before() -> (
    None
):
    window = Window(20, 10_000)
    history: list[str] = []
    before: list[str] = []
    moved = 0
    for number in range(50):
        history += thoughtful(number, 200)
        now = shown(window, history)
        moved += now[: len(before)] != before
        assert sum(ADDED in item for item in now) >= 3 or number < 3
        before = now

    assert moved <= 10, "with each fifth turn"


def test_a_turn_is_kept_with_additions_only_where_the_next_one_may_show_them() -> None:
    window = Window(20, 10_000)
    small = [Item(item) for item in (*thoughtful(1, 1_000), *thoughtful(1, 1_000))]
    large = [Item(item) for item in (*thoughtful(1, 1_000), *thoughtful(1, 2_000))]

    assert window.kept(small) == small
    assert [item.json for item in window.kept(large)] == plain([item.json for item in large])


@given(sizes=st.lists(st.integers(0, 3_000), max_size=30), most=st.integers(2, 30))
def test_additions_change_nothing_of_the_words(sizes: list[int], most: int) -> None:
    window = Window(most, 2_000)
    history = [item for number, size in enumerate(sizes) for item in thoughtful(number, size)]
    part = shown(window, history)

    assert plain(part) == shown(window, plain(history))
    added = [len(item) - len(words) for item, words in zip(part, plain(part), strict=True)]
    assert sum(added) <= window.most_added
    whole = [at for at, size in enumerate(added) if size]
    assert all(added[at] for at in range(whole[0] if whole else len(added), len(added)) if at % 2)
