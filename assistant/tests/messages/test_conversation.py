"""How a conversation is shortened for a model that cannot take all of it."""

from assistant.src.messages.conversation import Conversation
from assistant.src.messages.item import Item


def said(number: int, size: int = 10, thought: int = 0) -> list[Item]:
    added = {"by": "provider/model", "keys": {"reasoning_content": "x" * thought}}
    return [
        Item.of({"role": "user", "content": f"question {number}"}),
        Item.of({"role": "assistant", "content": "x" * size}, added if thought else None),
    ]


def shortened(*history: Item) -> list[list[Item]]:
    """What each step leaves."""
    conversation = Conversation(history)
    left = []
    while conversation.shorten():
        left.append(list(conversation.history))
    return left


def test_half_is_left_and_half_of_that_and_then_nothing() -> None:
    history = [item for number in range(8) for item in said(number)]
    assert shortened(*history) == [history[8:], history[12:], []]


def test_characters_count_and_not_messages() -> None:
    history = [*said(1), *said(2, 2_000), *said(3), *said(4)]
    assert shortened(*history)[0] == history[4:]
    assert shortened(*said(1), *said(2, 2_000)) == [[]]


def test_what_providers_added_goes_before_any_half_and_counts_for_nothing() -> None:
    history = [item for number in range(4) for item in said(number, thought=3_000 * number)]
    words = [item.words for item in history]
    assert shortened(*history)[0] == words[4:]


def test_what_was_added_in_the_turn_itself_goes_last() -> None:
    conversation = Conversation()
    conversation.items += said(1, thought=3_000)
    words = [item.words for item in conversation.items]

    assert conversation.shorten()
    assert conversation.items == words
    assert not conversation.shorten(), "nothing is left to forget"
