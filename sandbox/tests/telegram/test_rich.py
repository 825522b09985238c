"""Rich messages: three ways in, one tree of blocks out, refusals with Telegram's codes."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.telegram.errors import BotApiError
from sandbox.telegram.rich.columns import WIDEST, width
from sandbox.telegram.rich.message import RichReader
from sandbox.telegram.rich.plain import plain_text
from sandbox.tests.sandbox_harness import ALICE, BotRefused, SandboxHarness

Blocks = list[dict[str, Any]]


def _read(is_draft: bool = False, **given: Any) -> Blocks:
    def unexpected(detail: str) -> None:
        raise AssertionError(detail)

    blocks: Blocks = RichReader(unexpected, unexpected, unexpected, is_draft=is_draft).read(given)[
        "blocks"
    ]
    return blocks


def _paragraph(text: Any) -> dict[str, Any]:
    return {"type": "paragraph", "text": text}


def _typed(kind: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "text": text, **more}


def _item(*blocks: Any, **fields: Any) -> dict[str, Any]:
    return {"label": "•", "blocks": list(blocks), **fields}


def _number(label: str, value: int, kind: str = "1") -> dict[str, Any]:
    return {"label": label, "blocks": [_paragraph("a")], "value": value, "type": kind}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("one\ntwo", [_paragraph("one two")]),
        ("**b**", [_paragraph({"type": "bold", "text": "b"})]),
        ("==m==", [_paragraph({"type": "marked", "text": "m"})]),
        ("||s||", [_paragraph({"type": "spoiler", "text": "s"})]),
        ("~5 to~ 6", [_paragraph([{"type": "strikethrough", "text": "5 to"}, " 6"])]),
        ("<u>a *b*</u>", [_paragraph(_typed("underline", ["a ", _typed("italic", "b")]))]),
        ("$x<y$", [_paragraph({"type": "mathematical_expression", "expression": "x<y"})]),
        (
            "$5 and $10",
            [_paragraph([{"type": "mathematical_expression", "expression": "5 and"}, "10"])],
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
                        _item(_paragraph("a"), has_checkbox=True),
                        _item(_paragraph("b"), has_checkbox=True, is_checked=True),
                    ],
                }
            ],
        ),
        ("1986. a", [{"type": "list", "items": [_number("1986.", 1986)]}]),
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
                    "blocks": [{"type": "blockquote", "blocks": [_paragraph("q")]}],
                    "is_open": True,
                }
            ],
        ),
        (
            "a[^n]\n\n[^n]: b",
            [
                _paragraph(
                    [
                        "a",
                        {
                            "type": "superscript",
                            "text": {"type": "anchor_link", "text": "1", "anchor_name": "n"},
                        },
                    ]
                ),
                _paragraph(["1. ", {"type": "reference", "text": "b", "name": "n"}]),
            ],
        ),
        (
            "![22:45](tg://time?unix=9&format=wDT)",
            [
                _paragraph(
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
    assert _read(markdown=source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("one\ntwo<br>three", [_paragraph("one two\nthree")]),
        ("<p>a</p>b", [_paragraph("a"), _paragraph("b")]),
        ("&lt;&nbsp;&hellip;&copy;&#x41;", [_paragraph("<\u00a0…&copy;A")]),
        ('<a href="#x">a</a>', [_paragraph(_typed("anchor_link", "a", anchor_name="x"))]),
        (
            '<a href="mailto:a@b.c">m</a>',
            [_paragraph(_typed("email_address", "m", email_address="a@b.c"))],
        ),
        (
            '<a href="tg://user?id=7">u</a>',
            [_paragraph(_typed("text_mention", "u", user={"id": 7}))],
        ),
        ('<a name="x"></a>', [{"type": "anchor", "name": "x"}]),
        (
            '<ol start="3" type="a" reversed><li>a</li><li>a</li></ol>',
            [{"type": "list", "items": [_number("c.", 3, "a"), _number("b.", 2, "a")]}],
        ),
        (
            '<ol><li value="9" type="I">a</li></ol>',
            [{"type": "list", "items": [_number("IX.", 9, "I")]}],
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
    assert _read(html=source) == expected


def test_blocks_may_be_sent_as_they_come_back() -> None:
    sent = _read(markdown="# H\n\ntext **b**\n\n- [x] a\n\n|a|\n|-|\n|b|\n\n> q")
    for item in sent[2]["items"]:
        del item["label"]
    assert _read(blocks=sent)[2]["items"][0]["is_checked"] is True


def test_links_and_mentions_are_found_unless_the_bot_says_no() -> None:
    (found,) = _read(markdown="*see* t.me @alice `@code` #tag /go a@t.me")
    kinds = [piece["type"] for piece in found["text"] if isinstance(piece, dict)]
    assert kinds == ["italic", "url", "mention", "code", "hashtag", "bot_command", "email_address"]
    (plain,) = _read(html="t.me @alice", skip_entity_detection=True)
    assert plain["text"] == "t.me @alice"


def _quotes(levels: int) -> Blocks:
    block = _paragraph("a")
    for _ in range(levels):
        block = {"type": "blockquote", "blocks": [block]}
    return [block]


def _table(columns: int) -> Blocks:
    cell = {"align": "left", "valign": "top", "text": "a"}
    return [{"type": "table", "cells": [[cell] * columns]}]


def _photos(count: int) -> Blocks:
    return [{"type": "photo", "photo": {"type": "photo", "media": "file-id"}}] * count


@pytest.mark.parametrize(
    ("allowed", "refused", "code"),
    [
        ([_paragraph("я" * 32_768)], [_paragraph("я" * 32_769)], "TEXT_TOO_LONG"),
        ([_paragraph("a")] * 500, [_paragraph("a")] * 501, "BLOCKS_TOO_MANY"),
        (_quotes(16), _quotes(17), "DEPTH_INVALID"),
        (_photos(50), _photos(51), "MEDIA_TOO_MANY"),
        (_table(20), _table(21), "TABLE_COLS_TOO_MANY"),
    ],
)
def test_the_five_limits(allowed: Blocks, refused: Blocks, code: str) -> None:
    assert _read(blocks=allowed)
    with pytest.raises(BotApiError) as no:
        _read(blocks=refused)
    assert (no.value.code, no.value.description) == (400, f"Bad Request: RICH_MESSAGE_{code}")


def test_formulas_emoji_and_button_labels_count_as_text() -> None:
    button = {"text": "b" * 100, "callback_data": "d"}
    emoji = {"type": "custom_emoji", "custom_emoji_id": "1", "alternative_text": "e" * 100}
    blocks: Blocks = [
        {"type": "mathematical_expression", "expression": "x" * 100},
        {"type": "buttons", "buttons": [button]},
        _paragraph(["a" * 32_468, emoji]),
    ]
    assert _read(blocks=blocks)
    blocks[0]["expression"] += "x"
    with pytest.raises(BotApiError, match="TEXT_TOO_LONG"):
        _read(blocks=blocks)


def _button(**fields: Any) -> Blocks:
    return [{"type": "buttons", "buttons": [{"text": "a", **fields}]}]


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
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
    ({"blocks": [_paragraph("")]}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"blocks": [{"type": "thinking", "text": "a"}]}, "RICH_MESSAGE_CONTENT_REQUIRED"),
    ({"blocks": "a"}, "can't parse InputRichBlock: expected an Array"),
    ({"blocks": ["a"]}, "can't parse InputRichBlock: expected an Object"),
    ({"blocks": [{"type": "header"}]}, "can't parse InputRichBlock: Unsupported type specified"),
    ({"blocks": [_paragraph(5)]}, "can't parse InputRichBlock: expected an Object"),
    ({"blocks": [_paragraph({"type": "red"})]}, "can't parse InputRichBlock: Unsupported rich"),
    (
        {"blocks": [_paragraph({"type": "url", "text": "a"})]},
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
    ({"blocks": _button()}, "can't parse RichMessageButton:"),
    ({"blocks": _button(url="t.me", callback_data="a")}, "can't parse RichMessageButton: exactly"),
    ({"blocks": _button(callback_data="я" * 33)}, "BUTTON_DATA_INVALID"),
    ({"blocks": _button(url="t.me", style="link")}, "BUTTON_STYLE_INVALID"),
)


@pytest.mark.parametrize(("given", "description"), REFUSED)
def test_refusals(given: dict[str, Any], description: str) -> None:
    with pytest.raises(BotApiError) as refused:
        RichReader(*[lambda _: None] * 3, is_draft=False).read(given)
    assert refused.value.code == 400
    assert refused.value.description.startswith(f"Bad Request: {description}")


def test_the_deepest_nesting_is_refused_and_breaks_nothing() -> None:
    for deep in ({"html": "<b>" * 5000 + "a" + "</b>" * 5000}, {"blocks": _quotes(5000)}):
        with pytest.raises(BotApiError, match="RICH_MESSAGE_DEPTH_INVALID"):
            _read(**deep)


def test_markdown_loses_nothing_up_to_the_deepest_nesting() -> None:
    lists = "\n".join(f"{'  ' * level}- level {level}" for level in range(16))
    assert plain_text(_read(markdown=lists)).count("level") == 16
    with pytest.raises(BotApiError, match="DEPTH_INVALID"):
        _read(markdown="> " * 17 + "a")


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
def test_whatever_a_model_writes_is_refused_or_comes_back_as_blocks_that_can_be_sent(
    form: str, parts: list[str]
) -> None:
    def read(**given: Any) -> Blocks:
        """Anything but a refusal fails the test."""
        reader = RichReader(*[lambda _: None] * 3, is_draft=False)
        blocks: Blocks = reader.read(given | {"skip_entity_detection": True})["blocks"]
        return blocks

    blocks: Blocks = []
    with contextlib.suppress(BotApiError):
        blocks = read(**{form: "".join(parts)})
    assert not blocks or read(blocks=blocks) == blocks


def test_plain_text_keeps_what_a_reader_needs() -> None:
    source = "# H\n\n1. a\n2. b\n\n|x|y|\n|-|-|\n|1|2|\n\n$$E$$\n\n<aside>q<cite>c</cite></aside>"
    assert plain_text(_read(markdown=source)) == "H\n1. a\n2. b\nx | y\n1 | 2\nE\nq\n— c"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("Tokyo", 5),
        ("Токио", 5),
        ("東京", 4),
        ("ﾄｳ", 2),
        ("café", 4),
        ("cafe\u0301", 4),
        ("🌍", 2),
        ("☀", 1),
        ("☀\ufe0f", 2),
        ("👍🏽", 2),
        ("👩\u200d👧", 2),
        ("👩\u200d❤\ufe0f\u200d👨", 2),
        ("🇩🇪", 2),
        ("1\ufe0f\u20e3", 2),
        ("±5 °C", 5),
    ],
)
def test_signs_are_as_wide_as_a_terminal_shows_them(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_table_as_plain_text_is_in_columns() -> None:
    source = "|City|№|Note|\n|-|-:|:-:|\n|東京|1|a|\n|Sankt Gallen|10||\n|☀️ Нью-Йорк|-5|abc|\n"
    assert plain_text(_read(markdown=source)).splitlines() == [
        "City         |  № | Note",
        "東京         |  1 |  a",
        "Sankt Gallen | 10 |",
        "☀️ Нью-Йорк  | -5 | abc",
    ]


def test_a_very_long_cell_moves_only_its_own_row() -> None:
    long = "x" * (WIDEST + 1)
    source = f"|a|b|\n|-|-|\n|{long}|1|\n|ccc|2|\n"
    assert plain_text(_read(markdown=source)).splitlines() == ["a   | b", f"{long} | 1", "ccc | 2"]


def test_rows_of_different_lengths_and_lines_in_a_cell_are_told_in_one_line_each() -> None:
    source = "<table><tr><td>a<br>b</td><td>c</td></tr><tr><td>d</td></tr></table>"
    assert plain_text(_read(html=source)) == "a b | c\nd"
