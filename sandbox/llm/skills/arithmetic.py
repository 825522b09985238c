"""Arithmetic expressions and percentages."""

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal

from sandbox.llm.skill import Skill, SkillRequest

_EXPRESSION = re.compile(
    r"(?<![\w.-])[-(\s]*\d[\d\s.,()]*(?:(?:\*\*|//|[-+*/×·÷−^%])[\s(]*-?[\s(]*\d[\d\s.,()]*)+"
)
_PERCENT = re.compile(
    r"(?i)(\d+(?:[.,]\d+)?)\s*(?:%|percent|процент\w*)\s*(?:of|от)\s*(\d+(?:[.,]\d+)?)"
)
_NOT_AN_EXPRESSION = re.compile(r"\d{4}-\d\d-\d\d|^\s*\d{1,2}:\d\d\s*$|\d{1,2}\.\d{1,2}\.\d{4}")
_OPERATOR_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**", " ": ""})
_OPERATORS: dict[type[ast.AST], Callable[..., Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_MAX_EXPONENT = 1000


def _find_expression(text: str) -> tuple[str, str]:
    """Return the expression as it was written, and as a Python expression; or two empty texts."""
    if percent := _PERCENT.search(text):
        share, whole = (part.replace(",", ".") for part in percent.groups())
        return percent[0], f"{whole}*{share}/100"
    found = _EXPRESSION.search(text)
    if found is None or _NOT_AN_EXPRESSION.search(text):
        return "", ""
    expression = found[0].strip(" .,")
    return expression, re.sub(r"(?<=\d),(?=\d)", ".", expression).translate(_OPERATOR_SIGNS)


def _compute(request: SkillRequest) -> str:
    expression, formula = _find_expression(request.text)
    try:
        value = _evaluate(ast.parse(formula, mode="eval").body)
    except ZeroDivisionError:
        return request.localize("Division by zero is not possible.", "На ноль делить нельзя.")
    except (ArithmeticError, SyntaxError, RecursionError):
        return request.localize(
            f"I cannot compute “{expression}”.", f"Не могу вычислить «{expression}»."
        )
    return f"{expression} = **{_format_number(value)}**"


def _evaluate(node: ast.AST) -> Decimal:
    """Return the value. Raises ArithmeticError for a large exponent or another kind of node."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return Decimal(str(number))
        case ast.UnaryOp(op, operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(operand))
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            first, second = _evaluate(left), _evaluate(right)
            if not isinstance(op, ast.Pow) or abs(second) <= _MAX_EXPONENT:
                return _OPERATORS[type(op)](first, second)
    raise ArithmeticError


def _format_number(value: Decimal) -> str:
    text = f"{value:.10g}" if abs(value) >= 10**15 else f"{round(value, 10):f}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


ARITHMETIC = Skill(lambda request: bool(_find_expression(request.text)[0]), _compute)
