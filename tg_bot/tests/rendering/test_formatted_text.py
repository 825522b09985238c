from telegramify_markdown.entity import MessageEntity

from tg_bot.src.rendering.formatted_text import FormattedText, is_blank

BOLD = MessageEntity("bold", 3, 4)


def test_insertion_shifts_and_extends_entities() -> None:
    text = FormattedText("🎉 bold end", (BOLD,))

    assert text.insert(0, "ab").entities == (MessageEntity("bold", 5, 4),)
    assert text.insert(4, "👍").entities == (MessageEntity("bold", 3, 6),)
    assert text.insert(6, "x").entities == (BOLD,)
    assert text.insert(6, "x").text == "🎉 boldx end"


def test_appended_paragraph_is_outside_the_entities() -> None:
    text = FormattedText("🎉 bold \n", (MessageEntity("bold", 3, 6),)).append_paragraph("more")

    assert text.text == "🎉 bold\n\nmore"
    assert text.entities == (BOLD,)


def test_paragraph_after_blank_text_replaces_it() -> None:
    assert FormattedText(" \n").append_paragraph("more") == FormattedText("more")


def test_invisible_text_is_blank() -> None:
    assert is_blank(" \t\n\u200b\u2060")
    assert not is_blank("\u200b.")
