"""Rich messages from Markdown, HTML and blocks: parsed, sent, edited and shown."""

from typing import Any

import pytest

from sandbox.tests.sandbox_harness import ALICE, BotApiRefused, SandboxHarness
from sandbox.tests.telegram.rich_blocks import Blocks, build_paragraph, parse_blocks


def build_text_block(kind: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "text": text, **more}


def build_list_item(*blocks: Any, **fields: Any) -> dict[str, Any]:
    return {"label": "•", "blocks": list(blocks), **fields}


def build_numbered_item(label: str, value: int, kind: str = "1") -> dict[str, Any]:
    return {"label": label, "blocks": [build_paragraph("a")], "value": value, "type": kind}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("one\ntwo", [build_paragraph("one two")]),
        ("**b**", [build_paragraph({"type": "bold", "text": "b"})]),
        ("==m==", [build_paragraph({"type": "marked", "text": "m"})]),
        ("||s||", [build_paragraph({"type": "spoiler", "text": "s"})]),
        ("~5 to~ 6", [build_paragraph([{"type": "strikethrough", "text": "5 to"}, " 6"])]),
        (
            "<u>a *b*</u>",
            [
                build_paragraph(
                    build_text_block("underline", ["a ", build_text_block("italic", "b")])
                )
            ],
        ),
        ("$x<y$", [build_paragraph({"type": "mathematical_expression", "expression": "x<y"})]),
        (
            "$5 and $10",
            [build_paragraph([{"type": "mathematical_expression", "expression": "5 and"}, "10"])],
        ),
        ("$$x$$", [{"type": "mathematical_expression", "expression": "x"}]),
        ("```math\nx\n```", [{"type": "mathematical_expression", "expression": "x"}]),
        ("```py\n a\n```", [{"type": "pre", "text": " a", "language": "py"}]),
        ("# H\n## \n---", [{"type": "heading", "text": "H", "size": 1}, {"type": "divider"}]),
        (
            "- [ ] a\n- [x] b",
            [
                {
                    "type": "list",
                    "items": [
                        build_list_item(build_paragraph("a"), has_checkbox=True),
                        build_list_item(build_paragraph("b"), has_checkbox=True, is_checked=True),
                    ],
                }
            ],
        ),
        ("1986. a", [{"type": "list", "items": [build_numbered_item("1986.", 1986)]}]),
        (
            "|a|\n|-:|\n|**b**|",
            [
                {
                    "type": "table",
                    "cells": [
                        [{"align": "right", "valign": "middle", "text": "a", "is_header": True}],
                        [
                            {
                                "align": "right",
                                "valign": "middle",
                                "text": {"type": "bold", "text": "b"},
                            }
                        ],
                    ],
                }
            ],
        ),
        (
            "<details open><summary>S *i*</summary>\n\n> q\n\n</details>",
            [
                {
                    "type": "details",
                    "summary": ["S ", {"type": "italic", "text": "i"}],
                    "blocks": [{"type": "blockquote", "blocks": [build_paragraph("q")]}],
                    "is_open": True,
                }
            ],
        ),
        (
            "a[^n]\n\n[^n]: b",
            [
                build_paragraph(
                    [
                        "a",
                        {
                            "type": "superscript",
                            "text": {"type": "anchor_link", "text": "1", "anchor_name": "n"},
                        },
                    ]
                ),
                build_paragraph(["1. ", {"type": "reference", "text": "b", "name": "n"}]),
            ],
        ),
        (
            "![22:45](tg://time?unix=9&format=wDT)",
            [
                build_paragraph(
                    {
                        "type": "date_time",
                        "text": "22:45",
                        "unix_time": 9,
                        "date_time_format": "wDT",
                    }
                )
            ],
        ),
    ],
)
def test_markdown_is_parsed_to_blocks(source: str, expected: Blocks) -> None:
    assert parse_blocks(markdown=source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("one\ntwo<br>three", [build_paragraph("one two\nthree")]),
        ("<p>a</p>b", [build_paragraph("a"), build_paragraph("b")]),
        ("&lt;&nbsp;&hellip;&copy;&#x41;", [build_paragraph("<\u00a0…&copy;A")]),
        (
            '<a href="#x">a</a>',
            [build_paragraph(build_text_block("anchor_link", "a", anchor_name="x"))],
        ),
        (
            '<a href="mailto:a@b.c">m</a>',
            [build_paragraph(build_text_block("email_address", "m", email_address="a@b.c"))],
        ),
        (
            '<a href="tg://user?id=7">u</a>',
            [build_paragraph(build_text_block("text_mention", "u", user={"id": 7}))],
        ),
        ('<a name="x"></a>', [{"type": "anchor", "name": "x"}]),
        (
            '<ol start="3" type="a" reversed><li>a</li><li>a</li></ol>',
            [
                {
                    "type": "list",
                    "items": [build_numbered_item("c.", 3, "a"), build_numbered_item("b.", 2, "a")],
                }
            ],
        ),
        (
            '<ol><li value="9" type="I">a</li></ol>',
            [{"type": "list", "items": [build_numbered_item("IX.", 9, "I")]}],
        ),
        (
            "<blockquote collapsed>a<cite>c</cite></blockquote>",
            [{"type": "expandable_blockquote", "text": "a", "credit": "c"}],
        ),
        ("<aside>a<cite>c</cite></aside>", [{"type": "pullquote", "text": "a", "credit": "c"}]),
        ("<footer>a</footer><hr/>", [{"type": "footer", "text": "a"}, {"type": "divider"}]),
        (
            (
                "<table bordered striped compact><caption>c</caption>"
                '<tr><td colspan="2" valign="top">a</td><td></td></tr></table>'
            ),
            [
                {
                    "type": "table",
                    "cells": [
                        [
                            {"align": "left", "valign": "top", "text": "a", "colspan": 2},
                            {"align": "left", "valign": "middle"},
                        ]
                    ],
                    "is_bordered": True,
                    "is_striped": True,
                    "is_compact": True,
                    "caption": "c",
                }
            ],
        ),
        (
            (
                '<tg-button-row align="right">'
                '<tg-button type="callback_data" data="d" style="link">a</tg-button>'
                '<tg-button type="url" url="https://t.me/">b</tg-button></tg-button-row>'
            ),
            [
                {
                    "type": "buttons",
                    "buttons": [
                        {"text": "a", "style": "link", "callback_data": "d"},
                        {"text": "b", "url": "https://t.me/"},
                    ],
                    "align": "right",
                }
            ],
        ),
    ],
)
def test_html_is_parsed_to_blocks(source: str, expected: Blocks) -> None:
    assert parse_blocks(html=source) == expected


