"""Plain text of rich messages, with aligned table columns."""

import pytest

from sandbox.telegram.rich.plain_text import render_plain_text
from sandbox.telegram.rich.plain_text_table import MAX_COLUMN_WIDTH, display_width
from sandbox.tests.telegram.rich_blocks import parse_blocks


def test_plain_text_contains_every_visible_part() -> None:
    source = "# H\n\n1. a\n2. b\n\n|x|y|\n|-|-|\n|1|2|\n\n$$E$$\n\n<aside>q<cite>c</cite></aside>"
    assert (
        render_plain_text(parse_blocks(markdown=source)) == "H\n1. a\n2. b\nx | y\n1 | 2\nE\nq\n— c"
    )


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
def test_display_width_matches_a_terminal(text: str, columns: int) -> None:
    assert display_width(text) == columns


def test_table_columns_are_aligned_in_plain_text() -> None:
    source = "|City|№|Note|\n|-|-:|:-:|\n|東京|1|a|\n|Sankt Gallen|10||\n|☀️ Нью-Йорк|-5|abc|\n"
    assert render_plain_text(parse_blocks(markdown=source)).splitlines() == [
        "City         |  № | Note",
        "東京         |  1 |  a",
        "Sankt Gallen | 10 |",
        "☀️ Нью-Йорк  | -5 | abc",
    ]


def test_very_long_cell_shifts_only_its_own_row() -> None:
    long = "x" * (MAX_COLUMN_WIDTH + 1)
    source = f"|a|b|\n|-|-|\n|{long}|1|\n|ccc|2|\n"
    assert render_plain_text(parse_blocks(markdown=source)).splitlines() == [
        "a   | b",
        f"{long} | 1",
        "ccc | 2",
    ]


def test_each_table_row_is_one_line() -> None:
    source = "<table><tr><td>a<br>b</td><td>c</td></tr><tr><td>d</td></tr></table>"
    assert render_plain_text(parse_blocks(html=source)) == "a b | c\nd"
