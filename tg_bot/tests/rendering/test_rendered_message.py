"""Rich messages: built where they are needed, and within Telegram's limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg_bot.src.rendering.blocks import MAX_BLOCKS, MAX_TEXT_LENGTH, measure
from tg_bot.src.rendering.formatted_text import MAX_MESSAGE_LENGTH, is_blank, split
from tg_bot.src.rendering.rendered_message import MessagePart, render_message
from tg_bot.tests.rendering.test_markdown import MARKDOWN_FRAGMENTS

TABLE = "|a|b|\n|-|-|\n|1|2|"
FORMULA = "$x^2$"


def render_blocks(markdown: str) -> list[dict[str, Any]]:
    """Return the blocks of an answer that is one rich message."""
    (piece,) = render_message(markdown).rich_parts
    return [*piece.blocks]


@pytest.mark.parametrize(
    "markdown",
    [
        "",
        "plain",
        "# Head\n\n- [x] done\n- [ ] open\n\n> q\n\n```py\nx\n```",
        "$5 and $10 | x",
        "a|b",
    ],
)
def test_text_without_tables_and_formulas_is_not_rich(markdown: str) -> None:
    assert render_message(markdown).rich_parts == ()


def test_table_keeps_its_columns_and_alignment() -> None:
    (table,) = render_blocks("| a | *b* |\n|:-:|--:|\n| 1 | |")
    middle = {"valign": "middle"}
    assert table == {
        "type": "table",
        "is_bordered": True,
        "cells": [
            [
                {"align": "center", "text": "a", "is_header": True} | middle,
                {"align": "right", "text": {"type": "italic", "text": "b"}, "is_header": True}
                | middle,
            ],
            [{"align": "center", "text": "1"} | middle, {"align": "right"} | middle],
        ],
    }


def test_formulas_are_inline_or_blocks() -> None:
    assert render_blocks("so $x^2$.\nThen\n$$y=1$$\nend\n\n```math\nz\n```") == [
        {
            "type": "paragraph",
            "text": ["so ", {"type": "mathematical_expression", "expression": "x^2"}, ".\nThen"],
        },
        {"type": "mathematical_expression", "expression": "y=1"},
        {"type": "paragraph", "text": "end"},
        {"type": "mathematical_expression", "expression": "z"},
    ]


def test_task_has_a_checkbox() -> None:
    (tasks, _) = render_blocks(f"- [ ] open\n- [x] done\n\n  more\n\n{TABLE}")
    assert tasks["items"] == [
        {"blocks": [{"type": "paragraph", "text": "open"}], "has_checkbox": True},
        {
            "blocks": [
                {"type": "paragraph", "text": "done"},
                {"type": "paragraph", "text": "more"},
            ],
            "has_checkbox": True,
            "is_checked": True,
        },
    ]


def test_ordered_list_keeps_its_numbers() -> None:
    (items, _) = render_blocks(f"3. a\n4.\n5. b\n   - c\n\n{TABLE}")
    assert [(item["value"], item["type"]) for item in items["items"]] == [(3, "1"), (5, "1")]
    assert items["items"][1]["blocks"][1]["type"] == "list"


@pytest.mark.parametrize("empty", ["## ", "> ", "```\n```", "- ", "[](x)\u200b"[5:], "| |\n|-|"])
def test_empty_blocks_are_left_out(empty: str) -> None:
    assert [block["type"] for block in render_blocks(f"{empty}\n\n{FORMULA}")] == ["paragraph"]


def test_image_becomes_a_link() -> None:
    (paragraph,) = render_blocks(
        f"{FORMULA} ![cat](https://x.example/c.png) ![](https://x.example/d.png)"
    )
    links = [
        piece for piece in paragraph["text"] if isinstance(piece, dict) and piece["type"] == "url"
    ]
    assert [(link["text"], link["url"]) for link in links] == [
        ("cat", "https://x.example/c.png"),
        ("🖼", "https://x.example/d.png"),
    ]


@pytest.mark.parametrize(
    ("markdown", "pieces"),
    [
        ("https://a.example/x_(y).", ["https://a.example/x_(y)", "."]),
        ("[a](https://a.example)", ["a"]),
        ("[x](javascript:void)", ["x (javascript:void)"]),
        ("[https://b.example](https://a.example)", ["https://b.example"]),
        ("<b>hi</b> /help #tag", ["<b>hi</b> /help #tag"]),
        ("**a** ~5 ~~gone~~ ~6", ["a", " ~5 ", "gone", " ~6"]),
    ],
)
def test_inline_text_and_links_are_preserved(markdown: str, pieces: list[str]) -> None:
    (paragraph, _) = render_blocks(f"{markdown}\n\n{TABLE}")
    text = paragraph["text"]
    found = text if isinstance(text, list) else [text]
    shown = [piece if isinstance(piece, str) else piece["text"] for piece in found]
    assert "".join(shown) == "".join(pieces)
    assert all(piece["url"].startswith("https://a.example") for piece in found if "url" in piece)


class TestLimits:
    def test_long_answer_is_split_into_equal_rich_and_text_parts(self) -> None:
        paragraphs = [f"{number} " + "word " * 1500 for number in range(10)]
        rendered = render_message("\n\n".join([TABLE, *paragraphs, FORMULA]))

        assert len(rendered.rich_parts) == 3
        assert all(measure(piece.blocks).is_within_limits for piece in rendered.rich_parts)
        text = " ".join(" ".join(piece.text.text.split()) for piece in rendered.rich_parts)
        assert text == " ".join(rendered.text.text.split())

    def test_many_blocks_are_split_into_parts(self) -> None:
        rendered = render_message("\n\n".join([TABLE, *map(str, range(1200))]))
        assert [measure(piece.blocks).blocks for piece in rendered.rich_parts] == [
            MAX_BLOCKS,
            500,
            203,
        ]

    @pytest.mark.parametrize(
        "markdown",
        [
            "|" + "a|" * 21 + "\n|" + "-|" * 21,
            f"{TABLE}\n" + "|1|2|\n" * 600,
            f"{FORMULA} {'x' * MAX_TEXT_LENGTH}",
            "> " * 17 + FORMULA,
            "> " * 500 + FORMULA,
        ],
        ids=["columns", "rows", "text", "depth", "great depth"],
    )
    def test_content_beyond_the_limits_is_sent_as_text(self, markdown: str) -> None:
        rendered = render_message(markdown)
        assert rendered.rich_parts == ()
        assert not is_blank(rendered.text.text)

    @pytest.mark.parametrize("mark", ["$5,", "|", "\\(", "[", "> ", "`", "$$", "<a>", "|a|\n|-|\n"])
    def test_large_answers_are_rendered_quickly(self, mark: str) -> None:
        render_message(mark * 3000)  # seconds, where something is quadratic


def test_appended_paragraph_is_a_message_of_its_own() -> None:
    rendered = render_message(TABLE).append_paragraph("✓ Task: x")
    assert rendered.text.text.endswith("\n\n✓ Task: x")
    assert [piece.blocks != () for piece in rendered.rich_parts] == [True, False]
    assert rendered.rich_parts[-1].text.text == "✓ Task: x"
    assert render_message("plain").append_paragraph("✓").rich_parts == ()


RICH_FRAGMENTS = st.sampled_from(
    ["$x$", "$", "$$", "$5", "\\(", "\\)", "\\[x\\]", "\n|a|b|\n|-|-|\n|", "- [ ] ", "~", "^", "="]
)


@given(st.lists(MARKDOWN_FRAGMENTS | RICH_FRAGMENTS, max_size=60).map("".join))
def test_any_markdown_becomes_valid_messages(markdown: str) -> None:
    rendered = render_message(markdown)
    for piece in rendered.rich_parts:
        _assert_part_valid(piece)
    for part in split(rendered.text):
        assert not is_blank(part.text)


def _assert_part_valid(message_part: MessagePart) -> None:
    assert measure(message_part.blocks).is_within_limits
    _assert_blocks_valid(message_part.blocks)
    for part in split(message_part.text):
        assert 0 < part.length <= MAX_MESSAGE_LENGTH
        assert all(entity.offset + entity.length <= part.length for entity in part.entities)


def _assert_blocks_valid(blocks: Any) -> None:
    assert blocks
    for block in blocks:
        for name in ("text", "expression", "blocks", "items", "cells"):
            assert block.get(name, True), block
        assert block.get("type") not in ("photo", "animation", "video", "audio", "document")
        for inner in ("blocks", "items"):
            if inner in block:
                _assert_blocks_valid(block[inner])
