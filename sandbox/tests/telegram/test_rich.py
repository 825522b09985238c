"""Rich messages: three ways in, one tree of blocks out; sent, edited and shown."""

from typing import Any

import pytest

from sandbox.telegram.rich.message import RichReader
from sandbox.tests.sandbox_harness import ALICE, BotRefused, SandboxHarness
from sandbox.tests.telegram.rich_blocks import Blocks, paragraph, read_blocks


def typed(kind: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "text": text, **more}


def list_item(*blocks: Any, **fields: Any) -> dict[str, Any]:
    return {"label": "•", "blocks": list(blocks), **fields}


def numbered_item(label: str, value: int, kind: str = "1") -> dict[str, Any]:
    return {"label": label, "blocks": [paragraph("a")], "value": value, "type": kind}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("one\ntwo", [paragraph("one two")]),
        ("**b**", [paragraph({"type": "bold", "text": "b"})]),
        ("==m==", [paragraph({"type": "marked", "text": "m"})]),
        ("||s||", [paragraph({"type": "spoiler", "text": "s"})]),
        ("~5 to~ 6", [paragraph([{"type": "strikethrough", "text": "5 to"}, " 6"])]),
        ("<u>a *b*</u>", [paragraph(typed("underline", ["a ", typed("italic", "b")]))]),
        ("$x<y$", [paragraph({"type": "mathematical_expression", "expression": "x<y"})]),
        (
            "$5 and $10",
            [paragraph([{"type": "mathematical_expression", "expression": "5 and"}, "10"])],
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
                        list_item(paragraph("a"), has_checkbox=True),
                        list_item(paragraph("b"), has_checkbox=True, is_checked=True),
                    ],
                }
            ],
        ),
        ("1986. a", [{"type": "list", "items": [numbered_item("1986.", 1986)]}]),
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
                    "blocks": [{"type": "blockquote", "blocks": [paragraph("q")]}],
                    "is_open": True,
                }
            ],
        ),
        (
            "a[^n]\n\n[^n]: b",
            [
                paragraph(
                    [
                        "a",
                        {
                            "type": "superscript",
                            "text": {"type": "anchor_link", "text": "1", "anchor_name": "n"},
                        },
                    ]
                ),
                paragraph(["1. ", {"type": "reference", "text": "b", "name": "n"}]),
            ],
        ),
        (
            "![22:45](tg://time?unix=9&format=wDT)",
            [
                paragraph(
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
def test_markdown(source: str, expected: Blocks) -> None:
    assert read_blocks(markdown=source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("one\ntwo<br>three", [paragraph("one two\nthree")]),
        ("<p>a</p>b", [paragraph("a"), paragraph("b")]),
        ("&lt;&nbsp;&hellip;&copy;&#x41;", [paragraph("<\u00a0…&copy;A")]),
        ('<a href="#x">a</a>', [paragraph(typed("anchor_link", "a", anchor_name="x"))]),
        (
            '<a href="mailto:a@b.c">m</a>',
            [paragraph(typed("email_address", "m", email_address="a@b.c"))],
        ),
        (
            '<a href="tg://user?id=7">u</a>',
            [paragraph(typed("text_mention", "u", user={"id": 7}))],
        ),
        ('<a name="x"></a>', [{"type": "anchor", "name": "x"}]),
        (
            '<ol start="3" type="a" reversed><li>a</li><li>a</li></ol>',
            [{"type": "list", "items": [numbered_item("c.", 3, "a"), numbered_item("b.", 2, "a")]}],
        ),
        (
            '<ol><li value="9" type="I">a</li></ol>',
            [{"type": "list", "items": [numbered_item("IX.", 9, "I")]}],
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
def test_html(source: str, expected: Blocks) -> None:
    assert read_blocks(html=source) == expected


def test_blocks_may_be_sent_as_they_come_back() -> None:
    sent = read_blocks(markdown="# H\n\ntext **b**\n\n- [x] a\n\n|a|\n|-|\n|b|\n\n> q")
    for item in sent[2]["items"]:
        del item["label"]
    assert read_blocks(blocks=sent)[2]["items"][0]["is_checked"] is True


def test_links_and_mentions_are_found_unless_the_bot_says_no() -> None:
    (found,) = read_blocks(markdown="*see* t.me @alice `@code` #tag /go a@t.me")
    kinds = [piece["type"] for piece in found["text"] if isinstance(piece, dict)]
    assert kinds == ["italic", "url", "mention", "code", "hashtag", "bot_command", "email_address"]
    (plain,) = read_blocks(html="t.me @alice", skip_entity_detection=True)
    assert plain["text"] == "t.me @alice"


async def test_a_sent_rich_message_comes_back_without_a_text(sandbox: SandboxHarness) -> None:
    rich = {"markdown": "# Plan\n\n- [x] [Bob](tg://user?id=1002)\n- [ ] [x](tg://user?id=7)"}
    sent = await sandbox.bot("sendRichMessage", chat_id=ALICE, rich_message=rich)
    assert not {"text", "entities"} & sent.keys()
    items = sent["rich_message"]["blocks"][1]["items"]
    assert items[0]["blocks"][0]["text"]["user"]["first_name"] == "Боб"
    assert items[1]["blocks"][0]["text"] == "x"
    (shown,) = await sandbox.chat_messages()
    assert shown["text"] == "Plan\n☑ Bob\n☐ x"
    assert shown["rich_message"]["blocks"][0]["type"] == "heading"
    assert await sandbox.violations() == []


async def test_a_text_is_edited_into_a_rich_message_and_back(sandbox: SandboxHarness) -> None:
    sent = await sandbox.bot("sendMessage", chat_id=ALICE, text="x")
    where = {"chat_id": ALICE, "message_id": sent["message_id"]}
    rich = {"html": "<h1>y</h1>"}
    edited = await sandbox.bot("editMessageText", rich_message=rich, **where)
    assert edited["rich_message"]["blocks"] == [{"type": "heading", "text": "y", "size": 1}]
    with pytest.raises(BotRefused, match="message is not modified"):
        await sandbox.bot("editMessageText", rich_message=rich, **where)
    with pytest.raises(BotRefused, match="exactly one of text and rich_message"):
        await sandbox.bot("editMessageText", rich_message=rich, text="z", **where)
    assert (await sandbox.bot("editMessageText", text="z", **where))["text"] == "z"


async def test_what_telegram_would_load_or_ignore_is_noted(sandbox: SandboxHarness) -> None:
    blocks = [{"type": "paragraph", "text": "a", "colour": "red"}]
    for rich in (
        {"blocks": blocks, "parse_mode": "HTML"},
        {"markdown": "![](https://evil.example/?q=secret)"},
        {"html": "<font>a</font>"},
    ):
        await sandbox.bot("sendRichMessage", chat_id=ALICE, rich_message=rich, text="b")
    assert await sandbox.violations() == [
        "sendRichMessage: unknown_parameter: text",
        "sendRichMessage: unknown_parameter: rich_message.parse_mode",
        "sendRichMessage: unknown_parameter: paragraph.colour",
        "sendRichMessage: unknown_parameter: text",
        "sendRichMessage: loads_address: https://evil.example/?q=secret",
        "sendRichMessage: unknown_parameter: text",
    ]
    warnings = (await sandbox.page("GET", "/chat/api/violations"))["warnings"]
    assert [one["detail"] for one in warnings] == ["<font> is not a tag of rich messages"]
    assert (await sandbox.chat_messages())[-1]["text"] == "<font>a</font>"


@pytest.mark.parametrize(
    ("media", "warned"),
    [
        ([{"id": "p1", "media": {"type": "photo", "media": "file-id"}}], []),
        ([], ["tg://photo?id=p1 names none of the message's media"]),
    ],
)
def test_media_of_the_message_are_named_by_their_ids(media: Blocks, warned: list[str]) -> None:
    told: list[str] = []
    reader = RichReader(told.append, told.append, told.append, is_draft=False)
    (photo,) = reader.read({"markdown": "![](tg://photo?id=p1)", "media": media})["blocks"]
    assert photo["type"] == "photo"
    assert told == warned
