"""How a conversation is shortened for a model that does not take all of it."""

from assistant.src.messages.conversation import Conversation
from assistant.src.messages.item import ChatItem


def make_exchange(number: int, size: int = 10, extras_size: int = 0) -> list[ChatItem]:
    added = {"by": "provider/model", "keys": {"reasoning_content": "x" * extras_size}}
    return [
        ChatItem.from_message({"role": "user", "content": f"question {number}"}),
        ChatItem.from_message(
            {"role": "assistant", "content": "x" * size}, added if extras_size else None
        ),
    ]


def list_shortenings(*history: ChatItem) -> list[list[ChatItem]]:
    """Return what each step leaves."""
    conversation = Conversation(history)
    left = []
    while conversation.shorten():
        left.append(list(conversation.history))
    return left


def test_half_is_left_and_half_of_that_and_then_nothing() -> None:
    history = [item for number in range(8) for item in make_exchange(number)]
    assert list_shortenings(*history) == [history[8:], history[12:], []]


def test_characters_count_and_not_messages() -> None:
    history = [*make_exchange(1), *make_exchange(2, 2_000), *make_exchange(3), *make_exchange(4)]
    assert list_shortenings(*history)[0] == history[4:]
    assert list_shortenings(*make_exchange(1), *make_exchange(2, 2_000)) == [[]]


def test_shortening_drops_provider_extras_before_messages() -> None:
    history = [
        item for number in range(4) for item in make_exchange(number, extras_size=3_000 * number)
    ]
    stripped = [item.without_extras for item in history]
    assert list_shortenings(*history)[0] == stripped[4:]


def test_extras_of_the_current_turn_are_dropped_last() -> None:
    conversation = Conversation()
    conversation.items += make_exchange(1, extras_size=3_000)
    stripped = [item.without_extras for item in conversation.items]

    assert conversation.shorten()
    assert conversation.items == stripped
    assert not conversation.shorten(), "nothing is left to forget"
