import pytest

from tg_bot.src.client.plain_text import flatten_rich_message

RICH = {
    "blocks": [
        {"type": "heading", "size": 1, "text": "Plan"},
        {
            "type": "paragraph",
            "text": ["Buy ", {"type": "bold", "text": ["good ", {"type": "code", "text": "tea"}]}],
        },
        {
            "type": "list",
            "items": [
                {"label": "1.", "blocks": [{"type": "paragraph", "text": "one"}]},
                {"label": "2.", "blocks": [{"type": "paragraph", "text": "two"}, {"text": "more"}]},
            ],
        },
        {"type": "table", "cells": [[{"text": "a"}, {"text": "b"}], [{"text": "1"}, {}]]},
        {"type": "mathematical_expression", "expression": "x^2"},
        {"type": "details", "summary": "Sum", "blocks": [{"type": "pre", "text": "code"}]},
        {"type": "photo", "photo": [], "caption": {"text": "A cat", "credit": "me"}},
        {"type": "divider"},
    ]
}


def test_rich_message_is_flattened_line_by_line() -> None:
    assert flatten_rich_message(RICH).splitlines() == [
        "Plan",
        "Buy good tea",
        "1. one",
        "2. two",
        "more",
        "a | b",
        "1 | ",
        "x^2",
        "Sum",
        "code",
        "A cat",
    ]


@pytest.mark.parametrize("value", [None, "x", 5, [], {}, {"blocks": 3}, {"blocks": [None, 1, "x"]}])
def test_invalid_rich_message_has_no_text(value: object) -> None:
    assert flatten_rich_message(value) == ""
