r"""Money is no formula, whatever stands between its signs; a formula is one in any form."""

import pytest

from tg_bot.src.rendering.markdown_source import Node, parse_tree
from tg_bot.src.rendering.sanitizer import sanitize_markdown

PRICES = [
    "$5 and $10",
    "from $5-$10 a month",
    "US$5, CA$7 and 5$-10$",
    "$5/$10/$15",
    "between $1,000 and $2,000,000",
    "$5 (was $10) or 5€",
    "it costs $5 + tax of 10$",
    "$5k to 10k$ ok",
    "$HOME/$USER:$PATH",
    "restaurants: $$ and $$$",
    "$$ (cheap) - $$$ (dear)",
    "от $5 до $10, а потом 7$",
    "$ — это знак доллара, а 5$ — цена",
    "\\$5 and \\$6",
    "a lone $",
    "$$",
    "$$$$",
    "(see \\(above\\) and \\[sic\\])",
    "```\n$x^2$ and \\(x^2\\)\n```",
    "`$x^2$` and `\\(x^2\\)`",
]

FORMULAS = [
    ("$x^2$", ["x^2"]),
    ("the $n$th of $x$-values, $5$ of $n, m$", ["n", "x", "5", "n, m"]),
    ("$E = mc^2$ costs $5", ["E = mc^2"]),
    (r"\( a_1 \) and \[ \frac{a}{b} \]", ["a_1", r"\frac{a}{b}"]),
    ("$$\n\\int_0^1 x\\,dx\n$$", ["\\int_0^1 x\\,dx"]),
    (r"$$\text{speed} = \frac{s}{t}$$", [r"\text{speed} = \frac{s}{t}"]),
    ("$f(x)$, $n-1$, $2x + 3$, $\\alpha$", ["f(x)", "n-1", "2x + 3", "\\alpha"]),
    ("**$x=1$** in $5 cases", ["x=1"]),
]


@pytest.mark.parametrize("text", PRICES)
def test_prices_are_not_formulas(text: str) -> None:
    assert find_formulas(text) == []


@pytest.mark.parametrize(("text", "found"), FORMULAS)
def test_formulas_are_found(text: str, found: list[str]) -> None:
    assert find_formulas(text) == found


def find_formulas(text: str) -> list[str]:
    return [*_find_formulas(parse_tree(sanitize_markdown(text)))]


def _find_formulas(nodes: list[Node]) -> list[str]:
    found = []
    for node in nodes:
        if node.kind in ("InlineMath", "DisplayMath"):
            found.append(node.value.strip())
        found += _find_formulas(node.children)
    return found
