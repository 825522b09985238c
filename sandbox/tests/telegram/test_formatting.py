"""Markup is parsed to text and entities, and refused, exactly as on Telegram's servers."""

import pytest

from sandbox.telegram.errors import BotApiError
from sandbox.telegram.text.entities import Entity, nest_entities
from sandbox.telegram.text.formatted_text_parser import parse_formatted_text
from sandbox.telegram.text.html import HtmlParser
from sandbox.telegram.text.legacy_markdown import LegacyMarkdownParser
from sandbox.telegram.text.markdown_v2 import MarkdownV2Parser

Expected = tuple[str, list[tuple[object, ...]]]


def _to_expected(parsed: tuple[str, list[Entity]]) -> Expected:
    text, entities = parsed
    return text, [(e.type, e.offset, e.length, *e.details.values()) for e in entities]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("&ge;&lt;&gt;&amp;&quot;&laquo;&#65;&#x42;", ('&ge;<>&"&laquo;AB', [])),
        ("🏟<i>🏟 &lt🏟</i>", ("🏟🏟 <🏟", [("italic", 2, 6)])),
        ("<b>a<i>b</i></b>", ("ab", [("italic", 1, 1), ("bold", 0, 2)])),
        ("<em>a</><STRONG>b</strong>", ("ab", [("italic", 0, 1), ("bold", 1, 1)])),
        ("<u>a</u><ins>b</ins>", ("ab", [("underline", 0, 1), ("underline", 1, 1)])),
        ("<s>a</s><del>b</del>", ("ab", [("strikethrough", 0, 1), ("strikethrough", 1, 1)])),
        ('<span class = "tg-spoiler">a</span>', ("a", [("spoiler", 0, 1)])),
        ("<tg-spoiler>a</tg-spoiler>", ("a", [("spoiler", 0, 1)])),
        ("<b></b>x", ("x", [])),
        ("<a href='t.me?&lt;'>x</a>", ("x", [("text_link", 0, 1, "http://t.me/?<")])),
        ("<a>telegram.org</a>", ("telegram.org", [("text_link", 0, 12, "http://telegram.org/")])),
        ("<a href='nonsense'>x</a>", ("x", [])),
        ("<a href='tg://user?id=7'>x</a>", ("x", [("text_mention", 0, 1, {"id": 7})])),
        ("<pre>a</pre><code>b</code>", ("ab", [("pre", 0, 1), ("code", 1, 1)])),
        ('<pre><code class="language-py">a</code></pre>', ("a", [("pre", 0, 1, "py")])),
        ('<code class="language-py"><pre>a</pre></code>', ("a", [("pre", 0, 1, "py")])),
        ('<pre> <code class="language-py">a</code></pre>', (" a", [("code", 1, 1), ("pre", 0, 2)])),
        ("<blockquote>a</blockquote>", ("a", [("blockquote", 0, 1)])),
        ("<blockquote expandable>a</blockquote>", ("a", [("expandable_blockquote", 0, 1)])),
        ("<tg-emoji emoji-id='5'>👍</tg-emoji>", ("👍", [])),
        ("<tg-time unix='5' format='t'>x</tg-time>", ("x", [("date_time", 0, 1, 5, "t")])),
    ],
)
def test_html_is_parsed(source: str, expected: Expected) -> None:
    assert _to_expected(HtmlParser(source).parse()) == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("🏟 🏟&lt;<abacaba", "Unclosed start tag at byte offset 13"),
        ("🏟 🏟&lt;<abac>", 'Unsupported start tag "abac" at byte offset 13'),
        ("<i   =aba>", 'Empty attribute name in the tag "i" at byte offset 0'),
        ("<i    aba>", 'Can\'t find end tag corresponding to start tag "i"'),
        ("<i    aba  =  ", 'Unclosed start tag "i" at byte offset 0'),
        ("<i    aba  =  190azAz-.,", "Unexpected end of name token at byte offset 14"),
        ('<i aba="&lt;&gt;&quot;>', "Unclosed start tag at byte offset 0"),
        ("</b>", "Unexpected end tag at byte offset 0"),
        ("<i>a</i   ", "Unclosed end tag at byte offset 4"),
        ("<i>a</em>", 'Unmatched end tag at byte offset 4, expected "</i>", found "</em>"'),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("&#xDFDF;", "Text contains invalid Unicode characters after decoding HTML entities"),
    ],
)
def test_invalid_html_is_refused(source: str, reason: str) -> None:
    with pytest.raises(BotApiError) as refused:
        parse_formatted_text(source, parse_mode="HTML")
    assert refused.value.description.startswith(f"Bad Request: can't parse entities: {reason}")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\\\_\*", (r"\_*", [])),
        ("🏟 🏟_🏟 *🏟*_", ("🏟 🏟🏟 🏟", [("bold", 8, 2), ("italic", 5, 5)])),
        ("🏟 🏟_🏟 __🏟___", ("🏟 🏟🏟 🏟", [("underline", 8, 2), ("italic", 5, 5)])),
        ("~a~||b||", ("ab", [("strikethrough", 0, 1), ("spoiler", 1, 1)])),
        ("`_* *_`", ("_* *_", [("code", 0, 5)])),
        ("```py\na\n```", ("a\n", [("pre", 0, 2, "py")])),
        ("```\n\na```", ("\na", [("pre", 0, 2)])),
        (r"[a\.b](https://t.me/\(x\))", ("a.b", [("text_link", 0, 3, "https://t.me/(x)")])),
        (r"[telegram\.org]", ("telegram.org", [("text_link", 0, 12, "http://telegram.org/")])),
        ("[a](nonsense)", ("a", [])),
        ("![👍](tg://emoji?id=25)a", ("👍a", [])),
        ("![22:45](tg://time?unix=9)", ("22:45", [("date_time", 0, 5, 9)])),
        ("**____", ("", [])),
        ("> \n> \n>", (" \n \n", [("blockquote", 0, 4)])),
        ("abc\n>d\n>e\nf", ("abc\nd\ne\nf", [("blockquote", 4, 4)])),
        (">\n**>2", ("\n2", [("blockquote", 0, 1), ("blockquote", 1, 1)])),
        ("*>abcd\n*", ("abcd\n", [("blockquote", 0, 5), ("bold", 0, 5)])),
        (">a\n>b||\nc", ("a\nb\nc", [("expandable_blockquote", 0, 4)])),
        (">a||b||", ("ab", [("spoiler", 1, 1), ("blockquote", 0, 2)])),
    ],
)
def test_markdown_v2_is_parsed(source: str, expected: Expected) -> None:
    assert _to_expected(MarkdownV2Parser(source).parse()) == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("🏟 🏟_abac * asd ", "Can't find end of Bold entity at byte offset 15"),
        ("🏟 🏟__🏟 🏟_", "Can't find end of Italic entity at byte offset 20"),
        ("🏟 🏟```a ", "Can't find end of PreCode entity at byte offset 9"),
        ("🏟 🏟||test\\|", "Can't find end of Spoiler entity at byte offset 9"),
        ("[a\\.b](asd\\)", "Can't find end of a URL at byte offset 7"),
        (">*b\n>c\nd*", "Can't find end of Bold entity at byte offset 1"),
        ("a>b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("Hello!", "Character '!' is reserved and must be escaped with the preceding '\\'"),
        ("1.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("![👍]", "Custom emoji entity must contain a tg://emoji URL"),
    ],
)
def test_invalid_markdown_v2_is_refused(source: str, reason: str) -> None:
    with pytest.raises(BotApiError) as refused:
        parse_formatted_text(source, parse_mode="markdownv2")
    assert refused.value.description == f"Bad Request: can't parse entities: {reason}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("*a* _b_ `c`", ("a b c", [("bold", 0, 1), ("italic", 2, 1), ("code", 4, 1)])),
        ("[x](t.me) 1.!", ("x 1.!", [("text_link", 0, 1, "http://t.me/")])),
        ("```py\na```", ("a", [("pre", 0, 1, "py")])),
        (r"\_a", ("_a", [])),
    ],
)
def test_legacy_markdown_is_parsed(source: str, expected: Expected) -> None:
    assert _to_expected(LegacyMarkdownParser(source).parse()) == expected


