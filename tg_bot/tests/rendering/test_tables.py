"""Tables in text messages, which cannot show tables."""

from tg_bot.src.rendering.markdown import render_markdown

NARROW = "| Name | Age |\n|:--|--:|\n| Anna | 30 |\n| Борис | 4 |\n\nafter"
WIDE = (
    "before\n\n| Name | Town | Remark |\n|-|-|-|\n"
    "| Anna | St Petersburg | likes **long** walks |\n| Bob | | |\n\nafter"
)


def entity_kinds(markdown: str) -> list[str]:
    return [entity.type for entity in render_markdown(markdown).entities]


def test_narrow_table_becomes_a_code_block() -> None:
    text = render_markdown(NARROW).text
    assert text == "Name  | Age\n------+----\nAnna  | 30\nБорис | 4\n\nafter"
    assert entity_kinds(NARROW) == ["pre"]


def test_wide_characters_keep_columns_aligned() -> None:
    text = render_markdown("|a|b|\n|-|-|\n|日本|1|\n|ab|👍|").text
    assert text == "a    | b\n-----+---\n日本 | 1\nab   | 👍"


def test_wide_table_becomes_a_list() -> None:
    assert render_markdown(WIDE).text == (
        "before\n\n• Name: Anna\n  • Town: St Petersburg\n  • Remark: likes long walks\n"
        "• Name: Bob\n\nafter"
    )
    assert entity_kinds(WIDE) == ["bold"]


def test_table_with_links_keeps_their_urls() -> None:
    rendered = render_markdown("|a|b|\n|-|-|\n|[x](https://a.example)|`c\\|d`|")
    assert rendered.text.strip() == "• a: x\n  • b: c|d"
    assert [entity.url for entity in rendered.entities] == ["https://a.example", None]


def test_empty_cell_starts_no_spoiler() -> None:
    assert render_markdown("|a||b|\n|-|-|-|\n|1||2|").text == "a |  | b\n--+--+--\n1 |  | 2"


def test_table_stays_in_its_quotation_or_list() -> None:
    quoted = render_markdown("> |a|b|\n> |-|-|\n> |1|2|\n>\n> end")
    assert quoted.text.startswith("a | b\n--+--\n1 | 2")
    assert {entity.type for entity in quoted.entities} == {"pre", "blockquote"}
    listed = render_markdown("- x\n\n  |a|b|\n  |-|-|\n  |1|2|\n- y").text
    assert "a | b\n--+--\n1 | 2" in listed
    assert listed.rstrip().endswith("• y")


def test_backticks_in_a_cell_do_not_end_the_block() -> None:
    assert render_markdown("|a|\n|-|\n|x ``` y|").text == "a\n-------\nx ``` y"


def test_table_without_rows_shows_its_header() -> None:
    assert render_markdown("|a very long name indeed|another long name|\n|-|-|").text == (
        "a very long name indeed · another long name"
    )
