"""Rich messages that are refused: the five limits, wrong fields, and too deep nesting."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.telegram.errors import BotApiError
from sandbox.telegram.rich.message_parser import parse_rich_message
from sandbox.telegram.rich.plain_text import render_plain_text
from sandbox.tests.telegram.rich_blocks import Blocks, build_paragraph, parse_blocks


def build_nested_quotes(levels: int) -> Blocks:
    block = build_paragraph("a")
    for _ in range(levels):
        block = {"type": "blockquote", "blocks": [block]}
    return [block]


def build_table(columns: int) -> Blocks:
    cell = {"align": "left", "valign": "top", "text": "a"}
    return [{"type": "table", "cells": [[cell] * columns]}]


def build_photos(count: int) -> Blocks:
    return [{"type": "photo", "photo": {"type": "photo", "media": "file-id"}}] * count


@pytest.mark.parametrize(
    ("allowed", "refused", "code"),
    [
        ([build_paragraph("я" * 32_768)], [build_paragraph("я" * 32_769)], "TEXT_TOO_LONG"),
        ([build_paragraph("a")] * 500, [build_paragraph("a")] * 501, "BLOCKS_TOO_MANY"),
        (build_nested_quotes(16), build_nested_quotes(17), "DEPTH_INVALID"),
        (build_photos(50), build_photos(51), "MEDIA_TOO_MANY"),
        (build_table(20), build_table(21), "TABLE_COLS_TOO_MANY"),
    ],
)
def test_five_limits_are_enforced(allowed: Blocks, refused: Blocks, code: str) -> None:
    assert parse_blocks(blocks=allowed)
    with pytest.raises(BotApiError) as refusal:
        parse_blocks(blocks=refused)
    assert (refusal.value.code, refusal.value.description) == (
        400,
        f"Bad Request: RICH_MESSAGE_{code}",
    )


def test_formulas_emoji_and_button_labels_count_as_text() -> None:
    button = {"text": "b" * 100, "callback_data": "d"}
    emoji = {"type": "custom_emoji", "custom_emoji_id": "1", "alternative_text": "e" * 100}
    blocks: Blocks = [
        {"type": "mathematical_expression", "expression": "x" * 100},
        {"type": "buttons", "buttons": [button]},
        build_paragraph(["a" * 32_468, emoji]),
    ]
    assert parse_blocks(blocks=blocks)
    blocks[0]["expression"] += "x"
    with pytest.raises(BotApiError, match="TEXT_TOO_LONG"):
        parse_blocks(blocks=blocks)


def build_button_row(**fields: Any) -> Blocks:
    return [{"type": "buttons", "buttons": [{"text": "a", **fields}]}]


REFUSED_CASES: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "rich message must be non-empty"),
    ({"is_rtl": True}, "rich message must be non-empty"),
    ({"markdown": "a", "html": "a"}, "can't parse InputRichMessage: exactly one of the fields"),
    ({"markdown": "  "}, "RICH_MESSAGE_MARKDOWN_INVALID"),
    ({"markdown": "<b>a"}, "RICH_MESSAGE_MARKDOWN_INVALID"),
    ({"markdown": "## "}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"html": ""}, "RICH_MESSAGE_HTML_INVALID"),
    ({"html": "<b>a"}, "RICH_MESSAGE_HTML_INVALID"),
    ({"html": "a</b>"}, "RICH_MESSAGE_HTML_INVALID"),
    ({"html": "<b><i>a</b></i>"}, "RICH_MESSAGE_HTML_INVALID"),
    ({"html": "<li>a</li>"}, "RICH_MESSAGE_HTML_INVALID"),
    ({"html": "<h2></h2>"}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"html": "<p>a<ul><li>b</li></ul></p>"}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"html": '<p><img src="https://a.example/b.png"></p>'}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"html": "<details><summary></summary></details>"}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"html": "<tg-collage></tg-collage>"}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"html": "<tg-thinking>a</tg-thinking>"}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"blocks": []}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"blocks": [build_paragraph("")]}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"blocks": [{"type": "thinking", "text": "a"}]}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"blocks": "a"}, "can't parse InputRichBlock: expected an Array"),
    ({"blocks": ["a"]}, "can't parse InputRichBlock: expected an Object"),
    ({"blocks": [{"type": "header"}]}, "can't parse InputRichBlock: Unsupported type specified"),
    ({"blocks": [build_paragraph(5)]}, "can't parse InputRichBlock: expected an Object"),
    (
        {"blocks": [build_paragraph({"type": "red"})]},
        "can't parse InputRichBlock: Unsupported rich",
    ),
    (
        {"blocks": [build_paragraph({"type": "url", "text": "a"})]},
        "can't parse InputRichBlock: Can't find field \"url\"",
    ),
    (
        {"blocks": [{"type": "heading", "text": "a"}]},
        "can't parse InputRichBlock: Can't find field \"size\"",
    ),
    ({"blocks": [{"type": "heading", "text": "a", "size": 7}]}, "can't parse InputRichBlock:"),
    (
        {"blocks": [{"type": "list", "items": [{"blocks": []}, {"blocks": [], "value": 2}]}]},
        "list must be either ordered or unordered",
    ),
    ({"blocks": [{"type": "table", "cells": [[None]]}]}, "table cell must be non-empty"),
    ({"blocks": [{"type": "table", "cells": [[{"text": "a"}]]}]}, "can't parse InputRichBlock:"),
    ({"blocks": build_button_row()}, "can't parse RichMessageButton:"),
    (
        {"blocks": build_button_row(url="t.me", callback_data="a")},
        "can't parse RichMessageButton: exactly",
    ),
    ({"blocks": build_button_row(callback_data="я" * 33)}, "BUTTON_DATA_INVALID"),
    ({"blocks": build_button_row(url="t.me", style="link")}, "BUTTON_STYLE_INVALID"),
)


@pytest.mark.parametrize(("fields", "description"), REFUSED_CASES)
def test_invalid_rich_messages_are_refused(fields: dict[str, Any], description: str) -> None:
    with pytest.raises(BotApiError) as refused:
        parse_rich_message(fields, lambda *_: None)
    assert refused.value.code == 400
    assert refused.value.description.startswith(f"Bad Request: {description}")


def test_extreme_nesting_is_refused() -> None:
    for deep in (
        {"html": "<b>" * 5000 + "a" + "</b>" * 5000},
        {"blocks": build_nested_quotes(5000)},
    ):
        with pytest.raises(BotApiError, match="RICH_MESSAGE_DEPTH_INVALID"):
            parse_blocks(**deep)


def test_markdown_loses_no_text_up_to_maximal_nesting() -> None:
    lists = "\n".join(f"{'  ' * level}- level {level}" for level in range(16))
    assert render_plain_text(parse_blocks(markdown=lists)).count("level") == 16
    with pytest.raises(BotApiError, match="DEPTH_INVALID"):
        parse_blocks(markdown="> " * 17 + "a")


FRAGMENTS = (
    "a b c <b> </b> <i> </i> <p> </p> <br> <ul><li> </li></ul> <h2> </h2> <pre> </pre> <code> "
    "</code> <blockquote> </blockquote> <table><tr><td> </td></tr></table> <details><summary> "
    "</summary> </details> <tg-math> </tg-math> <nonsense> <![x <!-- --> < > & &lt; &#9; "
    "&#x110000; ** * _ ` ``` # > - 1. | $ $$ == || ~~ [ ] ( ) [^1] [^1]: ! \\ 🏟 @alice /go t.me"
)


@settings(max_examples=300, deadline=None)
@given(
    form=st.sampled_from(["markdown", "html"]),
    parts=st.lists(st.sampled_from([*FRAGMENTS.split(), "\n", "\n\n", " "]), max_size=25),
)
def test_any_model_output_is_refused_or_parsed_to_sendable_blocks(
    form: str, parts: list[str]
) -> None:
    def read(**fields: Any) -> Blocks:
        """Parse a message; any error except a refusal fails the test."""
        fields |= {"skip_entity_detection": True}
        blocks: Blocks = parse_rich_message(fields, lambda *_: None)["blocks"]
        return blocks

    blocks: Blocks = []
    with contextlib.suppress(BotApiError):
        blocks = read(**{form: "".join(parts)})
    assert not blocks or read(blocks=blocks) == blocks
