import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegramify_markdown.entity import MessageEntity, utf16_len

from tg_bot.src.rendering.formatted_text import MAX_MESSAGE_LENGTH, FormattedText, split


def split_texts(text: str, limit: int = MAX_MESSAGE_LENGTH) -> list[str]:
    return [part.text for part in split(FormattedText(text), limit)]


def test_text_that_fits_is_one_message() -> None:
    assert split_texts("x" * 4096) == ["x" * 4096]
    assert split_texts("👍" * 2048) == ["👍" * 2048]


def test_length_is_counted_in_utf16_units() -> None:
    assert split_texts("👍" * 2049) == ["👍" * 2048, "👍"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("first line\n\nsecond\nline", ["first line", "second\nline"]),
        ("one two\nthree four five", ["one two", "three four", "five"]),
        ("one two three four", ["one two three", "four"]),
        ("abcdefghijklmnopqrstuvwxyz", ["abcdefghijklmn", "opqrstuvwxyz"]),
    ],
)
def test_text_is_split_at_paragraphs_lines_and_words(text: str, parts: list[str]) -> None:
    assert split_texts(text, 14) == parts


def test_very_long_word_is_split_without_loss() -> None:
    parts = split_texts("a" * 9000)
    assert [len(part) for part in parts] == [4096, 4096, 808]


@pytest.mark.parametrize("cluster", ["👨‍👩‍👧‍👦", "👍🏽", "🇩🇪", "e\u0301", "1\ufe0f\u20e3"])
def test_grapheme_clusters_are_not_split(cluster: str) -> None:
    for before in range(12):
        for part in split_texts("x" * before + cluster * 10, 20):
            assert part.lstrip("x").replace(cluster, "") == ""


def test_code_block_that_fits_in_one_message_is_not_split() -> None:
    text = FormattedText("intro intro intro\ncode\ncode\ncode", (MessageEntity("pre", 18, 14),))
    first, second = split(text, 25)

    assert first.text == "intro intro intro"
    assert (second.text, second.entities) == ("code\ncode\ncode", (MessageEntity("pre", 0, 14),))


def test_entities_continue_in_the_next_part() -> None:
    text = FormattedText("🎉 bold words here", (MessageEntity("bold", 3, 15),))
    first, second = split(text, 10)

    assert (first.text, first.entities) == ("🎉 bold", (MessageEntity("bold", 3, 4),))
    assert (second.text, second.entities) == ("words here", (MessageEntity("bold", 0, 10),))


def test_blank_parts_are_dropped() -> None:
    assert split_texts("") == []
    assert split_texts(" \n\u200b\u200e ") == []
    assert split_texts("a" + "\n" * 30 + "b", 10) == ["a", "b"]


@given(
    st.text(st.sampled_from(["a", "é", " ", "\n", "👍", "\u200d", "🇩", "🏽"]), max_size=300),
    st.integers(8, 40),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), max_size=5),
)
def test_parts_are_short_enough_and_complete(
    text: str, limit: int, places: list[tuple[int, int]]
) -> None:
    length = utf16_len(text)
    entities = tuple(
        MessageEntity("bold", start, min(size, length - start))
        for start, size in places
        if start < length
    )
    parts = split(FormattedText(text, entities), limit)

    assert all(utf16_len(part.text) <= limit for part in parts)
    for part in parts:
        for entity in part.entities:
            assert 0 <= entity.offset < entity.offset + entity.length <= part.length
    joined = "".join(part.text for part in parts)
    assert joined.count("a") + joined.count("é") == text.count("a") + text.count("é")
    assert joined.count("👍") == text.count("👍")
