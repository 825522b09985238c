from telegramify_markdown.entity import MessageEntity

from tg_bot.src.rendering.formatted_text import FormattedText, is_blank

BOLD = MessageEntity("bold", 3, 4)


def test_what_is_inserted_moves_and_stretches_the_formatting() -> None:
    text = FormattedText("🎉 bold end", (BOLD,))

    assert text.insert(0, "ab").entities == (MessageEntity("bold", 5, 4),)
    assert text.insert(4, "👍").entities == (MessageEntity("bold", 3, 6),)
    assert text.insert(6, "x").entities == (BOLD,)
    assert text.insert(6, "x").text == "🎉 boldx end"


def test_a_text_that_follows_is_not_formatted_like_the_end_before_it() -> None:
    text = FormattedText("🎉 bold \n", (MessageEntity("bold", 3, 6),)).append_paragraph("more")

    assert text.text == "🎉 bold\n\nmore"
    assert text.entities == (BOLD,)


def test_a_text_after_nothing_stands_alone() -> None:
    assert FormattedText(" \n").append_paragraph("more") == FormattedText("more")


def test_blank_is_what_nobody_would_see() -> None:
    assert is_blank(" \t\n\u200b\u2060")
    assert not is_blank("\u200b.")