def test_invalid_legacy_markdown_is_refused() -> None:
    with pytest.raises(BotApiError, match="Can't find end of the entity starting at byte offset 2"):
        parse_formatted_text("a *b", parse_mode="Markdown")


@pytest.mark.parametrize(
    ("text", "options", "description"),
    [
        ("", {}, "message text is empty"),
        (" \n ", {}, "text must be non-empty"),
        ("<b> </b>", {"parse_mode": "HTML"}, "text must be non-empty"),
        ("x" * 4097, {}, "message is too long"),
        ("🏟" * 2049, {}, "message is too long"),
        ("x" * 32_769, {}, "text is too long"),
        ("x", {"parse_mode": "BBCode"}, "unsupported parse_mode"),
        (
            "🏟",
            {"entities": [{"type": "bold", "offset": 1, "length": 1}]},
            "entity begins in a middle of a UTF-16 symbol at UTF-16 offset 1",
        ),
        (
            "ab",
            {"entities": [{"type": "bold", "offset": 1, "length": 5}]},
            "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 6",
        ),
        (
            "ab",
            {"entities": [{"type": "bold", "offset": 2, "length": 1}]},
            "entity begins after the end of the text at UTF-16 offset 2",
        ),
        (
            "ab",
            {"entities": [{"type": "text_link", "offset": 0, "length": 1, "url": "x"}]},
            "entity URL 'x' is invalid: Wrong HTTP URL",
        ),
        (
            "ab",
            {"entities": [{"type": "huge", "offset": 0, "length": 1}]},
            "can't parse MessageEntity: Unsupported type specified",
        ),
        (
            "ab",
            {"entities": [{"type": "bold", "offset": 0}]},
            "can't parse MessageEntity: Can't find field \"length\"",
        ),
    ],
)
def test_invalid_text_and_entities_are_refused(
    text: str, options: dict[str, object], description: str
) -> None:
    with pytest.raises(BotApiError) as refused:
        parse_formatted_text(text, **options)  # type: ignore[arg-type]
    assert refused.value.description == f"Bad Request: {description}"


