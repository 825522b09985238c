"""Samples of Markdown and two well-known formulas, which show how a chat displays them."""

import re

from sandbox.llm.skill import Skill, SkillRequest, build_matcher

_MARKDOWN_TRIGGER = re.compile(
    r"(?i)\b(?:markdown|formatting|разметк\w*|форматировани\w*|маркдаун)\b"
)
_ENGLISH_MARKDOWN = """\
# Markdown, all of it

Text may be **bold**, *italic*, ~~struck~~, `code`, or a [link](https://example.com/).

## A list

1. First
2. Second
   - nested
   - and again

> A quotation
> on two lines.

## Code

```python
def greet(name: str) -> str:
    return f"Hello, {name}!"
```

## A table

| City | Country | Zone |
|---|---|---|
| Tokyo | Japan | UTC+9 |
| Berlin | Germany | UTC+1 |
"""
_RUSSIAN_MARKDOWN = """\
# Markdown целиком

Текст бывает **жирным**, *курсивом*, ~~зачёркнутым~~, `кодом` и [ссылкой](https://example.com/).

## Список

1. Первое
2. Второе
   - вложенное
   - и ещё

> Цитата
> в две строки.

## Код

```python
def greet(name: str) -> str:
    return f"Привет, {name}!"
```

## Таблица

| Город | Страна | Пояс |
|---|---|---|
| Токио | Япония | UTC+9 |
| Берлин | Германия | UTC+1 |
"""

_QUADRATIC = (
    r"""The **quadratic formula** gives the roots of $ax^2 + bx + c = 0$, where $a \neq 0$:

$$x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

With the discriminant $D = b^2 - 4ac$ there are two roots if $D > 0$ and one if $D = 0$.""",
    r"""**Корни квадратного уравнения** $ax^2 + bx + c = 0$, где $a \neq 0$:

$$x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

Дискриминант $D = b^2 - 4ac$: при $D > 0$ корней два, при $D = 0$ один.""",
)
_PYTHAGOREAN = (
    r"""The **Pythagorean theorem** for a right triangle with the legs $a$ and $b$:

$$c = \sqrt{a^2 + b^2}$$

With $a = 3$ and $b = 4$ the hypotenuse is $c = 5$.""",
    r"""**Теорема Пифагора** для прямоугольного треугольника с катетами $a$ и $b$:

$$c = \sqrt{a^2 + b^2}$$

При $a = 3$ и $b = 4$ гипотенуза $c = 5$.""",
)
_FORMULAS = {
    r"(?i)\b(?:quadratic|discriminant|квадратн\w+ уравнени\w*|дискриминант\w*)\b": _QUADRATIC,
    r"(?i)\b(?:pythagor\w*|пифагор\w*)\b": _PYTHAGOREAN,
}
"""Explanations in English and in Russian, in Markdown with LaTeX, by a pattern of their names."""
_FORMULA_TRIGGER = re.compile(
    r"(?i)\b(?:formulas?|formulae|equations?|theorem|discriminant"
    r"|формул\w*|уравнени\w*|теорем\w*|дискриминант\w*)\b",
)
_ANY_FORMULA = re.compile(
    r"(?i)^\W*(?:please\s+)?(?:(?:show|give|write|send)\s+)?(?:me\s+)?(?:an?\s+|any\s+|some\s+)?"
    r"formulas?\W*$"
    r"|^\W*(?:(?:покажи\w*|напиши\w*|дай\w*|пришли\w*)\s+)?(?:мне\s+)?(?:как\w+-нибудь\s+)?формул\w\W*$",
)


def _find_formula(text: str) -> tuple[str, str] | None:
    """Return the formula that a text names, or the first one if any will do."""
    if _ANY_FORMULA.match(text):
        return _QUADRATIC
    named = (formula for pattern, formula in _FORMULAS.items() if re.search(pattern, text))
    return next(named, None) if _FORMULA_TRIGGER.search(text) else None


def _explain_formula(request: SkillRequest) -> str:
    formula = _find_formula(request.text)
    assert formula is not None, "the skill matches only texts that ask for a formula"
    return request.localize(*formula)


MARKDOWN = Skill(
    build_matcher(_MARKDOWN_TRIGGER),
    lambda request: request.localize(_ENGLISH_MARKDOWN, _RUSSIAN_MARKDOWN),
)
FORMULA = Skill(lambda request: _find_formula(request.text) is not None, _explain_formula)