def test_received_blocks_can_be_sent_again() -> None:
    sent = parse_blocks(markdown="# H\n\ntext **b**\n\n- [x] a\n\n|a|\n|-|\n|b|\n\n> q")
    for item in sent[2]["items"]:
        del item["label"]
    assert parse_blocks(blocks=sent)[2]["items"][0]["is_checked"] is True


def test_links_are_detected_unless_detection_is_skipped() -> None:
    (found,) = parse_blocks(markdown="*see* t.me @alice `@code` #tag /go a@t.me")
    kinds = [piece["type"] for piece in found["text"] if isinstance(piece, dict)]
    assert kinds == ["italic", "url", "mention", "code", "hashtag", "bot_command", "email_address"]
    (plain,) = parse_blocks(html="t.me @alice", skip_entity_detection=True)
    assert plain["text"] == "t.me @alice"


async def test_sent_rich_message_has_no_text(sandbox: SandboxHarness) -> None:
    rich = {"markdown": "# Plan\n\n- [x] [Bob](tg://user?id=1002)\n- [ ] [x](tg://user?id=7)"}
    sent = await sandbox.call_bot_api("sendRichMessage", chat_id=ALICE, rich_message=rich)
    assert not {"text", "entities"} & sent.keys()
    items = sent["rich_message"]["blocks"][1]["items"]
    assert items[0]["blocks"][0]["text"]["user"]["first_name"] == "Боб"
    assert items[1]["blocks"][0]["text"] == "x"
    (shown,) = await sandbox.list_messages()
    assert shown["text"] == "Plan\n☑ Bob\n☐ x"
    assert shown["rich_message"]["blocks"][0]["type"] == "heading"
    assert await sandbox.get_violations() == []


async def test_text_can_be_edited_to_rich_message_and_back(sandbox: SandboxHarness) -> None:
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    where = {"chat_id": ALICE, "message_id": sent["message_id"]}
    rich = {"html": "<h1>y</h1>"}
    edited = await sandbox.call_bot_api("editMessageText", rich_message=rich, **where)
    assert edited["rich_message"]["blocks"] == [{"type": "heading", "text": "y", "size": 1}]
    with pytest.raises(BotApiRefused, match="message is not modified"):
        await sandbox.call_bot_api("editMessageText", rich_message=rich, **where)
    with pytest.raises(BotApiRefused, match="exactly one of text and rich_message"):
        await sandbox.call_bot_api("editMessageText", rich_message=rich, text="z", **where)
    assert (await sandbox.call_bot_api("editMessageText", text="z", **where))["text"] == "z"


async def test_loaded_urls_and_unknown_fields_are_recorded(sandbox: SandboxHarness) -> None:
    blocks = [{"type": "paragraph", "text": "a", "colour": "red"}]
    for rich in (
        {"blocks": blocks, "parse_mode": "HTML"},
        {"markdown": "![](https://evil.example/?q=secret)"},
        {"html": "<font>a</font>"},
    ):
        await sandbox.call_bot_api("sendRichMessage", chat_id=ALICE, rich_message=rich, text="b")
    assert await sandbox.get_violations() == [
        "sendRichMessage: unknown_parameter: text",
        "sendRichMessage: unknown_parameter: rich_message.parse_mode",
        "sendRichMessage: unknown_parameter: paragraph.colour",
        "sendRichMessage: unknown_parameter: text",
        "sendRichMessage: loads_address: https://evil.example/?q=secret",
        "sendRichMessage: unknown_parameter: text",
    ]
    assert (await sandbox.list_messages())[-1]["text"] == "<font>a</font>"
