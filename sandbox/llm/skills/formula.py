"""Two well-known formulas, which show how a chat displays mathematics."""

import re
from dataclasses import dataclass

from sandbox.llm.skill import Skill, SkillRequest


@dataclass(frozen=True)
class _Formula:
    """A formula's name and its explanation: Markdown with LaTeX between dollar signs."""

    name_pattern: re.Pattern[str]
    en: str
    ru: str


_QUADRATIC = _Formula(
    re.compile(r"(?i)\b(?:quadratic|discriminant|квадратн\w+ уравнени\w*|дискриминант\w*)\b"),
    en=r"""The **quadratic formula** gives the roots of $ax^2 + bx + c = 0$, where $a \neq 0$:

$$x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

With the discriminant $D = b^2 - 4ac$ there are two roots if $D > 0$ and one if $D = 0$.""",
    ru=r"""**Корни квадратного уравнения** $ax^2 + bx + c = 0$, где $a \neq 0$:

$$x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

Дискриминант $D = b^2 - 4ac$: при $D > 0$ корней два, при $D = 0$ один.""",
)
_PYTHAGORAS = _Formula(
    re.compile(r"(?i)\b(?:pythagor\w*|пифагор\w*)\b"),
    en=r"""The **Pythagorean theorem** for a right triangle with the legs $a$ and $b$:

$$c = \sqrt{a^2 + b^2}$$

With $a = 3$ and $b = 4$ the hypotenuse is $c = 5$.""",
    ru=r"""**Теорема Пифагора** для прямоугольного треугольника с катетами $a$ и $b$:

$$c = \sqrt{a^2 + b^2}$$

При $a = 3$ и $b = 4$ гипотенуза $c = 5$.""",
)
_FORMULAS = (_QUADRATIC, _PYTHAGORAS)

_TRIGGER = re.compile(
    r"(?i)\b(?:formulas?|formulae|equations?|theorem|discriminant"
    r"|формул\w*|уравнени\w*|теорем\w*|дискриминант\w*)\b",
)
_ANY_FORMULA = re.compile(
    r"(?i)^\W*(?:please\s+)?(?:(?:show|give|write|send)\s+)?(?:me\s+)?(?:an?\s+|any\s+|some\s+)?"
    r"formulas?\W*$"
    r"|^\W*(?:(?:покажи\w*|напиши\w*|дай\w*|пришли\w*)\s+)?(?:мне\s+)?(?:как\w+-нибудь\s+)?формул\w\W*$",
)


def _find_formula(text: str) -> _Formula | None:
    """Return the formula that a text names, or the first one where any will do."""
    if _ANY_FORMULA.match(text):
        return _QUADRATIC
    named = (one for one in _FORMULAS if one.name_pattern.search(text))
    return next(named, None) if _TRIGGER.search(text) else None


def _start(request: SkillRequest) -> str:
    formula = _find_formula(request.text)
    assert formula is not None, "the skill matches only texts that ask for a formula"
    return request.localize(formula.en, formula.ru)


FORMULA = Skill(lambda request: _find_formula(request.text) is not None, _start)