def test_text_of_4096_code_units_is_accepted() -> None:
    assert len(parse_formatted_text("🏟" * 2048).text) == 2048


def test_surrounding_space_is_removed_and_entities_are_moved() -> None:
    formatted = parse_formatted_text(
        "  a b \n", entities=[{"type": "bold", "offset": 4, "length": 3}]
    )
    assert formatted.text == "a b"
    assert formatted.entities_to_json() == [{"type": "bold", "offset": 2, "length": 1}]


def test_entities_are_ignored_with_a_parse_mode() -> None:
    formatted = parse_formatted_text(
        "a", parse_mode="HTML", entities=[{"type": "bold", "offset": 9, "length": 9}]
    )
    assert formatted.entities_to_json() == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.example/x?y=1, ok", [("url", 4, 23)]),
        ("(https://a.example/b_(c))", [("url", 1, 23)]),
        ("write to ann@mail.example or @ann_lee", [("email", 9, 16), ("mention", 29, 8)]),
        (
            "/start@some_bot #tag $USD",
            [("bot_command", 0, 15), ("hashtag", 16, 4), ("cashtag", 21, 4)],
        ),
        ("open github.com/x now", [("url", 5, 12)]),
        ("a/b 1/2 #1 x@", []),
    ],
)
def test_links_mentions_and_commands_are_detected(
    text: str, found: list[tuple[object, ...]]
) -> None:
    assert [(e.type, e.offset, e.length) for e in parse_formatted_text(text).entities] == found


def test_nothing_is_detected_in_code() -> None:
    formatted = parse_formatted_text("<code>https://a.example</code>", parse_mode="HTML")
    assert [entity.type for entity in formatted.entities] == ["code"]


def test_crossing_entities_are_split_and_code_contains_none() -> None:
    crossing = [Entity("bold", 0, 5), Entity("italic", 3, 5), Entity("code", 6, 4)]
    assert [(e.type, e.offset, e.length) for e in nest_entities(crossing)] == [
        ("bold", 0, 5),
        ("italic", 3, 2),
        ("italic", 5, 1),
        ("code", 6, 4),
    ]
