"""Rendering of a model's Markdown, broken Markdown included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegramify_markdown.entity import utf16_len

from tg_bot.src.rendering.formatted_text import MAX_MESSAGE_LENGTH, FormattedText, is_blank, split
from tg_bot.src.rendering.markdown import render_markdown

CODE_900 = "```python\n" + "\n".join(f"    line_{n} = '{n}'" for n in range(900)) + "\n```"

EDGE_CASES = {
    "an unclosed fence": ("```py\nx = 1", "x = 1", ["pre"]),
    "unclosed marks": ("**bold and _more", "**bold and _more", []),
    "a generic type": ("a List<String> of <tags>", "a List<String> of <tags>", []),
    "inline HTML": ("say <b>hi</b><br/>now", "say <b>hi</b><br/>now", []),
    "an HTML page": ("<div>\n<p>**x** `<b>`</p>\n</div>", "<div>\n<p>x <b></p>\n</div>", None),
    "a comment": ("<!-- secret -->\n\ntail", "<!-- secret -->\n\ntail", []),
    "an escaped bracket": (r"\<y> &lt;z&gt;", "<y> <z>", []),
    "HTML in code": ("`<i>` and\n```\n<p>\n```", "<i> and\n<p>", ["code", "pre"]),
    "an address in brackets": ("<https://a.example>", "https://a.example", ["text_link"]),
    "a comparison": ("1 < 2 > 0", "1 < 2 > 0", []),
    "headings": ("# One\n\n## Two", "One\n\nTwo", None),
    "nested lists": ("- a\n  - b\n    1. c", "• a\n  • b\n    1. c\n", []),
    "a task list": ("- [ ] open\n- [x] done", "⬜ open\n✅ done\n", []),
    "code in a tight list": ("- item\n  ```\n  x\n  ```\n- next", "• item\nx\n• next\n", ["pre"]),
    "a table": ("|a|b|\n|-|-|\n|1|2|", "a | b\n--+--\n1 | 2", ["pre"]),
    "prices": ("$5 and $10", "$5 and $10", []),
    "a family": ("**👨‍👩‍👧‍👦** ok", "👨‍👩‍👧‍👦 ok", ["bold"]),
    "right to left": ("**שלום** عليكم", "שלום عليكم", ["bold"]),
    "only a link without text": ("[](https://a.example)", "[](https://a.example)", []),
    "a rule": ("---", "————————", []),
    "nothing": ("", "", []),
}


@pytest.mark.parametrize("name", EDGE_CASES)
def test_edge_cases_are_rendered_completely(name: str) -> None:
    markdown, text, kinds = EDGE_CASES[name]
    rendered = render_markdown(markdown)
    assert rendered.text == text
    if kinds is not None:
        assert [entity.type for entity in rendered.entities] == kinds


def find_entities(rendered: FormattedText, kind: str) -> list[tuple[str, str | None]]:
    """Return the texts that entities of a kind cover, with their URL or language."""
    units = rendered.text.encode("utf-16-le")
    return [
        (
            units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le"),
            entity.url or entity.language,
        )
        for entity in rendered.entities
        if entity.type == kind
    ]


@pytest.mark.parametrize(
    ("markdown", "text", "links"),
    [
        ("![a cat](https://x.example/c.png)", "a cat", [("a cat", "https://x.example/c.png")]),
        ("![](https://x.example/c.png)", "🖼", [("🖼", "https://x.example/c.png")]),
        ("🎉 ![k][1]\n\n[1]: https://x.example", "🎉 k", [("k", "https://x.example")]),
    ],
)
def test_image_becomes_a_link(markdown: str, text: str, links: list[tuple[str, str]]) -> None:
    rendered = render_markdown(markdown)
    assert rendered.text == text
    assert find_entities(rendered, "text_link") == links


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**[x](http://localhost:80/a)** 🎉 *b*", "x (http://localhost:80/a) 🎉 b"),
        ("[y](docs/a.md) and [z](javascript:void)", "y (docs/a.md) and z (javascript:void)"),
        ("[http://localhost/](http://localhost/)", "http://localhost/"),
        ("[bad](http://[)", "bad (http://[)"),
    ],
)
def test_refused_link_is_written_out(markdown: str, text: str) -> None:
    rendered = render_markdown(markdown)
    assert rendered.text == text
    assert find_entities(rendered, "text_link") == []
    if "*b*" in markdown:
        assert find_entities(rendered, "italic") == [("b", None)]


def test_accepted_link_stays_a_link() -> None:
    rendered = render_markdown("[a (b)](https://x.example/a_(b)) [m](mailto:a@b.example)")
    assert find_entities(rendered, "text_link") == [
        ("a (b)", "https://x.example/a_(b)"),
        ("m", "mailto:a@b.example"),
    ]


def test_endlessly_nested_html_is_sent_unrendered() -> None:
    markdown = "<p>\n" * 2000
    assert render_markdown(markdown).text == markdown.strip()


def test_long_code_block_continues_in_the_next_message() -> None:
    parts = split(render_markdown(f"Here it is:\n\n{CODE_900}\n\nDone."))
    blocks = [find_entities(part, "pre") for part in parts]

    assert len(parts) > 4
    assert all(len(block) == 1 and block[0][1] == "python" for block in blocks)
    code = "\n".join(block[0][0] for block in blocks).rstrip("\n")
    assert code == CODE_900.removeprefix("```python\n").removesuffix("\n```")


MARKS = "* ** _ ~~ || ` ``` > - 1. # | |-|-| [ ]( ) ![ < > <b> </div> <!-- $ \\ \\( \\[ &lt;"
SAMPLE_WORDS = "https://a.example 👨‍👩‍👧 🇩🇪 é слово word —"
SPACES = ("\n", "\n\n", " ", "    ", "\t", "\r\n", "\x00", "\n> ", "\n- ", "\n# ")
MARKDOWN_FRAGMENTS = st.sampled_from([*MARKS.split(), *SAMPLE_WORDS.split(), *SPACES])


@given(st.lists(MARKDOWN_FRAGMENTS, max_size=80).map("".join))
def test_any_markdown_can_be_sent(markdown: str) -> None:
    for limit in (MAX_MESSAGE_LENGTH, 50):
        for part in split(render_markdown(markdown), limit):
            assert 0 < part.length == utf16_len(part.text) <= limit
            assert not is_blank(part.text)
            for entity in part.entities:
                assert entity.offset >= 0
                assert entity.length > 0
                assert entity.offset + entity.length <= part.length


@given(st.text(max_size=200))
def test_words_are_preserved(text: str) -> None:
    letters = [char for char in text if char.isalpha()]
    rendered = [char for char in render_markdown(" ".join(letters)).text if char.isalpha()]
    assert rendered == letters
